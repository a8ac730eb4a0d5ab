package conformance

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/zmq"
)

// How much waits for a peer.

// count sends until there is no room, or up to a bound, and returns how many it sent.
func (a *actor) count(most int) (n int) {
	for n < most && a.try("x") == nil {
		n++
	}
	return n
}

func TestHwm(t *testing.T) {
	const most = 5000
	for _, row := range []struct{ send, recv, want int }{
		{0, 0, 2000}, // the defaults
		{1, 1, 2},
		{2, 1, 3},
		{4, 4, 8},
		{1, zmq.Unlimited, most},
		{zmq.Unlimited, 1, most},
		{zmq.Unlimited, zmq.Unlimited, most},
	} {
		t.Run(fmt.Sprintf("%d and %d", row.send, row.recv), func(t *testing.T) {
			over(t, func(s *stage) {
				for _, roles := range [][2]zmq.SocketType{{zmq.PULL, zmq.PUSH}, {zmq.PUSH, zmq.PULL}} {
					for _, late := range []bool{false, true} {
						s := newStage(s.T, s.scheme)
						s.late = late
						bound, connected := s.join(as(roles[0], marks(row.send, row.recv)), as(roles[1], marks(row.send, row.recv)))
						push, pull := bound, connected
						if roles[0] == zmq.PULL {
							push, pull = connected, bound
						}
						n := push.count(most)
						if n != row.want {
							s.Errorf("%v binds, late: %v: %d messages, want %d", roles[0], late, n, row.want)
						}
						for range n {
							pull.want("x")
						}
						pull.silent()
						push.send("there is room again")
						pull.want("there is room again")
					}
				}
			}, "inproc")
		})
	}
	t.Run("before the bind the connecter's own mark counts, and its messages outlive it", func(t *testing.T) {
		over(t, func(s *stage) {
			push := s.connect(zmq.PUSH, marks(5, 0), lingering)
			if n := push.count(most); n != 5 {
				s.Errorf("%d messages, want 5", n)
			}
			push.close()
			pull := s.bind(zmq.PULL, marks(0, 1))
			for range 5 {
				pull.want("x")
			}
			pull.silent()
		}, "inproc")
	})
}

func TestHwmPubsub(t *testing.T) {
	body := strings.Repeat("x", 100_000)
	t.Run("what is beyond the mark is dropped", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, marks(10, 10))
			sub := s.connect(zmq.SUB, marks(10, 10))
			sub.subscribe("")
			pub.want("\x01")
			const sent = 2000
			for range sent {
				pub.send(body)
			}
			dropped := int(pub.Stats().DroppedFull)
			if dropped == 0 || dropped > sent-10 {
				s.Errorf("%d of %d messages were dropped", dropped, sent)
			}
			for range sent - dropped {
				sub.want(body)
			}
			s.until("the publisher knows", func() bool { return pub.Stats().SendQueue == 0 })
			pub.send("there is room again")
			sub.want("there is room again")
		})
	})
	t.Run("or waited for, and nothing is lost", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, marks(10, 10), pubsub(func(p *zmq.PubSub) { p.NoDrop = true }))
			sub := s.connect(zmq.SUB, marks(10, 10))
			sub.subscribe("")
			pub.want("\x01")
			const sent = 200
			sending := make(chan error, 1)
			go func() {
				ctx, cancel := s.within()
				defer cancel()
				for i := range sent {
					if err := pub.SendString(ctx, fmt.Sprint(i), body); err != nil {
						sending <- err
						return
					}
				}
				sending <- nil
			}()
			for i := range sent {
				sub.want(fmt.Sprint(i), body)
			}
			if err := <-sending; err != nil {
				s.Error(err)
			}
		})
	})
}

func TestSockoptHwm(t *testing.T) {
	over(t, func(s *stage) {
		push, pull := s.join(as(zmq.PUSH, marks(1, 1)), as(zmq.PULL, marks(1, 1)))
		counts := func(n int) {
			s.Helper()
			if got := push.count(1000); got != n {
				s.Errorf("%d messages until there is no room, want %d", got, n)
			}
		}
		counts(2)
		push.configure(func(c *zmq.Config) { c.HighWater.Send = 5 })
		counts(4) // to six in all
		pull.configure(func(c *zmq.Config) { c.HighWater.Recv = 3 })
		counts(2)
		push.configure(func(c *zmq.Config) { c.HighWater.Send = 1 })
		push.blocked() // eight wait, where four may
		for range 5 {
			pull.want("x")
		}
		push.blocked()
		for range 3 {
			pull.want("x")
		}
		counts(4)
	}, "inproc")
	t.Run("over a connection", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			body := strings.Repeat("x", 100_000)
			push, pull := s.join(as(zmq.PUSH, marks(1, 1)), as(zmq.PULL, marks(1, 1)))
			before := push.fill(body)
			push.configure(func(c *zmq.Config) { c.HighWater.Send = 20 })
			if more := push.fill(body); more < 15 {
				s.Errorf("%d messages more, where the mark has risen by 19", more)
			} else {
				before += more
			}
			push.configure(func(c *zmq.Config) { c.HighWater.Send = 1 })
			for range before {
				pull.want(body)
			}
			push.send("again")
			pull.want("again")
		})
	})
}
