package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"zeromux/zmq"
)

// A socket is received from in every way at once: by goroutines with a lease, by a
// poller and by a proxy that finds no room time and again, while it is counted,
// configured and monitored. Every message comes once.
func TestWhatReceivesFromOneSocketShares(t *testing.T) {
	const count = 20_000
	over(t, endpoints, func(t *testing.T, endpoint string) {
		ctx, c := within(t), newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, marks(100, 100)}, side{zmq.PUSH, marks(100, 100)})
		second := newSocket(t, c, zmq.PUSH, marks(100, 100))
		connect(t, second, pull.LastEndpoint())
		onward, end := join(t, c, "inproc://onward", side{zmq.PUSH, marks(1, 1)}, side{zmq.PULL, marks(1, 1)})
		p := run(t, &zmq.Proxy{Frontend: pull, Backend: onward})

		stop, cancel := context.WithCancel(ctx)
		defer cancel()
		var mu sync.Mutex
		seen, left := make([]bool, count), count
		took := func(body []byte) {
			n := binary.BigEndian.Uint64(body)
			mu.Lock()
			defer mu.Unlock()
			if seen[n] {
				t.Errorf("message %d comes twice", n)
			}
			seen[n] = true
			if left--; left == 0 {
				cancel()
			}
		}
		var all sync.WaitGroup
		for i, s := range []*zmq.Socket{push, second} {
			all.Go(func() {
				body := make([]byte, 8+i*300)
				for n := i; n < count; n += 2 {
					binary.BigEndian.PutUint64(body, uint64(n))
					if err := s.SendBytes(ctx, body); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		receive := func(s *zmq.Socket) {
			all.Go(func() {
				var m zmq.Message
				for s.RecvInto(stop, &m) == nil {
					took(m.Bytes())
				}
			})
		}
		receive(pull)
		receive(pull)
		receive(end)
		all.Go(func() {
			poller := newPoller(t)
			add(t, poller, pull, zmq.PollIn)
			for events := make([]zmq.PollEvent, 1); ; {
				if _, err := poller.Wait(stop, events); err != nil {
					return
				}
				m, err := pull.TryRecv()
				if errors.Is(err, zmq.ErrWouldBlock) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				took(m.Bytes())
			}
		})
		all.Go(func() {
			for i := 0; stop.Err() == nil; i++ {
				_, _, _ = pull.Stats(), pull.PeerStats(), pull.CanRecv()
				if err := pull.Configure(func(c *zmq.Config) { c.HighWater.Recv = 50 + i%50 }); err != nil {
					t.Error(err)
				}
				p.Pause()
				p.Resume()
			}
		})
		all.Wait()
		if left > 0 {
			t.Errorf("%d messages are missing", left)
		}
		p.stop()
		if err := p.end(t); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
