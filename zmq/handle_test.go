package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// handled is a Handle under way.
type handled struct {
	stop  context.CancelFunc
	ended chan error
}

func handle(t *testing.T, s *zmq.Socket, workers int, fn func(context.Context, zmq.Message) zmq.Message) *handled {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	h := &handled{stop, make(chan error, 1)}
	go func() {
		h.ended <- s.Handle(ctx, workers, fn)
		close(h.ended)
	}()
	t.Cleanup(func() {
		stop()
		for range h.ended { // what it said, if nobody has asked
		}
	})
	return h
}

// shout replies in capitals.
func shout(_ context.Context, m zmq.Message) zmq.Message {
	return zmq.NewStringMessage(strings.ToUpper(m.String()))
}

// servers are the types that handle requests.
func servers(t *testing.T, f func(t *testing.T, typ zmq.SocketType)) {
	for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
		t.Run(typ.String(), func(t *testing.T) { f(t, typ) })
	}
}

// As many requests are worked on at once as there are workers, and each reply goes
// to who asked, in whatever order they come.
func TestWorkersHandleRequestsAtOnce(t *testing.T) {
	const workers = 5
	servers(t, func(t *testing.T, typ zmq.SocketType) {
		over(t, endpoints, func(t *testing.T, endpoint string) {
			c := newContext(t)
			s := newSocket(t, c, typ, nil)
			bound := bind(t, s, endpoint)
			var together sync.WaitGroup
			together.Add(workers)
			handle(t, s, workers, func(_ context.Context, m zmq.Message) zmq.Message {
				together.Done()
				together.Wait() // nobody replies before all have begun
				return m
			})
			var all sync.WaitGroup
			for i := range workers {
				req := newSocket(t, c, zmq.REQ, nil)
				connect(t, req, bound)
				send(t, req, fmt.Sprint(i), "", "x")
				all.Go(func() {
					m, err := req.Recv(within(t))
					if err != nil || m.String() != fmt.Sprintf("%d  x", i) {
						t.Errorf("%d got %q, %v", i, m, err)
					}
				})
			}
			all.Wait()
		})
	})
}

// A ROUTER serves those who send no delimiter as well as those who send one.
func TestTheEnvelopesOfARouter(t *testing.T) {
	c := newContext(t)
	s, dealer := join(t, c, "inproc://x", side{zmq.ROUTER, nil}, side{zmq.DEALER, nil})
	var seen [][]string
	handle(t, s, 1, func(_ context.Context, m zmq.Message) zmq.Message {
		var frames []string
		for _, f := range m.Frames {
			frames = append(frames, string(f))
		}
		seen = append(seen, frames)
		return zmq.NewStringMessage("reply")
	})
	for i, row := range []struct{ request, body, reply []string }{
		{[]string{"a"}, []string{"a"}, []string{"reply"}},
		{[]string{""}, []string{""}, []string{"reply"}},
		{[]string{"a", "b"}, []string{"a", "b"}, []string{"reply"}},
		{[]string{"a", ""}, []string{"a", ""}, []string{"reply"}},
		{[]string{"", "a"}, []string{"a"}, []string{"", "reply"}},
		{[]string{"", ""}, []string{""}, []string{"", "reply"}},
		{[]string{"1", "2", "", "a", "", "b"}, []string{"a", "", "b"}, []string{"1", "2", "", "reply"}},
	} {
		send(t, dealer, row.request...)
		want(t, dealer, row.reply...)
		if got, want := fmt.Sprintf("%q", seen[i]), fmt.Sprintf("%q", row.body); got != want {
			t.Errorf("%q is handled as %s, want %s", row.request, got, want)
		}
	}
}

// A handler that has begun when the context ends finishes in peace, and its reply
// goes out. What waits stays.
func TestHandlersFinishWhenTheContextEnds(t *testing.T) {
	type key struct{}
	servers(t, func(t *testing.T, typ zmq.SocketType) {
		bubble(t, func(t *testing.T, c *zmq.Context) {
			s := newSocket(t, c, typ, nil)
			bound := bind(t, s, "inproc://x")
			begun, finish, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			ctx, stop := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
			defer stop()
			go func() {
				ended <- s.Handle(ctx, 1, func(ctx context.Context, m zmq.Message) zmq.Message {
					close(begun)
					<-finish
					if err := ctx.Err(); err != nil || ctx.Value(key{}) != "value" {
						t.Errorf("the handler's context: %v, %v", err, ctx.Value(key{}))
					}
					return m
				})
			}()
			first, second := newSocket(t, c, zmq.REQ, nil), newSocket(t, c, zmq.REQ, nil)
			connect(t, first, bound)
			send(t, first, "first")
			<-begun
			connect(t, second, bound)
			send(t, second, "second")
			synctest.Wait() // the second has arrived
			stop()
			synctest.Wait() // whatever the end of the context brings about has come
			if len(ended) > 0 {
				t.Error("it ends before the handler")
			}
			close(finish)
			if err := <-ended; !is(err, context.Canceled) {
				t.Error(err)
			}
			want(t, first, "first")
			handle(t, s, 1, shout)
			want(t, second, "SECOND")
		})
	})
}

func TestAHandlerThatPanics(t *testing.T) {
	servers(t, func(t *testing.T, typ zmq.SocketType) {
		for name, row := range map[string]struct {
			panics func()
			text   string
			wraps  error
		}{
			"with a text":    {func() { panic("oh no") }, "the handler has panicked: oh no", nil},
			"with an error":  {func() { panic(zmq.ErrState) }, "the handler has panicked: " + zmq.ErrState.Error(), zmq.ErrState},
			"by leaving":     {runtime.Goexit, "the handler has ended its goroutine", nil},
			"with a mistake": {func() { _ = []int{}[len(t.Name())] }, "out of range", nil},
		} {
			t.Run(name, func(t *testing.T) {
				c := newContext(t)
				s, req := join(t, c, "inproc://x", side{typ, nil}, side{zmq.REQ, &zmq.Config{Req: zmq.Req{Relaxed: true, Correlate: true}}})
				h := handle(t, s, 3, func(context.Context, zmq.Message) zmq.Message {
					row.panics()
					return zmq.NewStringMessage("never")
				})
				send(t, req, "question")
				err := <-h.ended
				var panicked *zmq.PanicError
				if !errors.As(err, &panicked) || !strings.Contains(err.Error(), row.text) {
					t.Fatalf("it ends with %v", err)
				}
				if row.wraps != nil && !is(err, row.wraps) {
					t.Errorf("%v is not %v", err, row.wraps)
				}
				if panicked.Value != nil && !strings.Contains(string(panicked.Stack), "handle_test.go") {
					t.Errorf("the stack is\n%s", panicked.Stack)
				}
				handle(t, s, 3, shout)
				send(t, req, "again")
				want(t, req, "AGAIN")
			})
		}
	})
}

func TestHandleEndsWithItsSocket(t *testing.T) {
	servers(t, func(t *testing.T, typ zmq.SocketType) {
		c := newContext(t)
		s := newSocket(t, c, typ, nil)
		h := handle(t, s, 3, shout)
		s.Close()
		if err := <-h.ended; !is(err, zmq.ErrClosed) {
			t.Error(err)
		}
		h = handle(t, newSocket(t, c, typ, nil), 3, shout)
		c.Shutdown()
		if err := <-h.ended; !is(err, zmq.ErrTerminated) {
			t.Error(err)
		}
	})
}

// A client that has gone, one that does not read and one that gets no reply hold up
// nobody.
func TestRepliesThatFindNoWay(t *testing.T) {
	servers(t, func(t *testing.T, typ zmq.SocketType) {
		c := newContext(t)
		s := newSocket(t, c, typ, nil)
		bound := bind(t, s, "tcp://127.0.0.1:*")
		begun, finish := make(chan struct{}), make(chan struct{})
		h := handle(t, s, 2, func(_ context.Context, m zmq.Message) zmq.Message {
			switch m.String() {
			case "wait":
				close(begun)
				<-finish
			case "no reply":
				return zmq.Message{}
			}
			return m
		})
		gone, req := newSocket(t, c, zmq.REQ, nil), newSocket(t, c, zmq.REQ, &zmq.Config{Req: zmq.Req{Relaxed: true, Correlate: true}})
		connect(t, gone, bound)
		send(t, gone, "wait")
		<-begun
		gone.Close()
		eventually(t, "it has gone", func() bool { return s.Stats().Peers == 0 })
		close(finish)
		connect(t, req, bound)
		send(t, req, "no reply")
		send(t, req, "question")
		want(t, req, "question")
		h.stop()
		<-h.ended // and with it the worker that has waited
		if n := s.Stats().DroppedUnroutable; n != 1 {
			t.Errorf("%d replies count as unroutable", n)
		}
	})
}

// Replies of a ROUTER that minds count as dropped like those of one that does not.
func TestRepliesOfAMandatoryRouterThatFindNoWay(t *testing.T) {
	mandatory := &zmq.Config{Router: zmq.Router{Mandatory: true}, HighWater: zmq.HighWater{Send: 1}}
	t.Run("the client has gone", func(t *testing.T) {
		s, dealer := join(t, newContext(t), "inproc://x", side{zmq.ROUTER, mandatory}, side{zmq.DEALER, nil})
		begun, finish := make(chan struct{}), make(chan struct{})
		handle(t, s, 1, func(_ context.Context, m zmq.Message) zmq.Message {
			close(begun)
			<-finish
			return m
		})
		send(t, dealer, "question")
		<-begun
		dealer.Close()
		eventually(t, "it has gone", func() bool { return s.Stats().Peers == 0 })
		close(finish)
		eventually(t, "the reply counts", func() bool { return s.Stats().DroppedUnroutable == 1 })
	})
	t.Run("the client does not read", func(t *testing.T) {
		s, dealer := join(t, newContext(t), "inproc://x", side{zmq.ROUTER, mandatory},
			side{zmq.DEALER, &zmq.Config{HighWater: zmq.HighWater{Recv: 1}}})
		asked := make(chan struct{}, 3)
		h := handle(t, s, 1, func(_ context.Context, m zmq.Message) zmq.Message {
			asked <- struct{}{}
			return m
		})
		for range cap(asked) {
			send(t, dealer, "question")
		}
		for range cap(asked) {
			<-asked
		}
		if n := s.Stats().DroppedFull; n != 0 {
			t.Errorf("%d replies are dropped while there is time", n)
		}
		h.stop()
		<-h.ended
		if n := s.Stats().DroppedFull; n != 1 {
			t.Errorf("%d replies count as dropped", n)
		}
	})
}

// With a SendTimeout who asks and does not read holds nobody up.
func TestAReplyWaitsNoLongerThanTheSendTimeout(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.ROUTER, &zmq.Config{
		Router: zmq.Router{Mandatory: true}, HighWater: zmq.HighWater{Send: 1}, SendTimeout: 10 * time.Millisecond,
	})
	bind(t, s, "inproc://x")
	deaf := newSocket(t, c, zmq.DEALER, &zmq.Config{HighWater: zmq.HighWater{Recv: 1}})
	connect(t, deaf, "inproc://x")
	handle(t, s, 1, func(_ context.Context, m zmq.Message) zmq.Message { return m })
	for range 5 {
		send(t, deaf, "question")
	}
	req := newSocket(t, c, zmq.REQ, nil)
	connect(t, req, "inproc://x")
	send(t, req, "question")
	want(t, req, "question")
	eventually(t, "what found no room counts", func() bool { return s.Stats().DroppedFull == 3 })
}

func TestWhatHandlesNothing(t *testing.T) {
	c := newContext(t)
	if err := newSocket(t, c, zmq.REP, nil).Handle(within(t), 0, shout); !is(err, zmq.ErrInvalid) {
		t.Errorf("no workers: %v", err)
	}
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		if typ == zmq.REP || typ == zmq.ROUTER {
			continue
		}
		if err := newSocket(t, c, typ, nil).Handle(within(t), 1, shout); !is(err, zmq.ErrUnsupported) {
			t.Errorf("%v: %v", typ, err)
		}
	}
}
