//go:build soak

package zmq_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// This file is what comes and goes ten thousand times, and must leave nothing behind.

// lanes are how many endpoints share the work.
const lanes = 5

// records is how many senders' records a socket keeps before it begins anew. Each lane
// has a multiple of it, so that both measures find as many.
const records = 1024

// heapSlack is how much more heap there may be afterwards, in octets: the free lists
// of memory that is used again, and what the runtime keeps for itself. Twenty-six
// octets that every one of ten thousand cycles leaves are more.
const heapSlack = 256 << 10

// cycles is how often something comes and goes in each lane.
func cycles(t *testing.T) int {
	n := 10_000
	if text := os.Getenv("CYCLES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("CYCLES is not a number: %v", err)
		}
	}
	const round = lanes * records
	return (n + round - 1) / round * records
}

// laneEndpoints are endpoints to be bound, one for each lane. Those of tcp have
// addresses of their own, so that ports last.
func laneEndpoints(t *testing.T, transport string) (all []string) {
	for i := range lanes {
		switch transport {
		case "tcp":
			all = append(all, fmt.Sprintf("tcp://127.0.%d.1:*", i+1))
		case "ipc":
			all = append(all, "ipc://"+socketPath(t))
		default:
			all = append(all, fmt.Sprintf("inproc://%s-%d", t.Name(), i))
		}
	}
	return all
}

// settled measures when goroutines and descriptors are no more than at a time
// before; a moment that never comes fails the test.
func settled(t *testing.T, before usage) usage {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	for {
		now := measure(t)
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors || ctx.Err() != nil {
			return now
		}
		runtime.Gosched()
	}
}

// unchanged checks that nothing is left behind.
func unchanged(t *testing.T, what string, before, after usage) {
	t.Helper()
	t.Logf("%s: heap %d → %d, goroutines %d → %d, descriptors %d → %d", what,
		before.heap, after.heap, before.goroutines, after.goroutines, before.descriptors, after.descriptors)
	if after.goroutines > before.goroutines || after.descriptors > before.descriptors || after.heap > before.heap+heapSlack {
		t.Errorf("%s: something is left behind", what)
	}
}

// share runs f in each lane.
func share(times int, f func(lane, times int)) {
	var wg sync.WaitGroup
	for i := range lanes {
		wg.Go(func() { f(i, times) })
	}
	wg.Wait()
}

// TestSoakReconnects takes a connection from under two sockets again and again, and
// has a message arrive over each new one.
func TestSoakReconnects(t *testing.T) {
	for _, transport := range []string{"ipc", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			first := measure(t)
			first.descriptors += 2 // the poller of the Go runtime has two of its own
			c := zmq.NewContext(nil)
			var pulls, pushes [lanes]*zmq.Socket
			var bound [lanes]string
			var happens [lanes]*events // to the pushes
			watching, stop := context.WithCancel(context.Background())
			for i, endpoint := range laneEndpoints(t, transport) {
				pulls[i], pushes[i] = newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, &zmq.Config{
					Reconnect: zmq.Reconnect{Interval: time.Millisecond},
				})
				happens[i] = watchFor(watching, t, pushes[i])
				bound[i] = bind(t, pulls[i], endpoint)
				connect(t, pushes[i], bound[i])
				happens[i].await(zmq.EventHandshakeSucceeded)
			}
			ctx := context.Background()
			lose := func(lane, times int) {
				pull, push := pulls[lane], pushes[lane]
				var m zmq.Message // Recv would keep some of the last ones
				for n := range times {
					text := strconv.Itoa(n)
					if err := push.SendString(ctx, text); err != nil {
						t.Error(err)
						return
					}
					if err := pull.RecvInto(ctx, &m); err != nil || m.String() != text {
						t.Errorf("received %q, want %q: %v", m.Frames, text, err)
						return
					}
					if err := pull.Unbind(bound[lane]); err != nil {
						t.Error(err)
						return
					}
					if _, err := pull.Bind(bound[lane]); err != nil {
						t.Error(err)
						return
					}
					happens[lane].await(zmq.EventHandshakeSucceeded) // before that, a message may go where nobody is
				}
				if err := pull.WaitPeers(ctx, 1); err != nil {
					t.Error(err)
				}
			}
			n := cycles(t)
			share(records, lose)
			before := measure(t)
			share(n, lose)
			unchanged(t, fmt.Sprint(n*lanes, " reconnects"), before, settled(t, before))
			var again uint64
			for i := range lanes {
				again += pushes[i].Stats().Reconnects
			}
			if again < uint64(n*lanes) {
				t.Errorf("only %d connections came up again", again)
			}
			stop()
			for _, w := range happens {
				w.next() // ends
			}
			term(t, c)
			if last := settled(t, first); last.goroutines > first.goroutines || last.descriptors > first.descriptors {
				t.Errorf("in the end %d goroutines and %d descriptors, in the beginning %d and %d",
					last.goroutines, last.descriptors, first.goroutines, first.descriptors)
			}
		})
	}
}

// TestSoakOpenAndClose opens and closes sockets, each of which sends one message.
func TestSoakOpenAndClose(t *testing.T) {
	for _, transport := range []string{"ipc", "tcp", "inproc"} {
		t.Run(transport, func(t *testing.T) {
			first := measure(t)
			first.descriptors += 2 // the poller of the Go runtime has two of its own
			c := zmq.NewContext(nil)
			var pulls [lanes]*zmq.Socket
			var bound [lanes]string
			for i, endpoint := range laneEndpoints(t, transport) {
				pulls[i] = newSocket(t, c, zmq.PULL, nil)
				bound[i] = bind(t, pulls[i], endpoint)
			}
			ctx := context.Background()
			open := func(lane, times int) {
				var m zmq.Message // Recv would keep some of the last ones
				for n := range times {
					push, err := c.NewSocket(zmq.PUSH, nil)
					if err != nil {
						t.Error(err)
						return
					}
					text := strconv.Itoa(n)
					if err := push.Connect(bound[lane]); err != nil {
						t.Error(err)
						return
					}
					if err := push.SendString(ctx, text); err != nil {
						t.Error(err)
						return
					}
					if n%2 == 0 { // otherwise it is on its way when the socket is closed
						if err := pulls[lane].RecvInto(ctx, &m); err != nil || m.String() != text {
							t.Errorf("received %q, want %q: %v", m.Frames, text, err)
							return
						}
					}
					if err := push.CloseContext(ctx); err != nil {
						t.Error(err)
						return
					}
					if n%2 == 1 {
						if err := pulls[lane].RecvInto(ctx, &m); err != nil || m.String() != text {
							t.Errorf("received %q, want %q: %v", m.Frames, text, err)
							return
						}
					}
				}
			}
			gone := func() {
				for _, pull := range pulls {
					eventually(t, "all peers are gone", func() bool { return len(pull.Peers()) == 0 })
				}
			}
			n := cycles(t)
			share(records, open)
			gone()
			before := measure(t)
			share(n, open)
			gone()
			unchanged(t, fmt.Sprint(n*lanes, " sockets"), before, settled(t, before))
			term(t, c)
			if last := settled(t, first); last.goroutines > first.goroutines || last.descriptors > first.descriptors {
				t.Errorf("in the end %d goroutines and %d descriptors, in the beginning %d and %d",
					last.goroutines, last.descriptors, first.goroutines, first.descriptors)
			}
		})
	}
}
