package zmq_test

import (
	"fmt"
	"testing"
	"time"

	"zeromux/zmq"
)

// soon is a socket that looks for its peer often.
func soon() *zmq.Config {
	return &zmq.Config{Reconnect: zmq.Reconnect{Interval: time.Millisecond}}
}

func TestAClientMayStartBeforeItsServer(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		client := newSocket(t, c, zmq.REQ, soon())
		connect(t, client, endpoint)
		send(t, client, "Hello")
		reply := make(chan string)
		go func() {
			m, err := client.Recv(within(t))
			if err != nil {
				t.Error(err)
			}
			reply <- m.String()
		}()

		server := newSocket(t, c, zmq.REP, nil)
		bind(t, server, endpoint)
		want(t, server, "Hello")
		send(t, server, "World")
		if got := <-reply; got != "World" {
			t.Errorf("got %q", got)
		}
	})
}

func TestMessagesSentBeforeTheServerExistsArrive(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, soon())
		connect(t, push, endpoint)
		const n = 500
		for i := range n {
			send(t, push, fmt.Sprint(i), "", "x")
		}
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, endpoint)
		for i := range n {
			want(t, pull, fmt.Sprint(i), "", "x")
		}
	})
}

func TestWhatIsTooMuchForAnAbsentServerIsBlockedOrDroppedByType(t *testing.T) {
	const mark = 10
	to := func(id string) func(int) zmq.Message {
		return func(i int) zmq.Message { return zmq.NewStringMessage(id, fmt.Sprint(i)) }
	}
	plain := func(i int) zmq.Message { return zmq.NewStringMessage(fmt.Sprint(i)) }
	for name, row := range map[string]struct {
		typ, server zmq.SocketType
		message     func(int) zmq.Message
		mandatory   bool
		blocks      bool
		arrive      int
	}{
		"PUSH blocks":               {zmq.PUSH, zmq.PULL, plain, false, true, mark},
		"DEALER blocks":             {zmq.DEALER, zmq.DEALER, plain, false, true, mark},
		"PAIR blocks":               {zmq.PAIR, zmq.PAIR, plain, false, true, mark},
		"ROUTER drops":              {zmq.ROUTER, zmq.DEALER, to("you"), false, false, mark},
		"a mandatory ROUTER blocks": {zmq.ROUTER, zmq.DEALER, to("you"), true, true, mark},
		"XSUB drops":                {zmq.XSUB, zmq.XPUB, plain, false, false, mark},
		"PUB drops":                 {zmq.PUB, zmq.SUB, plain, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, unbound, func(t *testing.T, endpoint string) {
				c := newContext(t)
				config := soon()
				config.HighWater.Send = mark
				config.Router.Mandatory = row.mandatory
				s := newSocket(t, c, row.typ, config)
				id := ""
				if row.typ == zmq.ROUTER {
					id = "you"
				}
				if err := s.ConnectAs(endpoint, id); err != nil {
					t.Fatal(err)
				}
				for i := range 3 * mark {
					err := s.TrySend(row.message(i))
					if blocked := i >= mark && row.blocks; blocked != is(err, zmq.ErrWouldBlock) || !blocked && err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				server := newSocket(t, c, row.server, nil)
				if row.server == zmq.SUB {
					if err := server.Subscribe(""); err != nil {
						t.Fatal(err)
					}
				}
				bind(t, server, endpoint)
				for i := range row.arrive {
					want(t, server, fmt.Sprint(i))
				}
				nothing(t, server)
				// Nothing of the surplus comes later: the next message is the next.
				peers(t, s, 1)
				switch row.typ {
				case zmq.PUB:
					eventually(t, "the subscription is there", func() bool { return s.TopicsCount() == 1 })
				default:
					eventually(t, "there is room again", func() bool { return s.Stats().SendQueue == 0 })
				}
				if err := s.Send(within(t), row.message(-1)); err != nil {
					t.Fatal(err)
				}
				want(t, server, "-1")
				dropped := uint64(0)
				if !row.blocks && row.typ != zmq.PUB {
					dropped = 2 * mark
				}
				if got := s.Stats().DroppedFull; got != dropped {
					t.Errorf("%d dropped, want %d", got, dropped)
				}
			})
		})
	}
}

func TestOneSocketHasManyEndpointsOnMixedTransports(t *testing.T) {
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, nil)
	push := newSocket(t, c, zmq.PUSH, soon())
	n := 0
	for range 4 {
		for name, endpoint := range endpoints(t) {
			if name == "inproc" {
				endpoint += fmt.Sprint(n)
			}
			connect(t, push, bind(t, pull, endpoint))
			n++
		}
	}
	// Some are connected the other way round.
	for name, endpoint := range endpoints(t) {
		if name == "inproc" {
			endpoint += "back"
		}
		connect(t, pull, bind(t, push, endpoint))
		n++
	}
	peers(t, push, n)
	peers(t, pull, n)
	for i := range 10 * n {
		send(t, push, fmt.Sprint(i))
	}
	seen := make(map[string]bool)
	for range 10 * n {
		seen[recv(t, pull).String()] = true
	}
	if len(seen) != 10*n {
		t.Errorf("%d different messages of %d", len(seen), 10*n)
	}
}

func TestEitherSideBindsForEveryLegalPair(t *testing.T) {
	plain := []string{"x", "", "yz"}
	for _, row := range []struct {
		a, b zmq.SocketType
		// What a sends, and what b gets; then what b sends, and a gets.
		out, in, back, got []string
	}{
		{zmq.PAIR, zmq.PAIR, plain, plain, plain, plain},
		{zmq.PUSH, zmq.PULL, plain, plain, nil, nil},
		{zmq.PUB, zmq.SUB, plain, plain, nil, nil},
		{zmq.PUB, zmq.XSUB, plain, plain, nil, nil},
		{zmq.XPUB, zmq.SUB, plain, plain, nil, nil},
		{zmq.XPUB, zmq.XSUB, plain, plain, nil, nil},
		{zmq.REQ, zmq.REP, plain, plain, plain, plain},
		{zmq.DEALER, zmq.REP, append([]string{""}, plain...), plain, plain, append([]string{""}, plain...)},
		{zmq.DEALER, zmq.DEALER, plain, plain, plain, plain},
		{zmq.DEALER, zmq.ROUTER, plain, append([]string{"a"}, plain...), append([]string{"a"}, plain...), plain},
		{zmq.REQ, zmq.ROUTER, plain, append([]string{"a", ""}, plain...), append([]string{"a", ""}, plain...), plain},
	} {
		for _, swap := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v %v %v", row.a, row.b, swap), func(t *testing.T) {
				over(t, endpoints, func(t *testing.T, endpoint string) {
					c := newContext(t)
					a := newSocket(t, c, row.a, &zmq.Config{RoutingID: "a"})
					b := newSocket(t, c, row.b, nil)
					if swap {
						connect(t, a, bind(t, b, endpoint))
					} else {
						connect(t, b, bind(t, a, endpoint))
					}
					switch row.b {
					case zmq.SUB:
						if err := b.Subscribe(""); err != nil {
							t.Fatal(err)
						}
					case zmq.XSUB:
						send(t, b, "\x01")
					}
					peers(t, a, 1)
					if row.b == zmq.SUB || row.b == zmq.XSUB {
						eventually(t, "the subscription is there", func() bool { return a.TopicsCount() == 1 })
					}
					send(t, a, row.out...)
					want(t, b, row.in...)
					if row.back != nil {
						send(t, b, row.back...)
						want(t, a, row.got...)
					}
				})
			})
		}
	}
}

func TestASecondConnectToTheSameEndpointDoesNothingForSomeTypes(t *testing.T) {
	for _, row := range []struct {
		typ, peer zmq.SocketType
		want      int
	}{
		{zmq.DEALER, zmq.ROUTER, 1},
		{zmq.REQ, zmq.ROUTER, 1},
		{zmq.SUB, zmq.PUB, 1},
		{zmq.PUB, zmq.SUB, 1},
		{zmq.PUSH, zmq.PULL, 2},
		{zmq.ROUTER, zmq.ROUTER, 2},
	} {
		t.Run(row.typ.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				server := newSocket(t, c, row.peer, nil)
				s := newSocket(t, c, row.typ, nil)
				inproc := endpoint == endpoints(t)["inproc"]
				endpoint = bind(t, server, endpoint)
				connect(t, s, endpoint)
				connect(t, s, endpoint)
				want := row.want
				if inproc {
					want = 2
				}
				peers(t, server, want)
				if got := len(s.Peers()); got > want {
					t.Errorf("%d peers, want %d", got, want)
				}
			})
		})
	}
}

func TestTheLastEndpointIsWhatWasBoundOrConnected(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	if got := s.LastEndpoint(); got != "" {
		t.Errorf("before: %q", got)
	}
	bound := bind(t, s, "tcp://127.0.0.1:*")
	if got := s.LastEndpoint(); got != bound {
		t.Errorf("got %q, want %q", got, bound)
	}
	connect(t, s, "tcp://localhost:5")
	const last = "tcp://localhost:5"
	if got := s.LastEndpoint(); got != last {
		t.Errorf("got %q, want %q", got, last)
	}
	if err := s.Connect("tcp://*:1"); !is(err, zmq.ErrInvalid) {
		t.Errorf("connect to a wildcard: %v", err)
	}
	if got := s.LastEndpoint(); got != last {
		t.Errorf("after what came to nothing: got %q, want %q", got, last)
	}
}
