package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestTimeoutsEndCalls(t *testing.T) {
	c := newContext(t)
	for name, row := range map[string]struct {
		timeout time.Duration
		least   time.Duration
	}{
		"at once":      {zmq.NoWait, 0},
		"after a time": {20 * time.Millisecond, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, c, zmq.DEALER, &zmq.Config{SendTimeout: row.timeout, RecvTimeout: row.timeout})
			for op, call := range map[string]func() error{
				"send":    func() error { return s.SendString(context.Background(), "x") },
				"receive": func() error { _, err := s.Recv(context.Background()); return err },
				"receive, with a context that ends later": func() error { _, err := s.Recv(within(t)); return err },
			} {
				began := time.Now()
				err := call()
				if !is(err, zmq.ErrTimeout) || !is(err, os.ErrDeadlineExceeded) || is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", op, err)
				}
				var timeout interface{ Timeout() bool }
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("%s: %v is no timeout", op, err)
				}
				if took := time.Since(began); took < row.least || took > 10*time.Second {
					t.Errorf("%s took %v", op, took)
				}
			}
		})
	}
}

// Whoever closes a socket and then ends the context that its calls wait under
// wants to hear of the socket: it is how Messages ends without an error.
func TestACallThatEndsForBothReasonsTellsOfTheSocket(t *testing.T) {
	c := newContext(t)
	for range 200 {
		pull := newSocket(t, c, zmq.PULL, nil)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() {
			_, err := pull.Recv(ctx)
			ended <- err
		}()
		if err := pull.Close(); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-ended; !is(err, zmq.ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestNothingHappensUnderAContextThatHasEnded(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		var m zmq.Message
		for op, call := range map[string]func() error{
			"send":       func() error { return push.SendString(ended, "never") },
			"send bytes": func() error { return push.SendBytes(ended, []byte("never")) },
			"send owned": func() error {
				return push.SendOwned(ended, zmq.NewStringMessage("never"), func() { t.Error("released") })
			},
			"receive":       func() error { _, err := pull.Recv(ended); return err },
			"receive into":  func() error { return pull.RecvInto(ended, &m) },
			"receive batch": func() error { _, err := pull.RecvBatch(ended, make([]zmq.Message, 1)); return err },
		} {
			if err := call(); !is(err, context.Canceled) {
				t.Errorf("%s: %v", op, err)
			}
		}
		send(t, push, "x") // and what is there stays there
		eventually(t, "it has arrived", func() bool { return pull.CanRecv() })
		if _, err := pull.Recv(ended); !is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		want(t, pull, "x")
		nothing(t, pull)
	})
}

// A call that is cancelled while it waits has taken and sent nothing, whatever
// happens at the same moment.
func TestACancelledCallHasTakenAndSentNothing(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const n = 200
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, marks(1, 1)}, side{zmq.PUSH, marks(1, 1)})
		var sent, received []string
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; len(sent) < n; i++ {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%7)*10*time.Microsecond)
				err := push.SendString(ctx, fmt.Sprint(i))
				cancel()
				switch {
				case err == nil:
					sent = append(sent, fmt.Sprint(i))
				case !is(err, context.DeadlineExceeded):
					t.Error(err)
					return
				}
			}
		})
		for i := 0; len(received) < n && !t.Failed(); i++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%5)*10*time.Microsecond)
			m, err := pull.Recv(ctx)
			cancel()
			switch {
			case err == nil:
				received = append(received, m.String())
			case !is(err, context.DeadlineExceeded):
				t.Fatal(err)
			}
		}
		wg.Wait()
		if fmt.Sprint(sent) != fmt.Sprint(received) {
			t.Errorf("sent %v\nreceived %v", sent, received)
		}
	})
}

func TestASignalThatOneReceiverGivesUpWakesAnother(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://x", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	for i := range 300 {
		ctx, cancel := context.WithCancel(context.Background())
		gaveUp := make(chan error, 1)
		got := make(chan error, 1)
		go func() {
			_, err := pull.Recv(ctx)
			gaveUp <- err
		}()
		go func() {
			_, err := pull.Recv(within(t))
			got <- err
		}()
		go cancel()
		send(t, push, fmt.Sprint(i))
		// Either of them has the first message; the second is for the other.
		if err := <-gaveUp; err == nil {
			send(t, push, "another")
		}
		if err := <-got; err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
}

func TestTryNeverWaits(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PAIR, nil)
	if err := s.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrWouldBlock) {
		t.Errorf("send: %v", err)
	}
	if _, err := s.TryRecv(); !is(err, zmq.ErrWouldBlock) {
		t.Errorf("receive: %v", err)
	}
}

func TestABatchIsAsManyMessagesAsWait(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		var batch []zmq.Message
		for i := range 10 {
			batch = append(batch, zmq.NewStringMessage(fmt.Sprint(i), "x"))
		}
		if n, err := push.SendBatch(within(t), batch); n != 10 || err != nil {
			t.Fatalf("sent %d: %v", n, err)
		}
		eventually(t, "everything has arrived", func() bool { return pull.Stats().Received == 10 })
		got := make([]zmq.Message, 7)
		next := 0
		for next < 10 {
			n, err := pull.RecvBatch(within(t), got)
			if err != nil || n == 0 {
				t.Fatalf("received %d: %v", n, err)
			}
			for _, m := range got[:n] {
				if m.String() != fmt.Sprint(next, " x") {
					t.Fatalf("got %q, want %d", m, next)
				}
				next++
			}
		}
		if n, err := pull.RecvBatch(within(t), nil); n != 0 || err != nil {
			t.Errorf("a batch of none: %d, %v", n, err)
		}
		push2 := newSocket(t, c, zmq.PUSH, &zmq.Config{SendTimeout: zmq.NoWait})
		if n, err := push2.SendBatch(within(t), batch); n != 0 || !is(err, zmq.ErrTimeout) {
			t.Errorf("without peers: sent %d, %v", n, err)
		}
	})
}

func TestMessagesEndsWithTheSocketOrYieldsTheErrorOnce(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://x", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	send(t, push, "1")
	send(t, push, "2")
	var got []string
	var errs []error
	for m, err := range pull.Messages(ctx) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if got = append(got, m.String()); len(got) == 2 {
			cancel()
		}
	}
	if fmt.Sprint(got) != "[1 2]" || len(errs) != 1 || !is(errs[0], context.Canceled) {
		t.Errorf("got %v, %v", got, errs)
	}
	send(t, push, "3")
	for m, err := range pull.Messages(within(t)) {
		if err != nil || m.String() != "3" {
			t.Errorf("got %v, %v", m, err)
		}
		if err := pull.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWaitPeersEndsTheGuessing(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		endpoint = bind(t, pull, endpoint)
		there := make(chan error)
		go func() { there <- pull.WaitPeers(within(t), 3) }()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := pull.WaitPeers(ctx, 1); !is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		for range 3 {
			connect(t, newSocket(t, c, zmq.PUSH, &zmq.Config{Metadata: map[string]string{"X-who": "me"}}), endpoint)
		}
		if err := <-there; err != nil {
			t.Fatal(err)
		}
		if got := pull.Stats().Peers; got != 3 {
			t.Errorf("%d peers", got)
		}
		inproc := endpoint == endpoints(t)["inproc"]
		for _, p := range pull.Peers() {
			if p.Type != "PUSH" || p.Inproc != inproc || !inproc && p.Endpoint != endpoint {
				t.Errorf("got %+v", p)
			}
			if got, ok := p.Property("X-who"); !inproc && (!ok || got != "me") {
				t.Errorf("X-who is %q", got)
			}
		}
	})
}
