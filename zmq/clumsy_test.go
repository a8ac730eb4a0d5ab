package zmq_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"zeromux/zmq"
)

// What a program does by mistake ends in an error, or does no harm.

func TestAChangeWithoutAFunctionIsInvalid(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PUSH, nil)
	if err := s.Configure(nil); !is(err, zmq.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
}

func TestSendOwnedNeedsNoRelease(t *testing.T) {
	push, pull := join(t, newContext(t), "inproc://owned", side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	for _, size := range []int{10, 100_000} {
		if err := push.SendOwned(within(t), zmq.NewMessage(make([]byte, size)), nil); err != nil {
			t.Fatal(err)
		}
		if m := recv(t, pull); m.Size() != size {
			t.Errorf("received %d octets, want %d", m.Size(), size)
		}
	}
}

// A program that survives its own panic, as an HTTP handler does, must find the
// socket as it was.
func TestANilMessageLocksNobodyOut(t *testing.T) {
	push, pull := join(t, newContext(t), "inproc://nil", side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	send(t, push, "still there")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a nil message was filled")
			}
		}()
		_ = pull.RecvInto(context.Background(), nil)
	}()
	want(t, pull, "still there")
}

func TestSubscribingAClosedSocketFails(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.SUB, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Subscribe("a"); !is(err, zmq.ErrClosed) {
		t.Errorf("subscribe: %v, want ErrClosed", err)
	}
	if err := s.Unsubscribe("a"); !is(err, zmq.ErrClosed) {
		t.Errorf("unsubscribe: %v, want ErrClosed", err)
	}
}

func TestEventsCanBeRangedOverAgain(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	bound := "tcp://" + freeAddress(t)
	events := s.Events(within(t))
	bind(t, s, bound)
	for e := range events {
		if e.Kind != zmq.EventListening {
			t.Errorf("event %q, want %q", e.Kind, zmq.EventListening)
		}
		break
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range events { // until the socket is closed
		}
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-within(t).Done():
		t.Error("the second range outlives the socket")
	}
}

func TestConfigThatNoConnectionWouldSurviveIsRefused(t *testing.T) {
	c := newContext(t)
	for name, config := range map[string]zmq.Config{
		"TCP.KeepAliveIdle":     {TCP: zmq.TCP{KeepAliveIdle: zmq.Forever}},
		"TCP.KeepAliveInterval": {TCP: zmq.TCP{KeepAliveInterval: zmq.Forever}},
		"TCP.KeepAliveCount":    {TCP: zmq.TCP{KeepAliveCount: 128}},
		"Metadata":              {Metadata: map[string]string{"X-Novel": strings.Repeat("a", 2<<20)}},
	} {
		_, err := c.NewSocket(zmq.DEALER, &config)
		if !is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want ErrInvalid that names it", name, err)
		}
	}
}

// A Dialer that returns nothing at all has failed to dial.
func TestADialerThatReturnsNothingHasFailed(t *testing.T) {
	c := newContext(t)
	asked := make(chan struct{}, 100)
	s := newSocket(t, c, zmq.PAIR, &zmq.Config{Network: zmq.Network{
		Dial: func(context.Context, string, string) (net.Conn, error) {
			select {
			case asked <- struct{}{}:
			default:
			}
			return nil, nil
		},
	}})
	connect(t, s, "tcp://127.0.0.1:5")
	for range 2 { // it goes on trying
		select {
		case <-asked:
		case <-within(t).Done():
			t.Fatal("it does not try again")
		}
	}
}

func TestAContextOfLessThanNoSocketsIsRefused(t *testing.T) {
	c := zmq.NewContext(&zmq.ContextConfig{MaxSockets: -1})
	defer term(t, c)
	if _, err := c.NewSocket(zmq.PAIR, nil); !is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "MaxSockets") {
		t.Errorf("got %v", err)
	}
}

func TestNothingToCallOrToSpeakOverIsInvalid(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.ROUTER, nil)
	_, serve := s.Serve(nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, err := range map[string]error{
		"Handle": s.Handle(ctx, 1, nil), "Serve": serve, "Attach": s.Attach(nil),
	} {
		if !is(err, zmq.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

// Each call of the function overtakes itself: that must come to an end.
func TestAChangeThatChangesTheSocketItselfIsInvalid(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PUSH, nil)
	calls := 0
	err := s.Configure(func(c *zmq.Config) {
		if calls++; calls > 10_000 {
			panic("it is called for ever")
		}
		c.HighWater.Send = 5
		if err := s.Configure(func(c *zmq.Config) { c.HighWater.Recv = 7 }); err != nil {
			t.Error(err)
		}
	})
	if !is(err, zmq.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
	if mark := s.Config().HighWater; mark != (zmq.HighWater{Recv: 7}) {
		t.Errorf("the marks are %v", mark)
	}
}
