package pipe

import (
	"testing"

	"zeromux/internal/message"
)

// A neighbour may say when he comes that he wants the newest message alone.
func TestAPipeBecomesAQueueOfTheNewestMessage(t *testing.T) {
	topic := &message.Message{Kind: message.Subscribe, Frames: [][]byte{[]byte("topic")}}
	for name, batch := range map[string]func(*rig) []*message.Message{
		"nothing waits":     func(*rig) []*message.Message { return nil },
		"short messages":    func(r *rig) []*message.Message { return []*message.Message{r.data(1), r.data(2), r.data(3)} },
		"a message of many": func(r *rig) []*message.Message { return []*message.Message{r.data(4), r.data(1, 2, 300)} },
		"large frames": func(r *rig) []*message.Message {
			return []*message.Message{r.data(message.LargeFrame), r.data(message.LargeFrame + 1)}
		},
		"subscriptions too": func(r *rig) []*message.Message { return []*message.Message{r.data(4), topic, r.data(5)} },
		"to the mark":       func(r *rig) []*message.Message { return []*message.Message{r.data(1), r.data(1), r.data(1), r.data(1)} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{SendMark: 4, SendMarkPeer: -1})
			sent := batch(r)
			for _, m := range sent {
				r.write(r.near, m)
			}
			if len(sent) == 4 && r.write(r.near, r.data(1)) != Full {
				t.Error("the mark does not hold")
			}
			before := r.near.Written()
			r.near.Conflate()
			r.near.Conflate()
			if now := r.near.Written(); now.Messages != before.Messages || now.Octets > before.Octets {
				t.Errorf("written was %+v, and is now %+v", before, now)
			}
			r.look()
			var m message.Message
			for _, want := range sent {
				last := want == sent[len(sent)-1]
				if want.Kind == message.Data && !last {
					continue
				}
				if r.far.Read(&m) != OK {
					t.Fatal("a message is missing")
				}
				if last {
					want = &message.Message{Frames: want.Frames[len(want.Frames)-1:]}
				}
				if !same(&m, want) {
					t.Errorf("read %.40q, want %.40q", m.Frames, want.Frames)
				}
			}
			for range 6 {
				last := r.data(7)
				if r.write(r.near, last) != OK {
					t.Fatal("there is a mark still")
				}
			}
			if r.far.Read(&m) != OK || r.far.Read(&m) != Empty {
				t.Error("not exactly one message waits")
			}
			r.far.CloseRead()
			r.near.CloseRead()
			r.done()
		})
	}
}
