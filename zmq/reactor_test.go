package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"zeromux/zmq"
)

func newReactor(t testing.TB) *zmq.Reactor {
	r := zmq.NewReactor()
	t.Cleanup(func() { closeReactor(t, r) })
	return r
}

func closeReactor(t testing.TB, r *zmq.Reactor) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func onMessage(t testing.TB, r *zmq.Reactor, s *zmq.Socket, f func(zmq.PollEvent) error) {
	t.Helper()
	if err := r.Handle(s, zmq.PollIn, f); err != nil {
		t.Fatal(err)
	}
}

// id of a timer that was made.
func id(t testing.TB) func(zmq.TimerID, error) zmq.TimerID {
	return func(id zmq.TimerID, err error) zmq.TimerID {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
}

func stop(zmq.TimerID) error { return zmq.ErrStop }

// echoing answers each message of a REP socket.
func echoing(e zmq.PollEvent) error {
	m, err := e.Socket.TryRecv()
	if err != nil {
		return err
	}
	return e.Socket.TrySend(m)
}

func TestAReactorCallsHandlersAndTimersInItsOwnGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		rep, req := join(t, c, "inproc://a", side{zmq.REP, nil}, side{zmq.REQ, nil})
		r := zmq.NewReactor()
		defer closeReactor(t, r)
		onMessage(t, r, rep, echoing)
		var story []string
		began := time.Now()
		tell := func(what string) func(zmq.TimerID) error {
			return func(zmq.TimerID) error {
				story = append(story, fmt.Sprint(what, " at ", time.Since(began)))
				return nil
			}
		}
		id(t)(r.Every(2*time.Second, tell("every")))
		id(t)(r.Times(time.Second, 2, tell("twice")))
		id(t)(r.After(3*time.Second, func(zmq.TimerID) error {
			go func() {
				send(t, req, "question")
				want(t, req, "question")
				id(t)(r.After(0, tell("answered")))
			}()
			return nil
		}))
		id(t)(r.After(5*time.Second, stop))
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(story), "[twice at 1s every at 2s twice at 2s answered at 3s every at 4s]"; got != want {
			t.Errorf("%v\nwant %v", got, want)
		}
		took(t, began, 5*time.Second, 5*time.Second)
	})
}

func TestWhatEndsAReactor(t *testing.T) {
	wrong := errors.New("wrong")
	never := func(*testing.T) context.Context { return context.Background() }
	for name, row := range map[string]struct {
		ctx     func(*testing.T) context.Context
		prepare func(t *testing.T, r *zmq.Reactor, pull *zmq.Socket)
		want    error
	}{
		"nothing to do": {never, func(*testing.T, *zmq.Reactor, *zmq.Socket) {}, zmq.ErrEmptyPoller},
		"its context": {func(t *testing.T) context.Context {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		}, func(*testing.T, *zmq.Reactor, *zmq.Socket) {}, context.DeadlineExceeded},
		"a handler's error": {never, func(t *testing.T, r *zmq.Reactor, pull *zmq.Socket) {
			onMessage(t, r, pull, func(zmq.PollEvent) error { return wrong })
		}, wrong},
		"a handler that stops": {never, func(t *testing.T, r *zmq.Reactor, pull *zmq.Socket) {
			onMessage(t, r, pull, func(zmq.PollEvent) error { return fmt.Errorf("enough: %w", zmq.ErrStop) })
		}, nil},
		"a timer's error": {never, func(t *testing.T, r *zmq.Reactor, _ *zmq.Socket) {
			id(t)(r.After(0, func(zmq.TimerID) error { return wrong }))
		}, wrong},
		"the last timer": {never, func(t *testing.T, r *zmq.Reactor, _ *zmq.Socket) {
			id(t)(r.After(0, func(zmq.TimerID) error { return nil }))
		}, zmq.ErrEmptyPoller},
		"a closed socket": {never, func(t *testing.T, r *zmq.Reactor, pull *zmq.Socket) {
			onMessage(t, r, pull, func(e zmq.PollEvent) error { return e.Socket.Close() })
		}, zmq.ErrClosed},
		"the end of zmq": {never, func(t *testing.T, r *zmq.Reactor, pull *zmq.Socket) {
			onMessage(t, r, pull, func(e zmq.PollEvent) error { e.Socket.Context().Shutdown(); return nil })
		}, zmq.ErrTerminated},
		"closing": {never, func(t *testing.T, r *zmq.Reactor, pull *zmq.Socket) {
			onMessage(t, r, pull, func(zmq.PollEvent) error { closeReactor(t, r); return nil })
		}, zmq.ErrPollerClosed},
		"a second Run": {never, func(t *testing.T, r *zmq.Reactor, _ *zmq.Socket) {
			id(t)(r.After(0, func(zmq.TimerID) error { return r.Run(context.Background()) }))
		}, zmq.ErrState},
	} {
		t.Run(name, func(t *testing.T) {
			pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
			r := newReactor(t)
			row.prepare(t, r, pull)
			send(t, push, "x")
			if err := r.Run(row.ctx(t)); !is(err, row.want) || row.want == nil && err != nil {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

func TestWhatAReactorRefuses(t *testing.T) {
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, nil)
	nop := func(zmq.PollEvent) error { return nil }
	for name, do := range map[string]func(r *zmq.Reactor) error{
		"no handler":                   func(r *zmq.Reactor) error { return r.Handle(pull, zmq.PollIn, nil) },
		"no handler of a descriptor":   func(r *zmq.Reactor) error { return r.HandleFD(0, zmq.PollIn, nil) },
		"no handler of a connection":   func(r *zmq.Reactor) error { _, err := r.HandleConn(nil, zmq.PollIn, nil); return err },
		"a second handler":             func(r *zmq.Reactor) error { r.Handle(pull, 0, nop); return r.Handle(pull, 0, nop) },
		"other events":                 func(r *zmq.Reactor) error { return r.Handle(pull, 16, nop) },
		"a change of who is not there": func(r *zmq.Reactor) error { return r.Modify(pull, zmq.PollIn) },
		"the end of who is not there":  func(r *zmq.Reactor) error { return r.Remove(pull) },
		"a change of no descriptor":    func(r *zmq.Reactor) error { return r.ModifyFD(0, zmq.PollIn) },
		"the end of no descriptor":     func(r *zmq.Reactor) error { return r.RemoveFD(0) },
		"no function of a timer":       func(r *zmq.Reactor) error { _, err := r.After(0, nil); return err },
		"a timer of the past":          func(r *zmq.Reactor) error { _, err := r.Every(-1, stop); return err },
		"a timer of no times":          func(r *zmq.Reactor) error { _, err := r.Times(1, 0, stop); return err },
		"no timer to cancel":           func(r *zmq.Reactor) error { return r.Cancel(1) },
		"no timer to reset":            func(r *zmq.Reactor) error { return r.ResetTimer(1) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := do(newReactor(t)); !is(err, zmq.ErrInvalid) {
				t.Error(err)
			}
		})
	}
}

func TestAHandlerMayTakeOffOthersAndItself(t *testing.T) {
	c := newContext(t)
	r := newReactor(t)
	first, toFirst := join(t, c, "inproc://1", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	second, toSecond := join(t, c, "inproc://2", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	third, toThird := join(t, c, "inproc://3", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	for _, s := range []*zmq.Socket{toFirst, toSecond, toThird} {
		send(t, s, "x") // they are ready together
	}
	firsts := 0
	onMessage(t, r, first, func(e zmq.PollEvent) error {
		if firsts++; firsts > 1 {
			return errors.New("called after it was taken off")
		}
		if e.Socket != first || e.Events != zmq.PollIn || e.User != nil || e.FD != -1 {
			t.Errorf("%+v", e)
		}
		return errors.Join(r.Remove(first), r.Remove(second), r.Modify(third, 0))
	})
	wrong := func(zmq.PollEvent) error { return errors.New("called though it was taken off") }
	onMessage(t, r, second, wrong)
	onMessage(t, r, third, wrong)
	steps := 0
	id(t)(r.Every(0, func(zmq.TimerID) error {
		switch steps++; steps {
		case 10: // another handler for the same socket
			onMessage(t, r, second, func(e zmq.PollEvent) error {
				want(t, second, "x")
				return zmq.ErrStop
			})
		case 1_000_000:
			return errors.New("nothing happens")
		}
		return nil
	}))
	if err := r.Run(within(t)); err != nil {
		t.Fatal(err)
	}
}

func TestATimerMayBeCancelledAndResetWhileAReactorRuns(t *testing.T) {
	bubble(t, func(t *testing.T, _ *zmq.Context) {
		r := zmq.NewReactor()
		defer closeReactor(t, r)
		began := time.Now()
		never := id(t)(r.After(2*time.Second, func(zmq.TimerID) error { return errors.New("it was cancelled") }))
		last := id(t)(r.After(3*time.Second, stop))
		id(t)(r.After(time.Second, func(zmq.TimerID) error {
			go func() {
				<-time.After(500 * time.Millisecond)
				if err := errors.Join(r.Cancel(never), r.ResetTimer(last)); err != nil {
					t.Error(err)
				}
			}()
			return nil
		}))
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		took(t, began, 4500*time.Millisecond, 4500*time.Millisecond)
	})
}

// Handlers whose sockets are ready at every look neither keep others from being called nor
// hide that a socket is closed, however many they are.
func TestHandlersThatAreAlwaysReadyHoldUpNobody(t *testing.T) {
	const many = 150
	c := newContext(t)
	r := newReactor(t)
	pull := newSocket(t, c, zmq.PULL, nil)
	bind(t, pull, "inproc://a")
	called := make(map[*zmq.Socket]bool)
	call := func(e zmq.PollEvent) error {
		called[e.Socket] = true
		if len(called) == many {
			return e.Socket.Close()
		}
		return nil
	}
	id(t)(r.After(0, func(zmq.TimerID) error { // when Run has begun
		for range many {
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, "inproc://a")
			peers(t, push, 1)
			if err := r.Handle(push, zmq.PollOut, call); err != nil {
				return err
			}
		}
		return nil
	}))
	looks := 0
	id(t)(r.Every(0, func(zmq.TimerID) error {
		if looks++; looks == 100 {
			return fmt.Errorf("%d of %d handlers are called in %d looks", len(called), many, looks)
		}
		return nil
	}))
	if err := r.Run(within(t)); !is(err, zmq.ErrClosed) {
		t.Errorf("%v, want %v", err, zmq.ErrClosed)
	}
}

func TestAReactorLetsGoOfWhatIsTakenOff(t *testing.T) {
	c := newContext(t)
	r := newReactor(t)
	gone := func() weak.Pointer[zmq.Socket] {
		pull, push := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		send(t, push, "x")
		onMessage(t, r, pull, func(e zmq.PollEvent) error { return errors.Join(r.Remove(e.Socket), e.Socket.Close()) })
		return weak.Make(pull)
	}()
	id(t)(r.Every(0, func(zmq.TimerID) error {
		if runtime.GC(); gone.Value() != nil {
			return nil
		}
		return zmq.ErrStop
	}))
	if err := r.Run(within(t)); err != nil {
		t.Errorf("the socket is held: %v", err)
	}
}

func TestAReactorGoesOnWithWhatWasNotHandled(t *testing.T) {
	r := newReactor(t)
	pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	onMessage(t, r, pull, func(zmq.PollEvent) error {
		want(t, pull, "x")
		return zmq.ErrStop
	})
	for range 3 {
		send(t, push, "x")
	}
	for range 3 {
		if err := r.Run(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	nothing(t, pull)
}

func TestHandlersMayComeFromElsewhereWhileAReactorRuns(t *testing.T) {
	c := newContext(t)
	r := newReactor(t)
	ended := make(chan error)
	go func() { ended <- r.Run(within(t)) }()
	for i := range 50 {
		rep, req := join(t, c, fmt.Sprint("inproc://", i), side{zmq.REP, nil}, side{zmq.REQ, nil})
		onMessage(t, r, rep, echoing)
		send(t, req, "x")
		want(t, req, "x")
		if err := r.Remove(rep); err != nil {
			t.Fatal(err)
		}
	}
	id(t)(r.After(0, stop))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestNobodyIsCalledWhenAReactorHasBeenClosed(t *testing.T) {
	c := newContext(t)
	for name, row := range map[string]func(t *testing.T, r *zmq.Reactor, f func() error){
		"by a handler": func(t *testing.T, r *zmq.Reactor, f func() error) {
			if err := r.Handle(newSocket(t, c, zmq.PUB, nil), zmq.PollOut, func(zmq.PollEvent) error { return f() }); err != nil {
				t.Fatal(err)
			}
		},
		"by a timer": func(t *testing.T, r *zmq.Reactor, f func() error) {
			id(t)(r.Every(0, func(zmq.TimerID) error { return f() }))
		},
		"by one that is timed": func(t *testing.T, r *zmq.Reactor, f func() error) {
			id(t)(r.After(0, func(zmq.TimerID) error { return f() }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReactor(t)
			calls := 0
			for range 5 { // all of them ready at once
				row(t, r, func() error { calls++; return r.Close() })
			}
			for range 2 {
				if err := r.Run(within(t)); !is(err, zmq.ErrPollerClosed) {
					t.Errorf("%v, want ErrPollerClosed", err)
				}
			}
			if calls != 1 {
				t.Errorf("%d calls, want 1", calls)
			}
		})
	}
}

func TestTheErrorOfAReactorNamesTheSocketAndNoMore(t *testing.T) {
	r := newReactor(t)
	s := newSocket(t, newContext(t), zmq.PUB, nil)
	if err := r.Handle(s, zmq.PollOut, func(zmq.PollEvent) error { return s.Close() }); err != nil {
		t.Fatal(err)
	}
	err := r.Run(within(t))
	var e *zmq.PollError
	if !is(err, zmq.ErrClosed) || !errors.As(err, &e) || e.Socket != s || e.User != nil {
		t.Errorf("%#v, want ErrClosed of the socket, without User", err)
	}
}

func TestAClosedReactorTakesNoTimers(t *testing.T) {
	r := zmq.NewReactor()
	f := func(zmq.TimerID) error { return nil }
	id, err := r.Every(time.Hour, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	_, after := r.After(0, f)
	_, every := r.Every(0, f)
	for name, err := range map[string]error{"After": after, "Every": every, "Cancel": r.Cancel(id), "ResetTimer": r.ResetTimer(id)} {
		if !is(err, zmq.ErrPollerClosed) {
			t.Errorf("%s: %v, want ErrPollerClosed", name, err)
		}
	}
}
