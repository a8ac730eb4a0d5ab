package conformance

import (
	"testing"

	"zeromux/zmq"
)

// What peers tell of their coming and going.

func hello(body string) set { return func(c *zmq.Config) { c.Presence.Hello = body } }

func TestHelloMsg(t *testing.T) {
	t.Run("comes first, in both directions", func(t *testing.T) {
		for _, bound := range []zmq.SocketType{zmq.ROUTER, zmq.DEALER} {
			t.Run(bound.String(), func(t *testing.T) {
				inBothOrders(t, func(s *stage) {
					a, b := s.join(as(bound, hello("from the bound")), as(zmq.DEALER, named("b"), hello("from the connected")))
					b.want("from the bound")
					if bound == zmq.ROUTER {
						a.want("b", "from the connected")
					} else {
						a.want("from the connected")
					}
				})
			})
		}
	})
	t.Run("comes before what waited for the peer", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			s.reserve()
			dealer := s.connect(zmq.DEALER, named("d"), hello("hello"))
			dealer.send("what waited")
			router := s.bind(zmq.ROUTER)
			router.want("d", "hello")
			router.want("d", "what waited")
		})
	})
	t.Run("comes first to peers of an older protocol", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.bind(zmq.ROUTER, hello("hello"))
			s.older("send greeting 3.0 NULL\nexpect greeting\nexpect ready ROUTER Identity=\"\"\nsend ready DEALER\nexpect frame \"hello\"")
			s.older("send old-greeting 1 DEALER\nexpect hex ff 0000000000000001 7f 03 06\nexpect frame\nsend frame\nexpect frame \"hello\"")
			s.older("send frame1\nexpect hex ff 0000000000000001 7f\nexpect frame1 \"hello\"")
		})
	})
	t.Run("is said to each peer", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			s.bind(zmq.ROUTER, hello("hello"))
			for range 3 {
				s.connect(zmq.DEALER).want("hello")
			}
		})
	})
	t.Run("is said again on another connection", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			router := s.bind(zmq.ROUTER)
			dealer := s.connect(zmq.DEALER, named("d"), hello("hello"))
			for range 3 {
				router.want("d", "hello")
				router.close()
				dealer.peers(0)
				dealer.send("what waited")
				router = s.bind(zmq.ROUTER)
				router.want("d", "hello")
				router.want("d", "what waited")
				router.close()
				router = s.bind(zmq.ROUTER)
			}
		})
	})
}

func TestDisconnectMsg(t *testing.T) {
	goodbye := func(c *zmq.Config) { c.Presence.Disconnect = "goodbye" }
	for name, leave := range map[string]func(*actor) error{
		"a peer closes":      func(a *actor) error { return a.Close() },
		"a peer disconnects": func(a *actor) error { return a.Disconnect(a.LastEndpoint()) },
	} {
		t.Run(name, func(t *testing.T) {
			inBothOrders(t, func(s *stage) {
				router, dealer := s.join(as(zmq.ROUTER, goodbye), as(zmq.DEALER, named("d"), hello("hello")))
				router.want("d", "hello")
				dealer.send("last words")
				s.until("all has arrived", func() bool { return router.Stats().Received == 2 })
				if err := leave(dealer); err != nil {
					s.Fatal(err)
				}
				router.want("d", "last words")
				m := router.want("d", "goodbye")
				if id, _ := m.Property("Identity"); id != "d" {
					s.Errorf("it comes from %q", id)
				}
				router.silent()
			})
		})
	}
	t.Run("a neighbour had gone before it was joined", func(t *testing.T) {
		over(t, func(s *stage) {
			s.connect(zmq.DEALER, named("d"), hello("hello"), lingering).close()
			router := s.bind(zmq.ROUTER, goodbye)
			router.want("d", "hello")
			router.want("d", "goodbye")
		}, "inproc")
	})
	t.Run("the socket itself unbinds, and hears nothing", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			router, dealer := s.join(as(zmq.ROUTER, goodbye), as(zmq.DEALER))
			if err := router.Unbind(s.endpoint); err != nil {
				s.Fatal(err)
			}
			dealer.peers(0)
			router.silent()
		})
	})
	t.Run("a newcomer takes over, and nothing is heard of who was before", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, goodbye, func(c *zmq.Config) { c.Router.Handover = true })
			once := func(c *zmq.Config) { c.Reconnect.Interval = zmq.Never }
			first := s.connect(zmq.DEALER, named("d"), hello("first"), once)
			router.want("d", "first")
			second := s.connect(zmq.DEALER, named("d"), hello("second"), once)
			router.want("d", "second")
			first.peers(0)
			second.close()
			router.want("d", "goodbye")
			router.silent()
		})
	})
	t.Run("a handshake fails, and nothing is heard", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, goodbye)
			events := s.watch(router)
			s.connect(zmq.PUSH)
			events.await(zmq.EventDisconnected)
			s.connect(zmq.DEALER, named("d")).send("something")
			router.want("d", "something")
		})
	})
}

func TestHiccupMsg(t *testing.T) {
	hiccup := func(c *zmq.Config) { c.Presence.Hiccup = "hiccup" }
	t.Run("tells of a lost connection, and another may follow", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, hello("first"))
			dealer := s.connect(zmq.DEALER, hiccup)
			s.until("the greeting has arrived", func() bool { return dealer.Stats().Received == 1 })
			router.close()
			dealer.want("first")
			dealer.want("hiccup")
			s.bind(zmq.ROUTER, hello("second"))
			dealer.want("second")
			dealer.silent()
		})
	})
	t.Run("comes though messages are for connections alone, or there is only one", func(t *testing.T) {
		for _, option := range []set{
			func(c *zmq.Config) { c.Reconnect.Immediate = true },
			func(c *zmq.Config) { c.Reconnect.Interval = zmq.Never },
		} {
			overNetwork(t, func(s *stage) {
				router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER, hiccup, option))
				router.close()
				dealer.want("hiccup")
				dealer.silent()
			})
		}
	})
	t.Run("wakes who waits", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER, hiccup))
			go func() { _ = router.Close() }()
			dealer.want("hiccup")
		})
	})
	t.Run("is for lost connections alone", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER, hiccup))
			if err := dealer.Disconnect(s.endpoint); err != nil {
				s.Fatal(err)
			}
			router.peers(0)
			dealer.silent()
			bound, other := s.socket(zmq.DEALER, hiccup), s.socket(zmq.DEALER)
			other.connect(bound.bind(s.another()))
			bound.peers(1)
			other.close()
			bound.peers(0)
			bound.silent()
		})
	})
}

func TestRouterNotify(t *testing.T) {
	notify := func(connect, disconnect bool) set {
		return func(c *zmq.Config) { c.Router.NotifyConnect, c.Router.NotifyDisconnect = connect, disconnect }
	}
	for name, row := range map[string]struct{ connect, disconnect bool }{
		"connect": {true, false}, "disconnect": {false, true}, "both": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				router := s.bind(zmq.ROUTER, notify(row.connect, row.disconnect))
				dealer := s.connect(zmq.DEALER, named("d"))
				dealer.send("one frame", "another")
				if row.connect {
					router.want("d", "")
				}
				router.want("d", "one frame", "another")
				dealer.close()
				if row.disconnect {
					router.want("d", "")
				}
				router.peers(0)
				router.silent()
			})
		})
	}
	t.Run("a failed handshake is not told", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			router := s.bind(zmq.ROUTER, notify(true, true))
			events := s.watch(router)
			s.connect(zmq.PUSH)
			events.await(zmq.EventDisconnected)
			s.connect(zmq.DEALER, named("d"))
			router.want("d", "")
		})
	})
	t.Run("neighbours are not told of", func(t *testing.T) {
		over(t, func(s *stage) {
			router, dealer := s.join(as(zmq.ROUTER, notify(true, true)), as(zmq.DEALER))
			dealer.close()
			router.peers(0)
			router.silent()
		}, "inproc")
	})
}

func TestProbeRouter(t *testing.T) {
	probe := func(c *zmq.Config) { c.Router.Probe = true }
	for _, typ := range []zmq.SocketType{zmq.ROUTER, zmq.DEALER} {
		t.Run(typ.String(), func(t *testing.T) {
			inBothOrders(t, func(s *stage) {
				router, peer := s.join(as(zmq.ROUTER, named("r")), as(typ, named("p"), probe))
				router.want("p", "")
				router.send("p", "hello")
				if typ == zmq.ROUTER {
					peer.want("r", "hello")
				} else {
					peer.want("hello")
				}
			})
		})
	}
}
