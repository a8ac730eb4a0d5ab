package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"zeromux/zmq"
)

// countUp sends messages of eight octets that count from zero.
func countUp(ctx context.Context, s *zmq.Socket, n int) error {
	body := make([]byte, 8)
	for i := range n {
		binary.BigEndian.PutUint64(body, uint64(i))
		if err := s.SendBytes(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

// However many goroutines receive, and however each does it, every message comes
// once, and to each goroutine in order.
func TestReceiversOfEveryKindTakeTurns(t *testing.T) {
	const count = 60_000
	over(t, endpoints, func(t *testing.T, endpoint string) {
		ctx, c := within(t), newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		failed := make(chan error, 1)
		go func() { failed <- countUp(ctx, push, count) }()

		stop, cancel := context.WithCancel(ctx)
		defer cancel()
		var mu sync.Mutex
		seen, left := make([]bool, count), count
		took := func(body []byte, last *int) error {
			n := int(binary.BigEndian.Uint64(body))
			mu.Lock()
			defer mu.Unlock()
			if n <= *last || seen[n] {
				return fmt.Errorf("message %d behind %d, seen before: %v", n, *last, seen[n])
			}
			seen[n], *last = true, n
			if left--; left == 0 {
				cancel()
			}
			return nil
		}
		var all sync.WaitGroup
		receiver := func(receive func() ([]byte, error)) {
			all.Go(func() {
				last := -1
				for stop.Err() == nil {
					body, err := receive()
					switch {
					case errors.Is(err, zmq.ErrWouldBlock), stop.Err() != nil && err != nil:
						continue
					case err != nil:
						t.Error(err)
						cancel()
						return
					}
					if err := took(body, &last); err != nil {
						t.Error(err)
						cancel()
						return
					}
				}
			})
		}
		for range 2 {
			var m zmq.Message
			receiver(func() ([]byte, error) {
				err := pull.RecvInto(stop, &m)
				return m.Bytes(), err
			})
		}
		receiver(func() ([]byte, error) {
			m, err := pull.Recv(stop)
			return m.Bytes(), err
		})
		receiver(func() ([]byte, error) {
			if !pull.CanRecv() {
				return nil, zmq.ErrWouldBlock
			}
			m, err := pull.TryRecv()
			return m.Bytes(), err
		})
		all.Wait()
		if err := <-failed; err != nil || left > 0 {
			t.Errorf("%d messages missing, %v", left, err)
		}
	})
}

// A Message that goes from socket to socket, and copies of it, take from each what
// comes next there.
func TestAMessageReceivesFromTwoSockets(t *testing.T) {
	const count = 5_000
	ctx, c := within(t), newContext(t)
	var pulls [2]*zmq.Socket
	for i := range pulls {
		pull, push := join(t, c, fmt.Sprintf("inproc://%d", i), side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		pulls[i] = pull
		go func() { _ = countUp(ctx, push, count) }() // what is missing shows below
	}
	var m zmq.Message
	var next [2]int
	for k := range 2 * count {
		i := k / 7 % 2
		if next[i] == count {
			i = 1 - i
		}
		into := &m
		if k%101 == 0 {
			copied := m
			into = &copied
		}
		if err := pulls[i].RecvInto(ctx, into); err != nil {
			t.Fatal(err)
		}
		if got := int(binary.BigEndian.Uint64(into.Bytes())); got != next[i] {
			t.Fatalf("socket %d: message %d, want %d", i, got, next[i])
		}
		next[i]++
	}
}

// Copies of a Message belong to nobody: they may be received into at the same time.
func TestCopiesOfAMessageReceiveAtTheSameTime(t *testing.T) {
	const count = 20_000
	ctx, c := within(t), newContext(t)
	pull, push := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	go func() { _ = countUp(ctx, push, 1+2*count) }() // what is missing keeps the test waiting
	var m zmq.Message
	if err := pull.RecvInto(ctx, &m); err != nil {
		t.Fatal(err)
	}
	copied := m
	var all sync.WaitGroup
	for _, into := range []*zmq.Message{&m, &copied} {
		all.Go(func() {
			last := uint64(0)
			for range count {
				if err := pull.RecvInto(ctx, into); err != nil {
					t.Error(err)
					return
				}
				if n := binary.BigEndian.Uint64(into.Bytes()); n <= last {
					t.Errorf("message %d behind %d", n, last)
				} else {
					last = n
				}
			}
		})
	}
	all.Wait()
}

// Messages of another peer get their turn at once, and a socket that is closed gives
// no more, while one goroutine takes message after message.
func TestWhoTakesMessageAfterMessageSeesWhatHappens(t *testing.T) {
	ctx, c := within(t), newContext(t)
	pull, first := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	if err := countUp(ctx, first, 200); err != nil {
		t.Fatal(err)
	}
	var m zmq.Message
	for range 50 {
		if err := pull.RecvInto(ctx, &m); err != nil {
			t.Fatal(err)
		}
	}
	second := newSocket(t, c, zmq.PUSH, nil)
	connect(t, second, "inproc://a")
	send(t, second, "me too")
	for k := 0; ; k++ {
		if err := pull.RecvInto(ctx, &m); err != nil {
			t.Fatal(err)
		}
		if m.String() == "me too" {
			break
		}
		if k > 1 {
			t.Fatal("one peer has had two turns more while another waited")
		}
	}
	if err := pull.RecvInto(ctx, &m); err != nil {
		t.Fatal(err)
	}
	if err := pull.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pull.RecvInto(ctx, &m); !errors.Is(err, zmq.ErrClosed) {
		t.Errorf("received from a closed socket: %v, %q", err, m.Bytes())
	}
}
