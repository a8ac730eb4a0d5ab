package conformance

import (
	"errors"
	"testing"

	"zeromux/zmq"
)

// Where libzmq surprises: what is kept of it, and what is done better.

func TestQuirkPairComesBack(t *testing.T) {
	overNetwork(t, func(s *stage) {
		a, b := s.join(as(zmq.PAIR), as(zmq.PAIR))
		a.talks(b)
		a.close()
		b.peers(0)
		b.send("what waited")
		a = s.bind(zmq.PAIR)
		a.want("what waited")
		a.talks(b)
	})
}

func TestQuirkInprocChecksNoTypes(t *testing.T) {
	everywhere(t, func(s *stage) {
		push := s.bind(zmq.PUSH)
		events := s.watch(push)
		sub := s.socket(zmq.SUB)
		sub.subscribe("")
		sub.connect(s.endpoint)
		if s.scheme == "inproc" {
			push.send("hello")
			sub.want("hello")
			return
		}
		events.await(zmq.EventDisconnected)
		push.blocked()
	})
}

func TestQuirkPortIsNotTakenModulo(t *testing.T) {
	s := newStage(t, "tcp")
	for _, endpoint := range []string{"tcp://127.0.0.1:65536", "tcp://127.0.0.1:70000", "tcp://127.0.0.1:-1"} {
		_, err := s.socket(zmq.PULL).Bind(endpoint)
		s.wrong(err, zmq.ErrInvalid)
		s.wrong(s.socket(zmq.PULL).Connect(endpoint), zmq.ErrInvalid)
	}
}

func TestQuirkRoutingIDMayBeginWithZero(t *testing.T) {
	everywhere(t, func(s *stage) {
		router := s.bind(zmq.ROUTER, mandatory)
		dealer := s.connect(zmq.DEALER, named("\x00me"))
		dealer.send("hello")
		router.want("\x00me", "hello")
		router.send("\x00me", "hello")
		dealer.want("hello")
	})
}

func TestQuirkRouterSwallowsASingleFrame(t *testing.T) {
	everywhere(t, func(s *stage) {
		router := s.bind(zmq.ROUTER, mandatory)
		dealer := s.connect(zmq.DEALER, named("d"))
		router.peers(1)
		router.send("d")
		router.send("nobody")
		router.send("d", "hello")
		dealer.want("hello")
	})
}

func TestQuirkRoomIsSeenAtOnce(t *testing.T) {
	over(t, func(s *stage) {
		push, pull := s.join(as(zmq.PUSH, marks(1, 1)), as(zmq.PULL, marks(1, 1)))
		for range 1000 {
			push.fill("x")
			pull.want("x")
			pull.want("x")
			if err := push.try("x"); err != nil {
				s.Fatal(err)
			}
			pull.want("x")
		}
	}, "inproc")
}

// Disconnect throws away what has not been received, Unbind does not.
func TestQuirkDisconnectForgetsAndUnbindKeeps(t *testing.T) {
	overNetwork(t, func(s *stage) {
		bound, connected := s.join(as(zmq.DEALER), as(zmq.DEALER))
		arrived := func(a *actor) {
			s.until("it has arrived", func() bool { return a.Stats().Received == 1 })
		}
		bound.send("to the connected")
		connected.send("to the bound")
		arrived(bound)
		arrived(connected)
		if err := connected.Disconnect(s.endpoint); err != nil {
			s.Fatal(err)
		}
		connected.silent()
		if err := bound.Unbind(s.endpoint); err != nil {
			s.Fatal(err)
		}
		bound.want("to the bound")
		if err := bound.Unbind(s.endpoint); !errors.Is(err, zmq.ErrNotFound) {
			s.Error(err)
		}
	})
}
