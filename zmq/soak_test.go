//go:build soak

package zmq_test

import (
	"context"
	"encoding/binary"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zeromux/zmq"
)

// soak is how long each test of this file goes on.
func soak(t *testing.T) time.Duration {
	d, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Fatalf("SOAK is not a duration: %v", err)
	}
	return d
}

// usage is what a process holds after a collection.
type usage struct {
	heap        uint64
	goroutines  int
	descriptors int
}

func measure(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("cannot count descriptors here: %v", err)
	}
	return usage{m.HeapAlloc, runtime.NumGoroutine(), len(fds)}
}

// comers is how many senders there are at any time, and onTheWay how many messages
// they may be ahead of the receiver, all together: a closed inproc pipe lasts until
// it is read, beyond any mark.
const (
	comers   = 1000
	onTheWay = 50_000
)

// TestSoakSendersComeAndGo has senders that connect, send, close with linger and
// begin anew while a receiver reads on: nothing is lost, nothing arrives twice
// or out of order, and nothing is left behind.
func TestSoakSendersComeAndGo(t *testing.T) {
	for name, endpoint := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			first := measure(t)
			c := zmq.NewContext(nil)
			pull := newSocket(t, c, zmq.PULL, nil)
			bound := bind(t, pull, endpoint)

			var stop atomic.Bool
			var sent, received, lives atomic.Uint64
			ahead, over := make(chan struct{}, onTheWay), make(chan struct{})
			var senders sync.WaitGroup
			for i := range comers {
				senders.Add(1)
				go func() {
					defer senders.Done()
					body := make([]byte, 12, 4000)
					for life := 0; !stop.Load(); life++ {
						push, err := c.NewSocket(zmq.PUSH, nil)
						if err != nil {
							t.Errorf("new socket: %v", err)
							return
						}
						if err := push.Connect(bound); err != nil {
							t.Errorf("connect: %v", err)
							return
						}
						for n := range 100 + life%400 {
							binary.BigEndian.PutUint32(body, uint32(i))
							binary.BigEndian.PutUint32(body[4:], uint32(life))
							binary.BigEndian.PutUint32(body[8:], uint32(n))
							select {
							case ahead <- struct{}{}:
							case <-over:
								return
							}
							if err := push.SendBytes(ctx, body[:12+n*7%3000]); err != nil {
								t.Errorf("send: %v", err)
								return
							}
							sent.Add(1)
						}
						lives.Add(1)
						if err := push.CloseContext(ctx); err != nil {
							t.Errorf("close: %v", err)
							return
						}
					}
				}()
			}

			go func() {
				defer close(over)
				next := make(map[uint64]uint32) // by sender and life
				var m zmq.Message
				for pull.RecvInto(ctx, &m) == nil {
					life := binary.BigEndian.Uint64(m.Frames[0])
					n := binary.BigEndian.Uint32(m.Frames[0][8:])
					if n != next[life] {
						t.Errorf("sender and life %x: message %d where %d was due", life, n, next[life])
						return
					}
					next[life]++
					if n == 99+uint32(life)%400 {
						delete(next, life)
					}
					received.Add(1)
					<-ahead
				}
			}()

			d := soak(t)
			warm := time.NewTimer(d / 4)
			<-warm.C
			before := measure(t)
			rest := time.NewTimer(d - d/4)
			<-rest.C
			after := measure(t)
			stop.Store(true)
			senders.Wait()
			for received.Load() < sent.Load() && !t.Failed() {
				runtime.Gosched()
			}
			if err := c.Term(within(t)); err != nil {
				t.Error(err)
			}
			<-over
			last := measure(t)
			t.Logf("%d messages in %d lives; heap %d → %d, goroutines %d → %d, descriptors %d → %d",
				received.Load(), lives.Load(), before.heap, after.heap,
				before.goroutines, after.goroutines, before.descriptors, after.descriptors)
			if received.Load() != sent.Load() {
				t.Errorf("%d received of %d sent", received.Load(), sent.Load())
			}
			flat(t, before, after, comers)
			if last.descriptors > first.descriptors+2 { // the poller of the Go runtime has two of its own
				t.Errorf("%d descriptors in the beginning, %d in the end", first.descriptors, last.descriptors)
			}
		})
	}
}

// flat checks that nothing has grown but by what comes and goes at the moment.
func flat(t *testing.T, before, after usage, slack int) {
	t.Helper()
	if after.heap > 2*before.heap+64<<20 {
		t.Errorf("heap grew from %d to %d octets", before.heap, after.heap)
	}
	if after.descriptors > before.descriptors+slack || after.goroutines > before.goroutines+slack {
		t.Errorf("descriptors %d → %d, goroutines %d → %d",
			before.descriptors, after.descriptors, before.goroutines, after.goroutines)
	}
}

// TestSoakSubscribersComeAndGo has subscribers that come and go under a running
// publisher: each gets an unbroken run of what it asked for.
func TestSoakSubscribersComeAndGo(t *testing.T) {
	for name, endpoint := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			c := zmq.NewContext(nil)
			pub := newSocket(t, c, zmq.PUB, &zmq.Config{PubSub: zmq.PubSub{NoDrop: true}})
			bound := bind(t, pub, endpoint)
			var stop, silent atomic.Bool
			published := make(chan struct{})
			go func() {
				defer close(published)
				body := make([]byte, 9)
				for seq := uint64(0); !silent.Load(); seq++ {
					body[0] = byte('a' + seq%4)
					binary.BigEndian.PutUint64(body[1:], seq)
					if err := pub.SendBytes(ctx, body); err != nil {
						t.Errorf("send: %v", err)
						return
					}
				}
			}()
			var lives atomic.Uint64
			var subscribers sync.WaitGroup
			for i := range 4 {
				subscribers.Add(1)
				go func() {
					defer subscribers.Done()
					for !stop.Load() {
						sub, err := c.NewSocket(zmq.SUB, nil)
						if err != nil {
							t.Errorf("new socket: %v", err)
							return
						}
						_ = sub.Subscribe(string(rune('a' + i)))
						_ = sub.Connect(bound)
						last := uint64(0)
						for n := range 1000 {
							m, err := sub.Recv(ctx)
							if err != nil {
								t.Errorf("receive: %v", err)
								return
							}
							seq := binary.BigEndian.Uint64(m.Frames[0][1:])
							if n > 0 && seq != last+4 {
								t.Errorf("message %d after %d", seq, last)
								return
							}
							last = seq
						}
						_ = sub.Close()
						lives.Add(1)
					}
				}()
			}
			d := soak(t)
			warm := time.NewTimer(d / 4)
			<-warm.C
			before := measure(t)
			rest := time.NewTimer(d - d/4)
			<-rest.C
			after := measure(t)
			stop.Store(true)
			subscribers.Wait()
			silent.Store(true)
			<-published
			if err := c.Term(within(t)); err != nil {
				t.Error(err)
			}
			t.Logf("%d lives; heap %d → %d, goroutines %d → %d, descriptors %d → %d", lives.Load(),
				before.heap, after.heap, before.goroutines, after.goroutines, before.descriptors, after.descriptors)
			flat(t, before, after, 64)
		})
	}
}
