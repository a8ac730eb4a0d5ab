package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/iomux"
	"zeromux/zmq"
)

func TestAContextRefusesWhatTheSystemLacks(t *testing.T) {
	for name, test := range map[string]struct {
		config zmq.ContextConfig
		want   error
		names  string
	}{
		"a multiplexer nobody knows": {zmq.ContextConfig{Multiplexer: "busy"}, zmq.ErrUnsupported, `"busy"`},
		"fewer loops than none":      {zmq.ContextConfig{IOThreads: -2}, zmq.ErrInvalid, "IOThreads is -2"},
		"more loops than can be meant": {
			zmq.ContextConfig{IOThreads: 1025}, zmq.ErrInvalid, "1024",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := zmq.NewContext(&test.config)
			defer term(t, c)
			_, err := c.NewSocket(zmq.PAIR, nil)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.names) {
				t.Errorf("got %v, want %v that names %s", err, test.want, test.names)
			}
		})
	}
}

// multiplexers are all that this system has, and the default.
func multiplexers() []string {
	all := []string{"", "stream"}
	if runtime.GOOS != "windows" {
		all = append(all, "runtime")
	}
	for _, b := range iomux.Available() {
		all = append(all, string(b))
	}
	return all
}

// Whatever waits for the connections of a server, and however many loops share
// them, each client gets its own answers in order.
func TestManyClientsUnderEveryMultiplexer(t *testing.T) {
	for _, multiplexer := range multiplexers() {
		for _, loops := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s/%d loops", multiplexer, loops), func(t *testing.T) {
				c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true, Multiplexer: multiplexer, IOThreads: loops})
				t.Cleanup(func() { term(t, c) })
				router := newSocket(t, c, zmq.ROUTER, nil)
				endpoint := bind(t, router, "tcp://127.0.0.1:*")
				ctx, cancel := patience()
				defer cancel()
				var clients sync.WaitGroup
				for i := range 20 {
					dealer := newSocket(t, c, zmq.DEALER, nil)
					connect(t, dealer, endpoint)
					clients.Go(func() {
						for n := range 50 {
							if err := dealer.SendString(ctx, fmt.Sprint(i, " ", n), strings.Repeat("x", n*n*n)); err != nil {
								t.Error(err)
								return
							}
						}
						for n := range 50 {
							m, err := dealer.Recv(ctx)
							if err != nil || len(m.Frames) != 2 || string(m.Frames[0]) != fmt.Sprint(i, " ", n) || len(m.Frames[1]) != n*n*n {
								t.Errorf("client %d, answer %d: %.50q %v", i, n, m.Frames, err)
								return
							}
						}
					})
				}
				for range 20 * 50 {
					m, err := router.Recv(ctx)
					if err == nil {
						err = router.Send(ctx, m)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				clients.Wait()
			})
		}
	}
}

// A socket whose only connection is read by its own receiver goes on without a
// loss when a second one comes, and when it leaves again.
func TestASecondPeerComesAndGoes(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		rep := newSocket(t, c, zmq.REP, nil)
		endpoint = bind(t, rep, endpoint)
		ctx, cancel := patience()
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				m, err := rep.Recv(ctx)
				if err != nil || rep.Send(ctx, m) != nil {
					return
				}
			}
		}()
		ask := func(s *zmq.Socket, what string) {
			t.Helper()
			send(t, s, what)
			want(t, s, what)
		}
		first := newSocket(t, c, zmq.REQ, nil)
		connect(t, first, endpoint)
		for i := range 30 {
			ask(first, fmt.Sprint("alone ", i))
			second := newSocket(t, c, zmq.REQ, nil)
			connect(t, second, endpoint)
			ask(second, fmt.Sprint("second ", i))
			ask(first, fmt.Sprint("both ", i))
			if err := second.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := rep.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
	})
}

// A receiver that reads its connection itself is woken by everything that wakes
// one that sleeps.
func TestAReceiverThatReadsItselfIsWoken(t *testing.T) {
	for name, test := range map[string]struct {
		wake func(c *zmq.Context, pull *zmq.Socket, cancel func())
		want error
	}{
		"by close":   {func(_ *zmq.Context, pull *zmq.Socket, _ func()) { _ = pull.Close() }, zmq.ErrClosed},
		"by the end": {func(c *zmq.Context, _ *zmq.Socket, _ func()) { c.Shutdown() }, zmq.ErrTerminated},
		"by ctx":     {func(_ *zmq.Context, _ *zmq.Socket, cancel func()) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			pull, push := join(t, c, endpoints(t)["tcp"], side{zmq.PULL, nil}, side{zmq.PUSH, nil})
			for range 3 { // the second wait is one that reads
				send(t, push, "x")
				want(t, pull, "x")
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := pull.Recv(ctx)
				ended <- err
			}()
			for asleep := false; !asleep; asleep = goroutineWaits("leadOn") || goroutineWaits("(*waiting).sleep") {
				runtime.Gosched()
			}
			test.wake(c, pull, cancel)
			select {
			case err := <-ended:
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			case <-time.After(10 * time.Second):
				t.Error("it sleeps on")
			}
		})
	}
}

// goroutineWaits reports whether some goroutine is in a function and waits.
func goroutineWaits(function string) bool {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(stack, function) && (strings.Contains(stack, "[IO wait") || strings.Contains(stack, "[chan receive") || strings.Contains(stack, "[select")) {
			return true
		}
	}
	return false
}
