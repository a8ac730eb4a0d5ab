package conformance

import (
	"errors"
	"fmt"
	"testing"

	"zeromux/zmq"
)

// PUSH and PULL, and what becomes of a message when the peer is not there. RFC 30.

func TestSpecPushpull(t *testing.T) {
	t.Run("PUSH sends in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			push := s.bind(zmq.PUSH)
			pulls := s.audience(push, zmq.PULL, 3)
			for i := range 9 {
				push.send(fmt.Sprint(i))
			}
			for i := range 9 {
				pulls[i%3].want(fmt.Sprint(i))
			}
		})
	})
	t.Run("PULL receives in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pull := s.bind(zmq.PULL)
			for i := range 3 {
				push := s.connect(zmq.PUSH)
				push.send(fmt.Sprint(i))
				push.send(fmt.Sprint(i))
			}
			pull.takesTurns(zmq.Message.String)
		})
	})
	t.Run("PUSH blocks without peers, and neither does what the other does", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			push := s.bind(zmq.PUSH)
			push.blocked()
			_, err := push.TryRecv()
			s.wrong(err, zmq.ErrUnsupported)
			s.wrong(s.socket(zmq.PULL).try("x"), zmq.ErrUnsupported)
		})
	})
	t.Run("what waited for a peer goes with it", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			push := s.bind(zmq.PUSH)
			pull := s.connect(zmq.PULL)
			push.peers(1)
			push.send("lost")
			pull.close()
			push.peers(0)
			push.blocked()
			pull = s.connect(zmq.PULL)
			push.send("new")
			pull.want("new")
		})
	})
	t.Run("no message is put together of two", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			push := s.bind(zmq.PUSH, marks(3, 0))
			for round := range 5 {
				pull := s.connect(zmq.PULL, marks(0, 1))
				push.peers(1)
				for i := 0; push.try(fmt.Sprint(round, i), "middle", fmt.Sprint(round, i)) == nil && i < 100; i++ {
					continue
				}
				for range 2 {
					m := pull.recv()
					if len(m.Frames) != 3 || string(m.Frames[0]) != string(m.Frames[2]) {
						s.Fatalf("received %q", m.Frames)
					}
				}
				pull.close()
				push.peers(0)
			}
		})
	})
}

func TestConflate(t *testing.T) {
	conflate := func(c *zmq.Config) { c.Conflate = true }
	inBothOrders(t, func(s *stage) {
		others := 0
		if s.late {
			s.connect(zmq.PUSH, lingering).send("early")
			others = 1
		}
		pull := s.bind(zmq.PULL, conflate)
		pull.peers(others)
		push := s.connect(zmq.PUSH, lingering)
		pull.peers(others + 1)
		for i := range 20 {
			push.send("frame", fmt.Sprint(i))
		}
		ctx, cancel := s.within()
		defer cancel()
		if err := push.CloseContext(ctx); err != nil {
			s.Fatal(err)
		}
		pull.peers(others) // all of it has come
		if s.late {
			early := map[string]bool{pull.recv().String(): true, pull.recv().String(): true}
			if !early["early"] || !early["19"] {
				s.Errorf("received %v", early)
			}
		} else {
			pull.want("19")
		}
		pull.silent()
	})
}

func TestImmediate(t *testing.T) {
	immediate := func(c *zmq.Config) { c.Reconnect.Immediate = true }
	for name, row := range map[string]struct {
		options []set
		arrive  int
	}{
		"without it half of the messages wait for a peer that is not there": {nil, 5},
		"with it all go to the peer that is":                                {[]set{immediate}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				pull := s.bind(zmq.PULL)
				push := s.socket(zmq.PUSH, row.options...)
				dead := newStage(s.T, s.scheme)
				dead.reserve()
				push.connect(dead.endpoint)
				push.connect(s.endpoint)
				push.peers(1)
				for range 10 {
					push.send("hello")
				}
				for range row.arrive {
					pull.want("hello")
				}
				pull.silent()
			})
		})
	}
	t.Run("blocks while there is no connection", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.reserve()
			dealer := s.connect(zmq.DEALER, immediate)
			dealer.blocked()
			for range 2 {
				peer := s.bind(zmq.DEALER)
				dealer.send("hello") // waits for the connection
				peer.want("hello")
				peer.close()
				s.until("it is lost", func() bool { return errors.Is(dealer.try("lost"), zmq.ErrWouldBlock) })
			}
		})
	})
}
