package zmq_test

import (
	"fmt"
	"testing"

	"zeromux/zmq"
)

// waiting checks how many messages a socket says wait, and its only peer.
func waiting(t *testing.T, s *zmq.Socket, want int) {
	t.Helper()
	if got := s.Stats().RecvQueue; got != want {
		t.Errorf("the socket counts %d that wait, want %d", got, want)
	}
	if got := theOnly(t, s).RecvQueue; got != want {
		t.Errorf("the peer counts %d that wait, want %d", got, want)
	}
}

// A message that was received waits no more, whatever the mark, and so does one that
// was taken by each of the ways to receive.
func TestWhatWasReceivedWaitsNoMore(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const n = 40
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		for i := range n {
			send(t, push, fmt.Sprint("message ", i))
		}
		eventually(t, "all have arrived", func() bool { return pull.Stats().Received == n })
		waiting(t, pull, n)
		m := zmq.NewMessage()
		for i := range n {
			if i%2 == 0 {
				m = recv(t, pull)
			} else if err := pull.RecvInto(within(t), &m); err != nil {
				t.Fatal(err)
			}
			waiting(t, pull, n-1-i)
		}
	})
}

// What peers left behind that are gone can be received, and so it waits.
func TestWhatAPeerLeftBehindWaits(t *testing.T) {
	for _, types := range [][2]zmq.SocketType{
		{zmq.PULL, zmq.PUSH}, {zmq.DEALER, zmq.DEALER}, {zmq.ROUTER, zmq.DEALER}, {zmq.PAIR, zmq.PAIR},
	} {
		t.Run(types[0].String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				s, peer := join(t, c, endpoint, side{types[0], nil}, side{types[1], nil})
				for i := range 3 {
					send(t, peer, fmt.Sprint(i))
				}
				eventually(t, "all have arrived", func() bool { return s.Stats().Received == 3 })
				if err := peer.Close(); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the peer is gone", func() bool { return len(s.PeerStats()) == 0 })
				for i := range 3 {
					if got := s.Stats().RecvQueue; got != 3-i {
						t.Errorf("%d wait, want %d", got, 3-i)
					}
					recv(t, s)
				}
				if got := s.Stats(); got.RecvQueue != 0 || got.Received != 3 {
					t.Errorf("%d wait, %d were received", got.RecvQueue, got.Received)
				}
			})
		})
	}
}

// What was read because somebody asked, or put back, is still to be received.
func TestWhatWasOnlyLookedAtWaits(t *testing.T) {
	t.Run("by a SUB that was asked", func(t *testing.T) {
		c := newContext(t)
		pub, sub := newSocket(t, c, zmq.XPUB, nil), newSocket(t, c, zmq.SUB, nil)
		connect(t, sub, bind(t, pub, "inproc://x"))
		subscribe(t, sub, "")
		recv(t, pub)
		send(t, pub, "one")
		if !sub.CanRecv() {
			t.Error("nothing can be received")
		}
		waiting(t, sub, 1)
	})
	t.Run("by a proxy that found no room", func(t *testing.T) {
		c := newContext(t)
		pub, sub, p := between(t, c, "inproc://x", side{zmq.PUB, boundedNoDrop(100)}, side{zmq.XSUB, bounded(100)},
			side{zmq.XPUB, boundedNoDrop(1)}, side{zmq.SUB, bounded(1)})
		send(t, p.Frontend, "\x01")
		subscribe(t, sub, "")
		for _, s := range []*zmq.Socket{pub, p.Backend} {
			if err := s.WaitSubscribers(within(t), "", 1); err != nil {
				t.Fatal(err)
			}
		}
		const n = 10
		for i := range n {
			send(t, pub, fmt.Sprint(i))
		}
		run(t, p)
		eventually(t, "the proxy has stopped", func() bool { return p.Stats().Backend.SentFrames == 2 })
		eventually(t, "the rest waits", func() bool { return p.Frontend.Stats().RecvQueue == n-2 && theOnly(t, p.Frontend).RecvQueue == n-2 })
	})
}

// Notices and reports wait like any message, and count as received from nobody.
func TestWhatASocketTellsItselfWaits(t *testing.T) {
	t.Run("a ROUTER's notices and last words", func(t *testing.T) {
		over(t, network, func(t *testing.T, endpoint string) {
			c := newContext(t)
			router := newSocket(t, c, zmq.ROUTER, &zmq.Config{
				Router: zmq.Router{NotifyConnect: true, NotifyDisconnect: true}, Presence: zmq.Presence{Disconnect: "gone"},
			})
			dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "him"})
			connect(t, dealer, bind(t, router, endpoint))
			peers(t, router, 1)
			waiting(t, router, 1)
			send(t, dealer, "hello")
			eventually(t, "it has arrived", func() bool { return router.Stats().Received == 1 })
			waiting(t, router, 2)
			if err := dealer.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "everything waits", func() bool { return router.Stats().RecvQueue == 4 })
			for i, want4 := range [][]string{{"him", ""}, {"him", "hello"}, {"him", "gone"}, {"him", ""}} {
				want(t, router, want4...)
				if got := router.Stats(); got.RecvQueue != 3-i || got.Received != 1 {
					t.Errorf("%d wait, %d were received", got.RecvQueue, got.Received)
				}
			}
		})
	})
	t.Run("a DEALER's word of a lost connection", func(t *testing.T) {
		over(t, network, func(t *testing.T, endpoint string) {
			c := newContext(t)
			router := newSocket(t, c, zmq.ROUTER, nil)
			dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{Presence: zmq.Presence{Hiccup: "lost"}})
			connect(t, dealer, bind(t, router, endpoint))
			peers(t, dealer, 1)
			if err := router.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it waits", func() bool { return dealer.Stats().RecvQueue == 1 })
			want(t, dealer, "lost")
			if got := dealer.Stats(); got.RecvQueue != 0 || got.Received != 0 || got.ReceivedOctets != 0 {
				t.Errorf("%d wait, %d of %d octets were received", got.RecvQueue, got.Received, got.ReceivedOctets)
			}
		})
	})
	t.Run("an XPUB's reports", func(t *testing.T) {
		over(t, endpoints, func(t *testing.T, endpoint string) {
			c := newContext(t)
			pub, sub := newSocket(t, c, zmq.XPUB, nil), newSocket(t, c, zmq.SUB, nil)
			subscribe(t, sub, "a")
			subscribe(t, sub, "b")
			connect(t, sub, bind(t, pub, endpoint))
			topics(t, pub, 2)
			waiting(t, pub, 2)
			if err := sub.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "its going is told", func() bool { return pub.Stats().RecvQueue == 4 })
			for i := range 4 {
				recv(t, pub)
				if got := pub.Stats(); got.RecvQueue != 3-i || got.Received != 2 {
					t.Errorf("%d wait, %d were received", got.RecvQueue, got.Received)
				}
			}
		})
	})
}

// What the library says to a peer counts at both sides.
func TestWhatTheLibrarySaysToAPeerCountsHereAndThere(t *testing.T) {
	for name, row := range map[string]struct {
		bound, connected side
		there, back      uint64 // from the one that is bound, and to it
	}{
		"a greeting each": {
			side{zmq.ROUTER, &zmq.Config{Presence: zmq.Presence{Hello: "hello"}}},
			side{zmq.DEALER, &zmq.Config{Presence: zmq.Presence{Hello: "hi"}}},
			1, 1,
		},
		"a probe":   {side{zmq.ROUTER, nil}, side{zmq.DEALER, &zmq.Config{Router: zmq.Router{Probe: true}}}, 0, 1},
		"a welcome": {side{zmq.PUB, &zmq.Config{PubSub: zmq.PubSub{Welcome: "hi"}}}, side{zmq.SUB, nil}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				a, b := join(t, newContext(t), endpoint, row.bound, row.connected)
				traffic := func(s *zmq.Socket) [4]uint64 {
					st := s.Stats()
					return [4]uint64{st.Sent, st.SentOctets, st.Received, st.ReceivedOctets}
				}
				var at [2][4]uint64
				eventually(t, "both count alike", func() bool {
					at = [2][4]uint64{traffic(a), traffic(b)}
					return at[0][0] == row.there && at[0][2] == row.back &&
						at[0] == [4]uint64{at[1][2], at[1][3], at[1][0], at[1][1]}
				})
			})
		})
	}
}
