package zmq_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestNothingIsLostOrDoubledAmongManySendersAndReceivers(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const senders, receivers, each = 6, 4, 300
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, marks(20, 20)}, side{zmq.PUSH, marks(20, 20)})
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for k := range each {
					id := fmt.Appendf(nil, "%d/%d", i, k)
					if err := push.SendFrames(within(t), id, make([]byte, k%40*60), id); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		var mu sync.Mutex
		seen := make(map[string]int)
		total := atomic.Int64{}
		done, finish := context.WithCancel(within(t))
		for r := range receivers {
			wg.Go(func() {
				var m zmq.Message
				for done.Err() == nil {
					var err error
					if r%2 == 0 {
						err = pull.RecvInto(done, &m)
					} else {
						m, err = pull.Recv(done)
					}
					if err != nil {
						return
					}
					if len(m.Frames) != 3 || string(m.Frames[0]) != string(m.Frames[2]) {
						t.Errorf("a message is not whole: %q", m.Frames)
					}
					mu.Lock()
					seen[string(m.Frames[0])]++
					mu.Unlock()
					if total.Add(1) == senders*each {
						finish()
					}
				}
			})
		}
		wg.Wait()
		finish()
		if len(seen) != senders*each {
			t.Errorf("%d different messages of %d", len(seen), senders*each)
		}
	})
}

// Every method of a socket is called from many goroutines at once, for the race
// detector and for deadlocks; then the socket is closed under them.
func TestEveryMethodMayBeCalledFromAnywhereAtAnyTime(t *testing.T) {
	for _, typ := range []zmq.SocketType{
		zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.PUSH, zmq.XPUB, zmq.XSUB, zmq.STREAM,
	} {
		t.Run(typ.String(), func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, typ, soon())
			peerType := map[zmq.SocketType]zmq.SocketType{
				zmq.PUB: zmq.SUB, zmq.SUB: zmq.PUB, zmq.REQ: zmq.REP, zmq.REP: zmq.REQ, zmq.PULL: zmq.PUSH, zmq.PUSH: zmq.PULL,
				zmq.XPUB: zmq.XSUB, zmq.XSUB: zmq.XPUB,
			}
			other, ok := peerType[typ]
			if !ok {
				other = typ
			}
			peer := newSocket(t, c, other, soon())
			bound := bind(t, peer, "tcp://127.0.0.1:*")
			ctx, stop := context.WithCancel(within(t))
			body := make([]byte, 20<<10)
			names := atomic.Int64{}
			var again zmq.Message
			poller := newPoller(t)
			add(t, poller, s, zmq.PollIn|zmq.PollOut)
			shortly := func(do func(context.Context)) {
				within, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				do(within)
			}
			calls := []func(){
				func() { _ = s.SendFrames(ctx, body[:5], body) },
				func() { _ = s.TrySend(zmq.NewMessage(body[:10])) },
				func() { _ = s.SendBytes(ctx, body[:10]) },
				func() { _ = s.SendOwned(ctx, zmq.NewMessage(make([]byte, 20<<10)), func() {}) },
				func() { _, _ = s.Recv(ctx) },
				func() { _, _ = s.TryRecv() },
				func() { _ = s.RecvInto(ctx, &again) },
				func() { _, _ = s.RecvBatch(ctx, make([]zmq.Message, 3)) },
				func() { _ = s.Connect(bound) },
				func() { _ = s.Disconnect(bound) },
				func() {
					if b, err := s.Bind("tcp://127.0.0.1:*"); err == nil {
						_ = s.Unbind(b)
					}
				},
				func() {
					name := fmt.Sprint("inproc://", names.Add(1))
					if _, err := s.Bind(name); err == nil {
						_ = peer.Connect(name)
						_ = peer.Disconnect(name)
						_ = s.Unbind(name)
					}
				},
				func() { _ = s.Subscribe("x"); _ = s.Unsubscribe("x") },
				func() {
					_ = s.Configure(func(c *zmq.Config) { c.HighWater.Send, c.HighWater.Recv = int(names.Add(1))%50+1, 5 })
				},
				func() { _, _ = s.Stats(), s.Peers() },
				func() { _, _, _, _ = s.CanSend(), s.CanRecv(), s.TopicsCount(), s.LastID() },
				func() { _, _, _ = s.Config(), s.Effective(), s.LastEndpoint() },
				func() { _ = s.Configure(func(c *zmq.Config) { c.HighWater.Recv = int(names.Add(1))%50 + 1 }) },
				func() { _, _, _ = s.PeerStats(), peer.Stats(), s.MonitorPipes() },
				func() {
					name := fmt.Sprint("inproc://monitor", names.Add(1)%2)
					_ = s.Monitor(name, zmq.AllEventsV2, zmq.MonitorOptions{Version: 2})
				},
				func() {
					shortly(func(ctx context.Context) {
						for range s.Events(ctx) {
							break
						}
					})
				},
				func() { _, _ = s.CanSendTo("x") },
				func() { shortly(func(ctx context.Context) { _ = s.WaitSubscribers(ctx, "x", 3) }) },
				func() { shortly(func(ctx context.Context) { _ = s.WaitPeers(ctx, 1000) }) },
				func() {
					shortly(func(ctx context.Context) {
						_ = s.Handle(ctx, 2, func(_ context.Context, m zmq.Message) zmq.Message { return m })
					})
				},
				func() {
					shortly(func(ctx context.Context) { _ = (&zmq.Proxy{Frontend: s, Backend: peer}).Run(ctx) })
				},
				func() { shortly(func(ctx context.Context) { _, _ = poller.Wait(ctx, make([]zmq.PollEvent, 1)) }) },
				func() { _, _ = zmq.TryPoll([]zmq.PollItem{{Socket: s, Events: zmq.PollIn | zmq.PollOut}}) },
				func() { peer.TryRecv() },
				func() { _ = peer.TrySend(zmq.NewMessage(body)) },
			}
			const often = 100
			rounds := make(chan struct{}, len(calls))
			var wg sync.WaitGroup
			for _, call := range calls {
				wg.Go(func() {
					for i := 1; ctx.Err() == nil; i++ {
						call()
						if i == often {
							rounds <- struct{}{}
						}
						runtime.Gosched()
					}
				})
			}
			for range len(calls) / 2 { // the others may have nothing to do but wait
				select {
				case <-rounds:
				case <-ctx.Done():
					t.Fatal("they hold each other up")
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			stop()
			wg.Wait()
		})
	}
}

func TestSocketsComeAndGoWhileOthersTalk(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const clients, each = 8, 15
		c := newContext(t)
		router := newSocket(t, c, zmq.ROUTER, nil)
		endpoint = bind(t, router, endpoint)
		go func() {
			for m, err := range router.Messages(context.Background()) {
				if err != nil {
					t.Error(err)
					return
				}
				if err := router.Send(context.Background(), m); err != nil && !is(err, zmq.ErrClosed) && !is(err, zmq.ErrTerminated) {
					t.Error(err)
				}
			}
		}()
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				for k := range each {
					req, err := c.NewSocket(zmq.REQ, soon())
					if err != nil {
						t.Error(err)
						return
					}
					text := fmt.Sprint(i, k)
					if err := req.Connect(endpoint); err != nil {
						t.Error(err)
					}
					if err := req.SendString(within(t), text); err != nil {
						t.Error(err)
					}
					if m, err := req.Recv(within(t)); err != nil || m.String() != text {
						t.Errorf("got %q, %v", m, err)
					}
					if err := req.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// descriptors is how many this process has open, or -1 where that is not known.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}

func TestNoDescriptorIsLeftAfterTerm(t *testing.T) {
	if descriptors() < 0 {
		t.Skip("this system does not tell which descriptors are open")
	}
	round := func() {
		c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true})
		for _, endpoint := range endpoints(t) {
			pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
			send(t, push, "x")
			want(t, pull, "x")
			connect(t, push, "tcp://"+freeAddress(t))
			sub := newSocket(t, c, zmq.SUB, nil)
			connect(t, sub, pull.LastEndpoint()) // refused
		}
		term(t, c)
	}
	round() // the first opens what the runtime keeps
	before := descriptors()
	for range 5 {
		round()
	}
	if after := descriptors(); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
