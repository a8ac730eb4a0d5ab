package zmq_test

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/zmq"
)

func TestARouterKnowsItsPeersByTheirIDs(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		router := newSocket(t, c, zmq.ROUTER, nil)
		bound := bind(t, router, endpoint)
		long := strings.Repeat("x", 255)
		for _, id := range []string{"a", long, "\x00leading zero", ""} {
			dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: id})
			connect(t, dealer, bound)
			send(t, dealer, "from", id)
			m := recv(t, router)
			got := string(m.Frames[0])
			switch {
			case id != "" && got != id:
				t.Errorf("id is %q, want %q", got, id)
			case id == "" && (len(got) != 5 || got[0] != 0):
				t.Errorf("made up %q, want a zero and four octets", got)
			}
			if p := m.Peer(); p == nil || p.RoutingID != id || p.Type != "DEALER" {
				t.Errorf("the message is from %+v", p)
			}
			send(t, router, got, "to", id)
			want(t, dealer, "to", id)
		}
	})
}

func TestWhatARouterCannotRouteIsDroppedOrReported(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		router, dealer := join(t, c, endpoint, side{zmq.ROUTER, nil}, side{zmq.DEALER, &zmq.Config{RoutingID: "you"}})
		send(t, router, "nobody", "x")
		if got := router.Stats().DroppedUnroutable; got != 1 {
			t.Errorf("%d dropped, want 1", got)
		}
		send(t, router, "you") // a single frame vanishes
		if err := router.Configure(func(c *zmq.Config) { c.Router.Mandatory = true }); err != nil {
			t.Fatal(err)
		}
		if err := router.SendString(within(t), "nobody", "x"); !is(err, zmq.ErrHostUnreachable) {
			t.Errorf("got %v", err)
		}
		send(t, router, "you")
		send(t, router, "you", "x")
		want(t, dealer, "x")
		if err := dealer.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the peer is gone", func() bool { return len(router.Peers()) == 0 })
		if err := router.SendString(within(t), "you", "x"); !is(err, zmq.ErrHostUnreachable) {
			t.Errorf("got %v", err)
		}
		if router.CanSend() {
			t.Error("a mandatory router without peers can send")
		}
	})
}

func TestANewcomerWithAnIDInUseIsTurnedAway(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := soon()
		config.RoutingID = "you"
		router, first := join(t, c, endpoint, side{zmq.ROUTER, nil}, side{zmq.DEALER, config})
		second := newSocket(t, c, zmq.DEALER, config)
		connect(t, second, router.LastEndpoint())
		if err := second.TrySend(zmq.NewStringMessage("from the second")); err != nil && !is(err, zmq.ErrWouldBlock) {
			t.Fatal(err)
		}
		send(t, first, "from the first")
		want(t, router, "you", "from the first")
		nothing(t, router)
		send(t, router, "you", "to the first")
		want(t, first, "to the first")
		nothing(t, second)
	})
}

func TestANewcomerTakesOverAnIDWhenThatIsAllowed(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := &zmq.Config{RoutingID: "you", Reconnect: zmq.Reconnect{Interval: zmq.Never}}
		router, first := join(t, c, endpoint,
			side{zmq.ROUTER, &zmq.Config{Router: zmq.Router{Handover: true}}}, side{zmq.DEALER, config})
		send(t, first, "from the first")
		want(t, router, "you", "from the first")
		second := newSocket(t, c, zmq.DEALER, config)
		connect(t, second, router.LastEndpoint())
		send(t, second, "from the second")
		want(t, router, "you", "from the second")
		send(t, router, "you", "to the second")
		want(t, second, "to the second")
		eventually(t, "the first has lost its connection", func() bool { return len(first.Peers()) == 0 })
		nothing(t, first)
	})
}

func TestARouterTellsWhoComesAndGoes(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		router := newSocket(t, c, zmq.ROUTER, &zmq.Config{Router: zmq.Router{NotifyConnect: true, NotifyDisconnect: true}})
		dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "you", Linger: zmq.Forever})
		connect(t, dealer, bind(t, router, endpoint))
		want(t, router, "you", "")
		send(t, dealer, "x")
		if err := dealer.CloseContext(within(t)); err != nil {
			t.Fatal(err)
		}
		want(t, router, "you", "x")
		want(t, router, "you", "")
	})
}

func TestAProbeTellsARouterThatAPeerIsThere(t *testing.T) {
	for _, typ := range []zmq.SocketType{zmq.DEALER, zmq.ROUTER} {
		t.Run(typ.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				router := newSocket(t, c, zmq.ROUTER, nil)
				peer := newSocket(t, c, typ, &zmq.Config{RoutingID: "you", Router: zmq.Router{Probe: true}})
				connect(t, peer, bind(t, router, endpoint))
				want(t, router, "you", "")
				send(t, router, "you", "x")
				m := recv(t, peer)
				if string(m.Bytes()) != "x" {
					t.Errorf("got %q", m.Frames)
				}
			})
		})
	}
}

func TestAPeerCanBeNamedBeforeItIsThere(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := soon()
		config.Router.Mandatory = true
		router := newSocket(t, c, zmq.ROUTER, config)
		if err := router.ConnectAs(endpoint, "server"); err != nil {
			t.Fatal(err)
		}
		send(t, router, "server", "early")
		if err := router.ConnectAs(endpoint, "server"); !is(err, zmq.ErrInvalid) {
			t.Errorf("an id in use: %v", err)
		}
		if err := router.ConnectAs(endpoint, strings.Repeat("x", 256)); !is(err, zmq.ErrInvalid) {
			t.Errorf("an id too long: %v", err)
		}
		dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "its own name"})
		bind(t, dealer, endpoint)
		want(t, dealer, "early")
		send(t, dealer, "reply")
		want(t, router, "server", "reply")
	})
	if err := newSocket(t, newContext(t), zmq.PUSH, nil).ConnectAs("inproc://x", "id"); !is(err, zmq.ErrInvalid) {
		t.Errorf("PUSH: %v", err)
	}
}

func TestRoutersTalkToEachOther(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		a, b := join(t, c, endpoint, side{zmq.ROUTER, &zmq.Config{RoutingID: "a"}}, side{zmq.ROUTER, &zmq.Config{RoutingID: "b"}})
		send(t, a, "b", "ping")
		want(t, b, "a", "ping")
		send(t, b, "a", "pong")
		want(t, a, "b", "pong")
	})
}

func TestPairRefusesASecondPeer(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		a, b := join(t, c, endpoint, side{zmq.PAIR, nil}, side{zmq.PAIR, nil})
		other := newSocket(t, c, zmq.PAIR, soon())
		connect(t, other, a.LastEndpoint())
		send(t, b, "x")
		want(t, a, "x")
		send(t, a, "y")
		want(t, b, "y")
		nothing(t, other)
		if got := len(a.Peers()); got != 1 {
			t.Errorf("%d peers", got)
		}
	})
}

func TestAPairThatConnectedComesBack(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		server, client := join(t, c, endpoint, side{zmq.PAIR, nil}, side{zmq.PAIR, soon()})
		bound := server.LastEndpoint()
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the connection is lost", func() bool { return len(client.Peers()) == 0 })
		for i := range 3 {
			send(t, client, fmt.Sprint(i))
		}
		server = newSocket(t, c, zmq.PAIR, nil)
		bind(t, server, bound)
		for i := range 3 {
			want(t, server, fmt.Sprint(i))
		}
	})
}
