package zmq_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestConfigureChangesAllOrNothing(t *testing.T) {
	for name, change := range map[string]func(*zmq.Config){
		"a value out of range":       func(c *zmq.Config) { c.Linger, c.TCP.TOS = time.Second, 256 },
		"a field of other types":     func(c *zmq.Config) { c.Linger, c.Router.Mandatory = time.Second, true },
		"what no transport can do":   func(c *zmq.Config) { c.TCP.AcceptFrom = make([]netip.Prefix, 1) },
		"a proxy that cannot be":     func(c *zmq.Config) { c.TCP.Proxy.Address = "nowhere" },
		"metadata under other names": func(c *zmq.Config) { c.Metadata["x"] = "y" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, newContext(t), zmq.PUSH, &zmq.Config{Metadata: map[string]string{"X-a": "b"}})
			before := s.Config()
			if err := s.Configure(change); !is(err, zmq.ErrInvalid) || !strings.HasPrefix(err.Error(), "zmq: PUSH: configure: ") {
				t.Errorf("got %v", err)
			}
			if got := s.Config(); !reflect.DeepEqual(got, before) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestConfigureOfADeadSocketSaysSo(t *testing.T) {
	c := zmq.NewContext(nil)
	closed, other := newSocket(t, c, zmq.PUSH, nil), newSocket(t, c, zmq.PUSH, nil)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := closed.Configure(func(*zmq.Config) {}); !is(err, zmq.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	c.Shutdown()
	if err := other.Configure(func(*zmq.Config) {}); !is(err, zmq.ErrTerminated) {
		t.Errorf("terminated: %v", err)
	}
	if got := other.Config(); !reflect.DeepEqual(got, zmq.Config{}) {
		t.Errorf("the configuration of a dead socket is %+v", got)
	}
	term(t, c)
}

// TestChangesAtOnceAreNotLost has many goroutines add a property each, and one of
// them use the socket meanwhile.
func TestChangesAtOnceAreNotLost(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PUSH, nil)
	const n = 50
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			err := s.Configure(func(c *zmq.Config) {
				if c.Metadata == nil {
					c.Metadata = make(map[string]string)
				}
				c.Metadata[fmt.Sprint("X-", i)] = "v"
				if s.Config().Linger == 0 { // the socket is free while a change is made
					_ = s.Configure(func(c *zmq.Config) { c.Linger = time.Second })
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := s.Config(); len(got.Metadata) != n || got.Linger != time.Second {
		t.Errorf("%d properties, linger %v", len(got.Metadata), got.Linger)
	}
}

// TestAChangeIsForLaterEndpoints binds one endpoint before and one after, and
// looks at what their peers are told and may do.
func TestAChangeIsForLaterEndpoints(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		s := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "before"})
		dial := func(endpoint string) *zmq.Socket {
			router := newSocket(t, c, zmq.ROUTER, nil)
			connect(t, router, endpoint)
			peers(t, router, 1)
			return router
		}
		first := bind(t, s, endpoint)
		if err := s.Configure(func(c *zmq.Config) { c.RoutingID = "after" }); err != nil {
			t.Fatal(err)
		}
		endpoint = strings.Replace(endpoint, "inproc://", "inproc://second", 1)
		if strings.HasPrefix(endpoint, "ipc") {
			endpoint += "2"
		}
		second := bind(t, s, endpoint)
		for i, row := range []struct{ endpoint, id string }{{first, "before"}, {second, "after"}, {first, "before"}} {
			router := dial(row.endpoint)
			peers(t, s, 1)
			send(t, s, "hello")
			want(t, router, row.id, "hello")
			if err := router.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, fmt.Sprint("peer ", i, " is gone"), func() bool { return len(s.Peers()) == 0 })
		}
		if got := s.Config().RoutingID; got != "after" {
			t.Errorf("the routing id is %q", got)
		}
	})
}

// TestAChangeOfConflateIsForLaterEndpoints fills a pipe of each kind.
func TestAChangeOfConflateIsForLaterEndpoints(t *testing.T) {
	c := newContext(t)
	push := newSocket(t, c, zmq.PUSH, &zmq.Config{HighWater: zmq.HighWater{Send: 3}})
	pull := &zmq.Config{HighWater: zmq.HighWater{Recv: 1}}
	first := newSocket(t, c, zmq.PULL, pull)
	connect(t, push, bind(t, first, "inproc://first"))
	if n := fill(t, push, 100); n != 4 {
		t.Fatalf("3 and 1 hold %d", n)
	}
	if err := push.Configure(func(c *zmq.Config) { c.Conflate = true }); err != nil {
		t.Fatal(err)
	}
	other := newSocket(t, c, zmq.PULL, pull)
	connect(t, push, bind(t, other, "inproc://second"))
	if n := fill(t, push, 100); n != 100 {
		t.Fatalf("a queue of the newest holds %d", n)
	}
	want(t, other, "99")
	nothing(t, other)
	for i := range 4 {
		want(t, first, fmt.Sprint(i))
	}
}

// TestAChangeOfNoticesIsForLaterEndpoints has peers come to an endpoint of each
// kind.
func TestAChangeOfNoticesIsForLaterEndpoints(t *testing.T) {
	for name, row := range map[string]struct {
		typ    zmq.SocketType
		first  bool // whether the first endpoint tells
		change func(*zmq.Config)
	}{
		"a ROUTER that begins to tell": {zmq.ROUTER, false, func(c *zmq.Config) { c.Router.NotifyConnect = true }},
		"a STREAM that ceases":         {zmq.STREAM, true, func(c *zmq.Config) { c.Stream.Silent = true }},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, row.typ, nil)
			first := bind(t, s, "tcp://127.0.0.1:*")
			if err := s.Configure(row.change); err != nil {
				t.Fatal(err)
			}
			second := bind(t, s, "tcp://127.0.0.1:*")
			for endpoint, tells := range map[string]bool{first: row.first, second: !row.first} {
				before := len(s.Peers())
				if row.typ == zmq.ROUTER {
					connect(t, newSocket(t, c, zmq.DEALER, nil), endpoint)
				} else {
					dialPlain(t, endpoint)
				}
				peers(t, s, before+1)
				if !tells {
					nothing(t, s)
				} else if m := recv(t, s); len(m.Frames) != 2 || len(m.Frames[1]) != 0 {
					t.Errorf("the notice is %q", m.Frames)
				}
			}
		})
	}
}

// Who has received a peer's farewell finds its name free, so that another may come by
// it: nobody receives it before the pattern, which sends and receives, has been told.
func TestAFarewellComesWhenTheNameIsFree(t *testing.T) {
	c := newContext(t)
	router := newSocket(t, c, zmq.ROUTER, &zmq.Config{Presence: zmq.Presence{Disconnect: "goodbye"}})
	happens := watch(t, router)
	dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "d"})
	connect(t, dealer, bind(t, router, "tcp://127.0.0.1:*"))
	peers(t, router, 1)
	release := zmq.HoldSending(router)
	if err := dealer.Close(); err != nil {
		t.Error(err)
	}
	happens.await(zmq.EventDisconnected)
	for range 20_000 {
		if m, err := router.TryRecv(); err == nil {
			t.Errorf("got %q of a peer whose name is not free yet", m.Frames)
			break
		}
		runtime.Gosched()
	}
	release()
	want(t, router, "d", "goodbye")
	if _, err := router.CanSendTo("d"); !is(err, zmq.ErrHostUnreachable) {
		t.Errorf("a peer is known that has said goodbye: %v", err)
	}
}

// TestAChangeOfPresenceIsForLaterEndpoints has peers come to an endpoint of each kind
// and go.
func TestAChangeOfPresenceIsForLaterEndpoints(t *testing.T) {
	for name, scheme := range map[string][2]string{
		"tcp": {"tcp://127.0.0.1:*", "tcp://127.0.0.1:*"}, "inproc": {"inproc://first", "inproc://second"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, zmq.ROUTER, &zmq.Config{Presence: zmq.Presence{Hello: "hello", Disconnect: "goodbye"}})
			first := bind(t, s, scheme[0])
			if err := s.Configure(func(c *zmq.Config) { c.Presence = zmq.Presence{Hello: "welcome", Disconnect: "farewell"} }); err != nil {
				t.Fatal(err)
			}
			second := bind(t, s, scheme[1])
			for endpoint, words := range map[string]zmq.Presence{
				first: {Hello: "hello", Disconnect: "goodbye"}, second: {Hello: "welcome", Disconnect: "farewell"},
			} {
				dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "d"})
				connect(t, dealer, endpoint)
				want(t, dealer, words.Hello)
				if err := dealer.Close(); err != nil {
					t.Fatal(err)
				}
				want(t, s, "d", words.Disconnect)
			}
		})
	}
	t.Run("a lost connection", func(t *testing.T) {
		c := newContext(t)
		router := newSocket(t, c, zmq.ROUTER, nil)
		dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{Presence: zmq.Presence{Hiccup: "before"}})
		connect(t, dealer, bind(t, router, "tcp://127.0.0.1:*"))
		peers(t, dealer, 1)
		if err := dealer.Configure(func(c *zmq.Config) { c.Presence.Hiccup = "after" }); err != nil {
			t.Fatal(err)
		}
		if err := router.Close(); err != nil {
			t.Fatal(err)
		}
		want(t, dealer, "before")
	})
}

// TestALimitIsForLaterEndpoints sends too much to an endpoint of each kind.
func TestALimitIsForLaterEndpoints(t *testing.T) {
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, nil)
	free := bind(t, pull, "tcp://127.0.0.1:*")
	if err := pull.Configure(func(c *zmq.Config) { c.Limits.MessageSize = 1000 }); err != nil {
		t.Fatal(err)
	}
	limited := bind(t, pull, "tcp://127.0.0.1:*")
	large := strings.Repeat("x", 1001)
	for endpoint, passes := range map[string]bool{free: true, limited: false} {
		push := newSocket(t, c, zmq.PUSH, nil)
		seen := watch(t, push)
		connect(t, push, endpoint)
		peers(t, push, 1)
		send(t, push, large)
		if passes {
			want(t, pull, large)
		} else {
			seen.await(zmq.EventDisconnected)
			nothing(t, pull)
		}
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigureCountsAtOnceWhereItCan(t *testing.T) {
	c := newContext(t)
	push, pull := join(t, c, "inproc://x", side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	if err := push.Configure(func(c *zmq.Config) {
		c.HighWater.Send, c.SendTimeout = 1, zmq.NoWait
	}); err != nil {
		t.Fatal(err)
	}
	if err := pull.Configure(func(c *zmq.Config) { c.HighWater.Recv = 1 }); err != nil {
		t.Fatal(err)
	}
	send(t, push, "1")
	send(t, push, "2")
	if err := push.SendString(within(t), "3"); !is(err, zmq.ErrTimeout) {
		t.Errorf("got %v, want that there is no room and no time", err)
	}
}

func TestWhatASystemLacksIsRefusedAtOnce(t *testing.T) {
	for name, row := range map[string]struct {
		has    string // the systems that have it
		config zmq.Config
	}{
		"LoopbackFastPath": {"windows", zmq.Config{TCP: zmq.TCP{LoopbackFastPath: true}}},
		"BusyPoll":         {"linux android", zmq.Config{TCP: zmq.TCP{BusyPoll: time.Millisecond}}},
		"Priority":         {"linux android", zmq.Config{TCP: zmq.TCP{Priority: 1}}},
		"BindToDevice":     {"linux android darwin", zmq.Config{TCP: zmq.TCP{BindToDevice: "lo"}}},
		"AcceptPIDs":       {"linux android", zmq.Config{IPC: zmq.IPC{AcceptPIDs: []int32{1}}}},
		"AcceptUIDs":       {"linux android", zmq.Config{IPC: zmq.IPC{AcceptUIDs: []uint32{1}}}},
		"AcceptGIDs":       {"linux android", zmq.Config{IPC: zmq.IPC{AcceptGIDs: []uint32{1}}}},
	} {
		t.Run(name, func(t *testing.T) {
			has := strings.Contains(" "+row.has+" ", " "+runtime.GOOS+" ")
			check := func(what string, err error) {
				switch {
				case has && err != nil:
					t.Errorf("%s: %v", what, err)
				case !has && (!errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), name)):
					t.Errorf("%s: got %v, want errors.ErrUnsupported and the name", what, err)
				}
			}
			_, err := newContext(t).NewSocket(zmq.PAIR, &row.config)
			check("new socket", err)
			s := newSocket(t, newContext(t), zmq.PAIR, nil)
			check("live", s.Configure(func(c *zmq.Config) { *c = row.config }))
			if !has && !reflect.DeepEqual(s.Config(), zmq.Config{}) {
				t.Error("the socket has changed")
			}
		})
	}
}

func TestEffectiveWritesDefaultsOut(t *testing.T) {
	blocky := zmq.NewContext(nil)
	defer term(t, blocky)
	for name, row := range map[string]struct {
		c      *zmq.Context
		typ    zmq.SocketType
		config zmq.Config
		linger time.Duration
		beat   time.Duration
	}{
		"libzmq's":                       {blocky, zmq.PUSH, zmq.Config{}, zmq.Forever, 0},
		"of a subscriber":                {blocky, zmq.SUB, zmq.Config{}, zmq.NoLinger, 0},
		"of a context that is not so":    {newContext(t), zmq.PUSH, zmq.Config{}, zmq.NoLinger, 0},
		"what is given stays":            {newContext(t), zmq.PUSH, zmq.Config{Linger: time.Second}, time.Second, 0},
		"a heartbeat is its own bound":   {blocky, zmq.PUSH, zmq.Config{Heartbeat: zmq.Heartbeat{Interval: 5}}, zmq.Forever, 5},
		"a heartbeat with another one":   {blocky, zmq.PUSH, zmq.Config{Heartbeat: zmq.Heartbeat{Interval: 5, Timeout: 7}}, zmq.Forever, 7},
		"a heartbeat that never is late": {blocky, zmq.PUSH, zmq.Config{Heartbeat: zmq.Heartbeat{Interval: 5, Timeout: zmq.NoTimeout}}, zmq.Forever, zmq.NoTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, row.c, row.typ, &row.config)
			got := s.Effective()
			if got.Linger != row.linger || got.Heartbeat.Timeout != row.beat {
				t.Errorf("linger %v, heartbeat timeout %v", got.Linger, got.Heartbeat.Timeout)
			}
			if got.HighWater != (zmq.HighWater{Send: 1000, Recv: 1000}) || got.SendTimeout != zmq.Forever ||
				got.Reconnect.Interval != 100*time.Millisecond || got.Reconnect.HandshakeTimeout != 30*time.Second ||
				got.Network.Backlog != 100 || got.Limits.MessageSize != zmq.Unlimited {
				t.Errorf("got %+v", got)
			}
			if err := s.Configure(func(c *zmq.Config) { *c = got }); err != nil {
				t.Errorf("it cannot be put in: %v", err)
			}
		})
	}
}

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}
