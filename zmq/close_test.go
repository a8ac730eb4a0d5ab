package zmq_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"zeromux/zmq"
)

// lingering is a socket that keeps what is unsent for as long as it takes.
func lingering() *zmq.Config {
	config := soon()
	config.Linger = zmq.Forever
	return config
}

func TestCloseRightAfterSendLosesNothing(t *testing.T) {
	for name, row := range map[string]struct{ messages, octets int }{
		"one message":         {1, 10},
		"many small messages": {900, 10},
		"much data":           {60, 100 << 10},
		"one large message":   {1, 8 << 20},
	} {
		for _, who := range []string{"sender", "receiver"} {
			t.Run(name+", "+who+" binds", func(t *testing.T) {
				over(t, endpoints, func(t *testing.T, endpoint string) {
					c := newContext(t)
					pull := newSocket(t, c, zmq.PULL, soon())
					push := newSocket(t, c, zmq.PUSH, lingering())
					if who == "sender" {
						connect(t, pull, bind(t, push, endpoint))
					} else {
						connect(t, push, bind(t, pull, endpoint))
					}
					for i := range row.messages {
						if err := push.SendBytes(within(t), numbered(i, row.octets)); err != nil {
							t.Fatal(err)
						}
					}
					if err := push.Close(); err != nil {
						t.Fatal(err)
					}
					for i := range row.messages {
						if m := recv(t, pull); !bytes.Equal(m.Bytes(), numbered(i, row.octets)) {
							t.Fatalf("message %d is another", i)
						}
					}
					nothing(t, pull)
				})
			})
		}
	}
}

// A pipe takes messages before its session has everything in order.
func TestCloseRightAfterTheFirstSendOnANewPipeLosesNothing(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, soon())
		for i := range 100 {
			push := newSocket(t, c, zmq.PUSH, lingering())
			bound := bind(t, push, endpoint)
			connect(t, pull, bound)
			send(t, push, fmt.Sprint(i))
			if err := push.Close(); err != nil {
				t.Fatal(err)
			}
			want(t, pull, fmt.Sprint(i))
			// An inproc endpoint is gone with its only peer, and that has closed.
			if err := pull.Disconnect(bound); err != nil && !errors.Is(err, zmq.ErrNotFound) {
				t.Fatal(err)
			}
		}
	})
}

// numbered is a message that can be told from others.
func numbered(i, octets int) []byte {
	b := make([]byte, octets)
	binary.BigEndian.PutUint64(b, uint64(i))
	b[octets-1] = byte(i)
	return b
}

// A system that gets octets for a closed socket throws away what it has not sent
// yet of the socket's own; so a socket must hear its peer out.
func TestCloseLosesNothingWhileThePeerSends(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		const n = 300
		c := newContext(t)
		a, b := join(t, c, endpoint, side{zmq.DEALER, lingering()}, side{zmq.DEALER, soon()})
		body := make([]byte, 10<<10)
		ctx, stop := context.WithCancel(context.Background())
		flooded := make(chan struct{})
		go func() {
			defer close(flooded)
			for b.SendBytes(ctx, body) == nil {
			}
		}()
		want := recv(t, a) // the flood has begun
		if want.Size() != len(body) {
			t.Fatal("not the flood")
		}
		for i := range n {
			if err := a.SendBytes(within(t), numbered(i, 10<<10)); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if m := recv(t, b); !bytes.Equal(m.Bytes(), numbered(i, 10<<10)) {
				t.Fatalf("message %d is another", i)
			}
		}
		stop()
		<-flooded
	})
}

// The same with a peer that takes its time, so that the system still holds what
// was sent when the socket has nothing more to say.
func TestCloseLosesNothingWhenThePeerReadsLate(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		const n = 100
		c := newContext(t)
		slow := soon()
		slow.HighWater.Recv = 2
		a, b := join(t, c, endpoint, side{zmq.DEALER, lingering()}, side{zmq.DEALER, slow})
		flooding, stop := context.WithCancel(context.Background())
		flooded := make(chan struct{})
		go func() {
			defer close(flooded)
			for body := make([]byte, 1000); b.SendBytes(flooding, body) == nil; {
			}
		}()
		recv(t, a) // the flood has begun
		for i := range n {
			if err := a.SendBytes(within(t), numbered(i, 10<<10)); err != nil {
				t.Fatal(err)
			}
		}
		closed := make(chan error, 1)
		go func() { closed <- a.CloseContext(within(t)) }()
		for i := range n {
			if i == 2 {
				select {
				case err := <-closed: // it may think that it is done, or wait for us
					if err != nil {
						t.Fatal(err)
					}
				case <-time.After(1500 * time.Millisecond):
				}
			}
			if m := recv(t, b); !bytes.Equal(m.Bytes(), numbered(i, 10<<10)) {
				t.Fatalf("message %d is another", i)
			}
		}
		stop()
		<-flooded
	})
}

func TestCloseContextReturnsWhenEverythingIsOut(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, lingering()})
		for i := range 100 {
			send(t, push, fmt.Sprint(i))
		}
		if err := push.CloseContext(within(t)); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			want(t, pull, fmt.Sprint(i))
		}
	})
}

func TestCloseContextGivesUpWithItsContext(t *testing.T) {
	c := newContext(t)
	push := newSocket(t, c, zmq.PUSH, lingering())
	connect(t, push, "tcp://"+freeAddress(t))
	send(t, push, "x")
	ctx, cancel := context.WithCancel(context.Background())
	closed := make(chan error)
	go func() { closed <- push.CloseContext(ctx) }()
	cancel()
	if err := <-closed; !is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := push.CloseContext(within(t)); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestMessagesLingerForAPeerThatComesAfterClose(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, lingering())
		connect(t, push, endpoint)
		for i := range 10 {
			send(t, push, fmt.Sprint(i))
		}
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, endpoint)
		for i := range 10 {
			want(t, pull, fmt.Sprint(i))
		}
	})
}

func TestWithoutLingerNothingIsKept(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := soon()
		config.Linger = zmq.NoLinger
		push := newSocket(t, c, zmq.PUSH, config)
		connect(t, push, endpoint)
		send(t, push, "lost")
		if err := push.CloseContext(within(t)); err != nil {
			t.Fatal(err)
		}
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, endpoint)
		other := newSocket(t, c, zmq.PUSH, nil)
		connect(t, other, endpoint)
		send(t, other, "kept")
		want(t, pull, "kept")
		nothing(t, pull)
	})
}

func TestLingerEndsAfterItsTime(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, &zmq.Config{Linger: 30 * time.Millisecond})
		connect(t, push, "tcp://"+freeAddress(t))
		send(t, push, "x")
		began := time.Now()
		if err := push.CloseContext(within(t)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 30*time.Millisecond || took > 10*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

func TestTheDefaultLingerDependsOnTypeAndContext(t *testing.T) {
	for _, row := range []struct {
		typ       zmq.SocketType
		notBlocky bool
		keeps     bool
	}{
		{zmq.PUSH, false, true},
		{zmq.PUSH, true, false},
		{zmq.DEALER, false, true},
		{zmq.XSUB, false, false},
	} {
		t.Run(fmt.Sprintf("%v %v", row.typ, row.notBlocky), func(t *testing.T) {
			c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: row.notBlocky})
			s := newSocket(t, c, row.typ, nil)
			connect(t, s, "tcp://"+freeAddress(t))
			send(t, s, "x")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			if !row.keeps {
				ctx, cancel = patience()
			}
			defer cancel()
			if err := c.Term(ctx); is(err, context.DeadlineExceeded) != row.keeps || !row.keeps && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCloseEndsCallsThatWait(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(*zmq.Context, *zmq.Socket) error
		want error
	}{
		"Close":    {func(_ *zmq.Context, s *zmq.Socket) error { return s.Close() }, zmq.ErrClosed},
		"Shutdown": {func(c *zmq.Context, _ *zmq.Socket) error { c.Shutdown(); return nil }, zmq.ErrTerminated},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, zmq.DEALER, marks(1, 1))
			connect(t, s, "inproc://x")
			send(t, s, "x")
			ended := make(chan error, 20)
			var m zmq.Message
			for _, call := range []func() error{
				func() error { return s.SendString(context.Background(), "x") },
				func() error { return s.SendBytes(within(t), []byte("x")) },
				func() error { _, err := s.Recv(context.Background()); return err },
				func() error { _, err := s.Recv(within(t)); return err },
				func() error { return s.RecvInto(context.Background(), &m) },
				func() error { _, err := s.RecvBatch(context.Background(), make([]zmq.Message, 2)); return err },
				func() error { return s.WaitPeers(context.Background(), 5) },
				func() error {
					return s.SendOwned(context.Background(), zmq.NewStringMessage("x"), func() { t.Error("released") })
				},
			} {
				go func() { ended <- call() }()
			}
			quiet := make(chan struct{})
			go func() {
				defer close(quiet)
				for _, err := range s.Messages(context.Background()) {
					t.Errorf("an iterator yields %v", err)
				}
				for e := range s.Events(context.Background()) {
					if e.Kind != zmq.EventMonitorStopped {
						t.Errorf("event: %+v", e)
					}
				}
			}()
			if err := end.do(c, s); err != nil {
				t.Fatal(err)
			}
			for range 8 {
				if err := <-ended; !is(err, end.want) {
					t.Errorf("got %v", err)
				}
			}
			if name == "Shutdown" {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			<-quiet
			for op, err := range after(t, s) {
				if !is(err, zmq.ErrClosed) {
					t.Errorf("%s after Close: %v", op, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Errorf("a second Close: %v", err)
			}
		})
	}
}

// after is what every method returns now.
func after(t *testing.T, s *zmq.Socket) map[string]error {
	ctx := within(t)
	errs := make(map[string]error)
	errs["send"] = s.SendString(ctx, "x")
	errs["try send"] = s.TrySend(zmq.NewStringMessage("x"))
	_, errs["receive"] = s.Recv(ctx)
	_, errs["try receive"] = s.TryRecv()
	_, errs["bind"] = s.Bind("inproc://y")
	_, errs["bind tcp"] = s.Bind("tcp://127.0.0.1:*")
	errs["connect"] = s.Connect("inproc://y")
	errs["connect tcp"] = s.Connect("tcp://127.0.0.1:1")
	errs["unbind"] = s.Unbind("tcp://127.0.0.1:1")
	errs["unbind inproc"] = s.Unbind("inproc://y")
	errs["disconnect"] = s.Disconnect("tcp://127.0.0.1:1")
	errs["configure"] = s.Configure(func(c *zmq.Config) { c.Linger = 1 })
	errs["wait for peers"] = s.WaitPeers(ctx, 1)
	return errs
}

func TestAfterShutdownEveryCallSaysSo(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.DEALER, nil)
	c.Shutdown()
	for op, err := range after(t, s) {
		if !is(err, zmq.ErrTerminated) || zmq.Errno(err) != eterm {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := c.NewSocket(zmq.PUSH, nil); !is(err, zmq.ErrTerminated) {
		t.Errorf("a new socket: %v", err)
	}
	c.Shutdown()
}

func TestTermWaitsForWhatIsUnsent(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		if endpoint == "inproc://"+t.Name() {
			return // an inproc name belongs to the context that ends
		}
		c := zmq.NewContext(nil)
		push := newSocket(t, c, zmq.PUSH, soon())
		connect(t, push, endpoint)
		send(t, push, "x")
		done := make(chan error)
		go func() { done <- c.Term(within(t)) }()
		pull := newSocket(t, newContext(t), zmq.PULL, nil)
		bind(t, pull, endpoint)
		want(t, pull, "x")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAPendingInprocConnectDoesNotHoldTermUp(t *testing.T) {
	c := zmq.NewContext(nil)
	push := newSocket(t, c, zmq.PUSH, nil)
	connect(t, push, "inproc://nobody")
	send(t, push, "x")
	term(t, c)
}

func TestAContextWithoutSocketsEndsAtOnce(t *testing.T) {
	c := zmq.NewContext(nil)
	term(t, c)
	term(t, c)
}

func TestAContextHasAsManySocketsAsItMay(t *testing.T) {
	c := zmq.NewContext(&zmq.ContextConfig{MaxSockets: 3})
	defer term(t, c)
	var sockets []*zmq.Socket
	for range 3 {
		sockets = append(sockets, newSocket(t, c, zmq.PUSH, &zmq.Config{Linger: 20 * time.Second}))
	}
	if _, err := c.NewSocket(zmq.PUSH, nil); !is(err, zmq.ErrTooManySockets) {
		t.Errorf("a fourth: %v", err)
	}
	// One that lingers still counts.
	pull := "tcp://" + freeAddress(t)
	connect(t, sockets[0], pull)
	send(t, sockets[0], "x")
	if err := sockets[0].Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSocket(zmq.PUSH, nil); !is(err, zmq.ErrTooManySockets) {
		t.Errorf("with one that lingers: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = sockets[0].CloseContext(ctx) // gives its message up
	eventually(t, "there is room for another", func() bool {
		s, err := c.NewSocket(zmq.PUSH, nil)
		if err == nil {
			sockets[0] = s
		}
		return err == nil
	})
}

// What has nothing to send loses nothing, though its time is over before it begins.
func TestNothingIsThrownAwayWhereNothingWaits(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for range 50 {
		c := zmq.NewContext(nil)
		s := newSocket(t, c, zmq.PAIR, nil)
		if err := s.CloseContext(over); err != nil {
			t.Fatal(err)
		}
		if err := c.Term(over); err != nil {
			t.Fatal(err)
		}
	}
}
