package conformance

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/zmq"
)

// ROUTER and DEALER. RFC 28.

func TestRouterMandatory(t *testing.T) {
	inBothOrders(t, func(s *stage) {
		router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER, named("d")))
		router.send("nobody", "is lost")
		router.configure(func(c *zmq.Config) { c.Router.Mandatory = true })
		s.wrong(router.try("nobody", "is missed"), zmq.ErrHostUnreachable)
		router.send("d", "arrives")
		dealer.want("arrives")
		router.configure(func(c *zmq.Config) { c.Router.Mandatory = false })
		router.send("nobody", "is lost")
	})
	t.Run("the state of a peer", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, mandatory, marks(1, 1))
			state := func(id string, want bool) {
				s.Helper()
				s.until(fmt.Sprintf("room for %s: %v", id, want), func() bool {
					can, err := router.CanSendTo(id)
					if err != nil {
						s.Fatal(err)
					}
					return can == want
				})
			}
			_, err := router.CanSendTo("nobody")
			s.wrong(err, zmq.ErrHostUnreachable)
			_, err = s.socket(zmq.DEALER).CanSendTo("nobody")
			s.wrong(err, zmq.ErrUnsupported)
			full := s.connect(zmq.DEALER, named("full"), marks(1, 1))
			free := s.connect(zmq.DEALER, named("free"), marks(1, 1))
			router.peers(2)
			state("full", true)
			n := 0
			s.until("it is full", func() bool {
				n += router.fill("full", strings.Repeat("x", 100_000))
				can, _ := router.CanSendTo("full")
				return !can
			})
			state("free", true)
			router.send("free", "hello")
			free.want("hello")
			for range n {
				full.recv()
			}
			state("full", true)
			full.close()
			router.peers(1)
			_, err = router.CanSendTo("full")
			s.wrong(err, zmq.ErrHostUnreachable)
			router.close()
			_, err = router.CanSendTo("free")
			s.wrong(err, zmq.ErrClosed)
		})
	})
}

func TestRouterMandatoryHwm(t *testing.T) {
	everywhere(t, func(s *stage) {
		router := s.bind(zmq.ROUTER, mandatory, marks(1, 1))
		dealer := s.connect(zmq.DEALER, named("d"), marks(1, 1))
		router.peers(1)
		large := strings.Repeat("x", 64<<10)
		n := router.fill("d", large)
		if s.scheme == "inproc" && n != 2 {
			s.Errorf("%d messages, want 2", n)
		}
		for range n {
			dealer.want(large)
		}
		router.send("d", "again")
		dealer.want("again")
	})
}

func TestRouterHandover(t *testing.T) {
	t.Run("the newcomer takes over", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, func(c *zmq.Config) { c.Router.Handover = true })
			once := func(c *zmq.Config) { c.Reconnect.Interval = zmq.Never }
			first := s.connect(zmq.DEALER, named("X"), once)
			first.send("Hello")
			router.want("X", "Hello")
			second := s.connect(zmq.DEALER, named("X"), once)
			second.send("Hello too")
			router.want("X", "Hello too")
			router.send("X", "reply")
			second.want("reply")
			first.peers(0)
			first.silent()
		})
	})
	t.Run("is not the default", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER)
			first := s.connect(zmq.DEALER, named("X"))
			first.send("Hello")
			router.want("X", "Hello")
			second := s.connect(zmq.DEALER, named("X"))
			_ = second.try("nobody reads it") // a neighbour may have been told by now
			router.send("X", "reply")
			first.want("reply")
			first.send("Hello again")
			router.want("X", "Hello again")
			router.silent()
		})
	})
}

func TestConnectRid(t *testing.T) {
	t.Run("ROUTER", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			s.reserve()
			router := s.socket(zmq.ROUTER, mandatory)
			if err := router.ConnectAs(s.endpoint, "server"); err != nil {
				s.Fatal(err)
			}
			router.send("server", "at once")
			s.wrong(router.ConnectAs(s.endpoint, "server"), zmq.ErrInvalid)
			noise := s.socket(zmq.DEALER, named("noise"))
			noise.connect(router.bind(s.another()))
			noise.send("other traffic")
			router.want("noise", "other traffic")
			dealer := s.bind(zmq.DEALER, named("its own name"))
			dealer.want("at once")
			dealer.send("reply")
			router.want("server", "reply")
		})
	})
	t.Run("STREAM", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			server, client := s.bind(zmq.STREAM), s.socket(zmq.STREAM, func(c *zmq.Config) { c.Stream.Silent = true })
			if err := client.ConnectAs(s.endpoint, "server"); err != nil {
				s.Fatal(err)
			}
			client.send("server", "at once")
			id := string(server.recv().Frames[0]) // it has come
			server.want(id, "at once")
			server.send(id, "reply")
			client.want("server", "reply")
			s.wrong(client.ConnectAs(s.endpoint, "server"), zmq.ErrInvalid)
		})
	})
}

// A mandatory ROUTER reaches each of many peers that come one after the other.
func TestIssue566(t *testing.T) {
	overNetwork(t, func(s *stage) {
		router := s.bind(zmq.ROUTER, mandatory)
		others := newStage(s.T, s.scheme)
		others.endpoint = s.endpoint
		for i := range 100 {
			id := fmt.Sprint("dealer ", i)
			dealer := others.connect(zmq.DEALER, named(id))
			s.until("it is known", func() bool { return router.try(id, "hello") == nil })
			dealer.want("hello")
			dealer.close()
		}
	})
}

// takesTurns checks that a socket which has two messages of each of three peers takes
// one of each before the second of any.
func (a *actor) takesTurns(who func(zmq.Message) string) {
	a.t.Helper()
	a.t.until("all has come", func() bool { return a.Stats().Received >= 6 })
	seen := make(map[string]int)
	for i := range 6 {
		from := who(a.recv())
		if seen[from]++; seen[from] > 1+i/3 {
			a.t.Fatalf("message %d is the second of %s, before others had a turn", i, from)
		}
	}
}

func TestSpecRouter(t *testing.T) {
	t.Run("receives in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER)
			for i := range 3 {
				dealer := s.connect(zmq.DEALER, named(fmt.Sprint(i)))
				dealer.send("one")
				dealer.send("two")
			}
			router.takesTurns(func(m zmq.Message) string { return string(m.Frames[0]) })
		})
	})
	t.Run("gives a peer without a name five octets", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER))
			dealer.send("hello")
			m := router.recv()
			id := string(m.Frames[0])
			if len(id) != 5 || id[0] != 0 {
				s.Errorf("routing id %x", id)
			}
			router.send(id, "hello")
			dealer.want("hello")
		})
	})
	t.Run("forgets what waited for a peer that is gone", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, mandatory)
			for i := range 2 {
				dealer := s.connect(zmq.DEALER, named("d"))
				router.peers(1)
				if i == 1 {
					router.send("d", "new")
					dealer.want("new")
				}
				router.send("d", "old")
				dealer.close()
				router.peers(0)
				s.wrong(router.try("d", "to nobody"), zmq.ErrHostUnreachable)
			}
		})
	})
}

func TestSpecDealer(t *testing.T) {
	t.Run("sends in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			dealer := s.bind(zmq.DEALER)
			reps := s.audience(dealer, zmq.REP, 3)
			for i := range 6 {
				dealer.send("", fmt.Sprint(i))
			}
			for i := range 6 {
				reps[i%3].want(fmt.Sprint(i))
				reps[i%3].send("answer")
			}
		})
	})
	t.Run("receives in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			dealer := s.bind(zmq.DEALER)
			for i := range 3 {
				peer := s.connect(zmq.DEALER)
				peer.send(fmt.Sprint(i))
				peer.send(fmt.Sprint(i))
			}
			dealer.takesTurns(zmq.Message.String)
		})
	})
	t.Run("blocks without peers", func(t *testing.T) {
		everywhere(t, func(s *stage) { s.bind(zmq.DEALER).blocked() })
	})
}

// audience connects peers of a to its endpoint, one after the other.
func (s *stage) audience(a *actor, typ zmq.SocketType, n int) (peers []*actor) {
	s.Helper()
	for i := range n {
		peers = append(peers, s.connect(typ))
		a.peers(i + 1)
	}
	return peers
}
