package conformance

import (
	"context"
	"encoding/json"
	"testing"

	"zeromux/zmq"
)

// FuzzSocketOptions makes sockets of every type with whatever configuration can be
// written down. Each is taken or refused as invalid, and one that is taken says what
// it was given.
func FuzzSocketOptions(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"high_water": {"send": -1, "recv": 9223372036854775807}, "linger": -1, "routing_id": "\u0000"}`))
	f.Add([]byte(`{"router": {"mandatory": true}, "presence": {"hello": "x"}, "metadata": {"X-": "", "": "x"}}`))
	f.Add([]byte(`{"pubsub": {"manual": true, "welcome": "x"}, "limits": {"subscriptions": -9}, "heartbeat": {"ttl": 1}}`))
	f.Add([]byte(`{"tcp": {"keep_alive": true, "keep_alive_count": -128, "bind_to_device": "12345678901234567"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var config zmq.Config
		if json.Unmarshal(text, &config) != nil {
			return
		}
		c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true})
		defer func() { _ = c.Term(context.Background()) }() // nothing is unsent
		for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
			s, err := c.NewSocket(typ, &config)
			if err != nil {
				newStage(t, "inproc").wrong(err, zmq.ErrInvalid)
				continue
			}
			got, err := json.Marshal(s.Config())
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("%v: it was given %s, and says %s", typ, want, got)
			}
			if _, err := s.Bind("inproc://x"); err == nil {
				_ = s.Unbind("inproc://x")
			}
			_ = s.Configure(func(c *zmq.Config) { c.HighWater.Send, c.PubSub.Manual, c.Router.Mandatory = 1, true, true })
		}
	})
}
