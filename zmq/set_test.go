package zmq_test

import (
	"crypto/tls"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

var allTypes = []zmq.SocketType{
	zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.PUSH, zmq.XPUB, zmq.XSUB, zmq.STREAM,
}

// fullConfig is a Config with something in every field. No socket takes it.
func fullConfig() zmq.Config {
	on := true
	return zmq.Config{
		HighWater: zmq.HighWater{Send: 1, Recv: zmq.Unlimited}, Linger: time.Second,
		SendTimeout: 2 * time.Second, RecvTimeout: zmq.NoWait, RoutingID: "me", Conflate: true,
		Limits: zmq.Limits{MessageSize: 3, Frames: 4, Subscriptions: 5},
		Reconnect: zmq.Reconnect{
			Interval: zmq.Never, Max: time.Minute, StopRefused: true, StopHandshake: true, StopDisconnect: true,
			Immediate: true, HandshakeTimeout: zmq.NoTimeout, ConnectTimeout: time.Hour,
		},
		Heartbeat: zmq.Heartbeat{Interval: time.Second, Timeout: zmq.NoTimeout, TTL: time.Minute},
		Network: zmq.Network{
			IPv6: true, Backlog: zmq.NoBacklog, SendBuffer: 6, RecvBuffer: 7, ReadMost: 8, WriteMost: 9, Affinity: 1,
		},
		TCP: zmq.TCP{
			KeepAlive: &on, KeepAliveIdle: time.Second, KeepAliveInterval: time.Second, KeepAliveCount: 8,
			MaxRetransmit: time.Minute, TOS: 9, Priority: 10, BindToDevice: "lo", BusyPoll: time.Millisecond,
			LoopbackFastPath: true, AcceptFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
			Proxy: zmq.SOCKSProxy{Address: "proxy:1080", User: "me", Password: "secret"},
		},
		TLS:    zmq.TLS{CertFile: "cert.pem", KeyFile: "key.pem", CAFile: "ca.pem", ClientCAFile: "clients.pem", ServerName: "server.test"},
		IPC:    zmq.IPC{AcceptPIDs: []int32{1}, AcceptUIDs: []uint32{2}, AcceptGIDs: []uint32{3}},
		Router: zmq.Router{Mandatory: true, Handover: true, NotifyConnect: true, NotifyDisconnect: true, Probe: true, Raw: true},
		Req:    zmq.Req{Correlate: true, Relaxed: true},
		PubSub: zmq.PubSub{
			Verbose: true, Verboser: true, Manual: true, ManualLastValue: true, NoDrop: true, Welcome: "hi",
			InvertMatching: true, OnlyFirstSubscribe: true, VerboseUnsubscribe: true,
		},
		Stream:   zmq.Stream{Silent: true},
		Presence: zmq.Presence{Hello: "hello", Disconnect: "gone", Hiccup: "hiccup"},
		Metadata: map[string]string{"X-a": "b"},
		Security: zmq.Security{
			Plain:     zmq.Plain{Server: true, StandardError: true, Username: "me", Password: "secret"},
			Curve:     zmq.Curve{Server: true, PublicKey: ownKey.PublicKey(), SecretKey: ownKey, ServerKey: ownKey.PublicKey()},
			ZAPDomain: "home", ZAPEnforceDomain: true,
		},
	}
}

// Of its secrets a text tells only that there are some.
func TestAConfigSurvivesJSON(t *testing.T) {
	for name, before := range map[string]zmq.Config{"the zero value": {}, "every field set": fullConfig()} {
		t.Run(name, func(t *testing.T) {
			if before.Security.Plain.Server {
				text, err := json.Marshal(before)
				if err != nil || strings.Count(string(text), "[secret]") != 3 {
					t.Errorf("%s, %v", text, err)
				}
				if err := json.Unmarshal(text, new(zmq.Config)); !is(err, zmq.ErrInvalid) {
					t.Errorf("a text without the secrets: %v", err)
				}
			}
			before.TCP.Proxy.Password, before.Security.Plain.Password, before.Security.Curve.SecretKey = "", "", zmq.CurveSecretKey{}
			text, err := json.Marshal(before)
			if err != nil {
				t.Fatal(err)
			}
			var after zmq.Config
			if err := json.Unmarshal(text, &after); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(before, after) {
				t.Errorf("got  %+v\nwant %+v\nby way of %s", after, before, text)
			}
		})
	}
}

// TestEveryFieldOfAConfigHasATag finds fields that files could not name, and
// fields that fullConfig forgets.
func TestEveryFieldOfAConfigHasATag(t *testing.T) {
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			at := path + "." + f.Name
			if f.Type.Kind() == reflect.Func || f.Type == reflect.TypeFor[*tls.Config]() {
				continue // no file can say it
			}
			for _, format := range []string{"json", "yaml", "toml"} {
				if tag := f.Tag.Get(format); tag == "" || tag != f.Tag.Get("json") || strings.ToLower(tag) != tag {
					t.Errorf("%s has the %s tag %q", at, format, tag)
				}
			}
			if v.Field(i).IsZero() {
				t.Errorf("%s is not set in the test", at)
			}
			if f.Type.Kind() == reflect.Struct && !f.Type.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
				look(at, v.Field(i))
			}
		}
	}
	look("Config", reflect.ValueOf(fullConfig()))
}

func TestAConfigCanBeFilledFromAFile(t *testing.T) {
	const file = `{"high_water": {"send": 7}, "linger": 1000000000, "router": {"mandatory": true}, "metadata": {"X-who": "me"}}`
	var config zmq.Config
	if err := json.Unmarshal([]byte(file), &config); err != nil {
		t.Fatal(err)
	}
	s := newSocket(t, newContext(t), zmq.ROUTER, &config)
	got := s.Config()
	if got.HighWater.Send != 7 || got.Linger != time.Second || !got.Router.Mandatory || got.Metadata["X-who"] != "me" {
		t.Errorf("got %+v", got)
	}
}

func TestAConfigOutOfRangeIsRefusedByName(t *testing.T) {
	long := strings.Repeat("x", 256)
	for field, config := range map[string]zmq.Config{
		"HighWater.Send is -2, must be -1 to 2147483647":        {HighWater: zmq.HighWater{Send: -2}},
		"HighWater.Recv is -9":                                  {HighWater: zmq.HighWater{Recv: -9}},
		"Linger is -2ns, must be -1ns or more":                  {Linger: -2},
		"SendTimeout is -1s":                                    {SendTimeout: -time.Second},
		"RecvTimeout":                                           {RecvTimeout: -2},
		"Limits.MessageSize":                                    {Limits: zmq.Limits{MessageSize: -2}},
		"Limits.Frames":                                         {Limits: zmq.Limits{Frames: -2}},
		"Limits.Subscriptions":                                  {Limits: zmq.Limits{Subscriptions: -2}},
		"Reconnect.Interval":                                    {Reconnect: zmq.Reconnect{Interval: -2}},
		"Reconnect.Max is -1ns, must be 0s or more":             {Reconnect: zmq.Reconnect{Max: -1}},
		"Reconnect.HandshakeTimeout":                            {Reconnect: zmq.Reconnect{HandshakeTimeout: -2}},
		"Reconnect.ConnectTimeout":                              {Reconnect: zmq.Reconnect{ConnectTimeout: -1}},
		"Heartbeat.Interval":                                    {Heartbeat: zmq.Heartbeat{Interval: -1}},
		"Heartbeat.Timeout":                                     {Heartbeat: zmq.Heartbeat{Timeout: -2}},
		"Heartbeat.TTL is 1h49m13.6s, must be 0s to 1h49m13.5s": {Heartbeat: zmq.Heartbeat{TTL: 65536 * 100 * time.Millisecond}},
		"Network.Backlog":                                       {Network: zmq.Network{Backlog: -2}},
		"Network.SendBuffer":                                    {Network: zmq.Network{SendBuffer: -1}},
		"Network.RecvBuffer":                                    {Network: zmq.Network{RecvBuffer: -1}},
		"TCP.KeepAliveCount":                                    {TCP: zmq.TCP{KeepAliveCount: -1}},
		"TCP.KeepAliveIdle":                                     {TCP: zmq.TCP{KeepAliveIdle: -1}},
		"TCP.KeepAliveInterval":                                 {TCP: zmq.TCP{KeepAliveInterval: -1}},
		"TCP.MaxRetransmit":                                     {TCP: zmq.TCP{MaxRetransmit: -1}},
		"TCP.TOS":                                               {TCP: zmq.TCP{TOS: -1}},
		"TCP.Priority":                                          {TCP: zmq.TCP{Priority: -1}},
		"TCP.BindToDevice has 17 octets, must have at most 16":  {TCP: zmq.TCP{BindToDevice: long[:17]}},
		"RoutingID has 256 octets, must have at most 255":       {RoutingID: long},
		`Metadata name "nox"`:                                   {Metadata: map[string]string{"nox": "v"}},
		`Metadata name "X-a:b"`:                                 {Metadata: map[string]string{"X-a:b": "v"}},
		`Metadata has more than 990 properties`:                 {Metadata: manyProperties(991)},
		`Metadata value of "X-a" is empty`:                      {Metadata: map[string]string{"X-a": ""}},
		"Router.Raw goes with no other":                         {Router: zmq.Router{Raw: true, Probe: true}},
	} {
		t.Run(field, func(t *testing.T) {
			_, err := newContext(t).NewSocket(zmq.ROUTER, &config)
			if !is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "Config."+field) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := newContext(t).NewSocket(99, nil); !is(err, zmq.ErrInvalid) {
		t.Errorf("socket type 99: %v", err)
	}
}

// particular are the fields that are not for all types, and whom they are for.
var particular = map[string][]zmq.SocketType{
	"Conflate":                  {zmq.PUB, zmq.SUB, zmq.DEALER, zmq.PULL, zmq.PUSH},
	"Router.Mandatory":          {zmq.ROUTER},
	"Router.Handover":           {zmq.ROUTER},
	"Router.NotifyConnect":      {zmq.ROUTER},
	"Router.NotifyDisconnect":   {zmq.ROUTER},
	"Router.Probe":              {zmq.REQ, zmq.DEALER, zmq.ROUTER},
	"Router.Raw":                {zmq.ROUTER},
	"Req.Correlate":             {zmq.REQ},
	"Req.Relaxed":               {zmq.REQ},
	"PubSub.Verbose":            {zmq.XPUB},
	"PubSub.Verboser":           {zmq.XPUB},
	"PubSub.Manual":             {zmq.XPUB},
	"PubSub.ManualLastValue":    {zmq.XPUB},
	"PubSub.NoDrop":             {zmq.PUB, zmq.XPUB},
	"PubSub.Welcome":            {zmq.PUB, zmq.XPUB},
	"PubSub.InvertMatching":     {zmq.PUB, zmq.SUB, zmq.XPUB},
	"PubSub.OnlyFirstSubscribe": {zmq.PUB, zmq.XPUB, zmq.XSUB},
	"PubSub.VerboseUnsubscribe": {zmq.XSUB},
	"Stream.Silent":             {zmq.STREAM},
	"Presence.Hello":            {zmq.DEALER, zmq.ROUTER},
	"Presence.Disconnect":       {zmq.ROUTER},
	"Presence.Hiccup":           {zmq.DEALER},
}

// TestAFieldIsRefusedByTheTypesThatWouldIgnoreIt makes a socket of every type with
// one field set, and sets it on a live one, for every field of fullConfig.
func TestAFieldIsRefusedByTheTypesThatWouldIgnoreIt(t *testing.T) {
	c := newContext(t)
	groups := []string{"Router.", "Req.", "PubSub.", "Stream.", "Presence."}
	var look func(path string, at []int, v reflect.Value)
	look = func(path string, at []int, v reflect.Value) {
		if path == ".Security" || path == ".TLS" {
			return // they have tests of their own: of most of their fields none goes alone
		}
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				look(path+"."+v.Type().Field(i).Name, append(slices.Clone(at), i), v.Field(i))
			}
			return
		}
		name := strings.TrimPrefix(path, ".")
		var config zmq.Config
		reflect.ValueOf(&config).Elem().FieldByIndex(at).Set(v)
		types, some := particular[name]
		if !some {
			types = allTypes
			if slices.ContainsFunc(groups, func(group string) bool { return strings.HasPrefix(name, group) }) {
				t.Errorf("whom is %s for?", name)
			}
		}
		for _, typ := range allTypes {
			fits := slices.Contains(types, typ)
			check := func(how string, err error) {
				switch {
				case is(err, errors.ErrUnsupported): // of this system, whatever the type
				case err == nil && !fits:
					t.Errorf("%v takes %s, %s", typ, name, how)
				case err != nil && fits:
					t.Errorf("%v: %s: %v", typ, how, err)
				case err != nil && (!is(err, zmq.ErrInvalid) || !strings.HasSuffix(err.Error(), "Config."+name+" is not for "+typ.String())):
					t.Errorf("%v: %s: %s: %v", typ, name, how, err)
				}
			}
			made, err := c.NewSocket(typ, &config)
			check("made with it", err)
			live := newSocket(t, c, typ, nil)
			check("live", live.Configure(func(c *zmq.Config) { *c = config }))
			for _, s := range []*zmq.Socket{made, live} {
				if s != nil {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
	look("", nil, reflect.ValueOf(fullConfig()))
}

func TestASocketKeepsAConfigOfItsOwn(t *testing.T) {
	on := true
	config := zmq.Config{TCP: zmq.TCP{KeepAlive: &on}, Metadata: map[string]string{"X-a": "b"}}
	s := newSocket(t, newContext(t), zmq.ROUTER, &config)
	config.Metadata["X-a"] = "changed"
	on = false
	got := s.Config()
	if got.Metadata["X-a"] != "b" || !*got.TCP.KeepAlive {
		t.Error("the socket's config changed with the caller's")
	}
	got.Metadata["X-a"] = "changed"
	if s.Config().Metadata["X-a"] != "b" {
		t.Error("the socket's config changed with a copy")
	}
}

func TestAHigherMarkWakesASenderThatWaits(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, &zmq.Config{HighWater: zmq.HighWater{Send: 2, Recv: 1}})
		connect(t, push, endpoint)
		send(t, push, "1")
		send(t, push, "2")
		sent := make(chan error)
		go func() { sent <- push.SendString(within(t), "3") }()
		eventually(t, "a sender waits", func() bool { return !push.CanSend() })
		if err := push.Configure(func(c *zmq.Config) { c.HighWater.Send = 3 }); err != nil {
			t.Fatal(err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if n := fill(t, push, 10); n != 0 {
			t.Errorf("%d more than the mark", n)
		}
	})
}

func TestALiveMarkChangesPipesThatExist(t *testing.T) {
	c := newContext(t)
	one := &zmq.Config{HighWater: zmq.HighWater{Send: 1, Recv: 1}}
	push, pull := join(t, c, "inproc://x", side{zmq.PUSH, one}, side{zmq.PULL, one})
	if err := push.Configure(func(c *zmq.Config) { c.HighWater.Send = 5 }); err != nil {
		t.Fatal(err)
	}
	if n := fill(t, push, 100); n != 6 {
		t.Errorf("5 and 1 held %d", n)
	}
	if err := pull.Configure(func(c *zmq.Config) { c.HighWater.Recv = 10 }); err != nil {
		t.Fatal(err)
	}
	if n := fill(t, push, 100); n != 9 {
		t.Errorf("5 and 10 held %d more than 6", n)
	}
	if err := push.Configure(func(c *zmq.Config) { c.HighWater.Send = 1 }); err != nil {
		t.Fatal(err)
	}
	for range 15 { // a lower mark keeps what is queued
		recv(t, pull)
	}
	nothing(t, pull) // now the receiver has let go of all
	if n := fill(t, push, 100); n != 11 {
		t.Errorf("1 and 10 held %d", n)
	}
}

func TestALiveTimeoutEndsTheNextCall(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PAIR, nil)
	if err := s.Configure(func(c *zmq.Config) { c.RecvTimeout, c.SendTimeout = zmq.NoWait, time.Millisecond }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(within(t)); !is(err, zmq.ErrTimeout) {
		t.Errorf("receive: %v", err)
	}
	if err := s.SendString(within(t), "x"); !is(err, zmq.ErrTimeout) {
		t.Errorf("send: %v", err)
	}
}

// manyProperties are n that each are allowed.
func manyProperties(n int) map[string]string {
	list := make(map[string]string, n)
	for i := range n {
		list[fmt.Sprint("X-", i)] = "v"
	}
	return list
}
