package zmq_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"zeromux/zmq"
)

// What ends the waits of a poller, and what becomes of them then.

func TestAPollerWhoseSocketIsClosedNamesIt(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		pull, push := join(t, newContext(t), endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		p := newPoller(t)
		add(t, p, push, zmq.PollOut)
		if err := p.Add(pull, zmq.PollIn, "mine"); err != nil {
			t.Fatal(err)
		}
		modify(t, p, push, zmq.PollIn) // which never comes
		events := make([]zmq.PollEvent, 3)
		failed := make(chan error)
		for range 2 {
			go func() {
				_, err := p.Wait(within(t), make([]zmq.PollEvent, 3))
				failed <- err
			}()
		}
		pull.Close()
		for range 2 {
			if err := <-failed; !is(err, zmq.ErrClosed) || zmq.Errno(err) != syscall.ENOTSOCK {
				t.Error(err)
			}
		}
		_, err := p.TryWait(events)
		var e *zmq.PollError
		if !errors.As(err, &e) || e.Socket != pull || e.User != "mine" {
			t.Fatalf("%#v", err)
		}
		modify(t, p, pull, 0)
		quiet(t, p)
		remove(t, p, pull)
	})
}

func TestShutdownEndsAWait(t *testing.T) {
	for name, events := range map[string]zmq.PollEvents{"in": zmq.PollIn, "out": zmq.PollOut, "err": zmq.PollErr} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			p := newPoller(t)
			add(t, p, newSocket(t, c, zmq.DEALER, nil), events)
			failed := make(chan error)
			go func() {
				_, err := p.Wait(context.Background(), make([]zmq.PollEvent, 3))
				failed <- err
			}()
			c.Shutdown()
			if err := <-failed; !is(err, zmq.ErrTerminated) || zmq.Errno(err) != eterm {
				t.Error(err)
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	p := newPoller(t)
	events := make([]zmq.PollEvent, 1)
	for name, count := range map[string]int{"one waits": 1, "three wait": 3} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			failed := make(chan error)
			for range count {
				go func() {
					_, err := p.Wait(ctx, make([]zmq.PollEvent, 1))
					failed <- err
				}()
			}
			cancel()
			for range count {
				if err := <-failed; !is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	bubble(t, func(t *testing.T, c *zmq.Context) {
		p := newPoller(t)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if n, err := p.Wait(ctx, events); n != 0 || !is(err, context.DeadlineExceeded) || zmq.Errno(err) != syscall.EAGAIN {
			t.Error(n, err)
		}
		took(t, began, time.Hour, time.Hour)
		var timeout net.Error
		if _, err := p.Wait(ctx, events); !errors.As(err, &timeout) && !is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestCloseEndsEveryWait(t *testing.T) {
	p := zmq.NewPoller()
	add(t, p, newSocket(t, newContext(t), zmq.PULL, nil), zmq.PollIn)
	failed := make(chan error)
	for range 3 {
		go func() {
			_, err := p.Wait(context.Background(), make([]zmq.PollEvent, 1))
			failed <- err
		}()
	}
	closePoller(t, p)
	closePoller(t, p)
	for range 3 {
		if err := <-failed; !is(err, zmq.ErrPollerClosed) {
			t.Error(err)
		}
	}
}

// A wait that queues behind another ends with its own context, and the other goes on.
func TestAWaitThatQueuesEndsWithItsOwnContext(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		pull, push := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		p := zmq.NewPoller()
		defer closePoller(t, p)
		add(t, p, pull, zmq.PollIn)
		wait := func(ctx context.Context) (ended chan error) {
			ended = make(chan error, 1)
			go func() {
				_, err := p.Wait(ctx, make([]zmq.PollEvent, 1))
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stays, queues := wait(context.Background()), wait(ctx)
		cancel()
		synctest.Wait()
		if len(stays) != 0 || len(queues) != 1 {
			t.Errorf("ended: %d that was not cancelled, %d that was", len(stays), len(queues))
		}
		send(t, push, "x")
		if err := <-stays; err != nil {
			t.Error(err)
		}
		if err := <-queues; !is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A program may survive its own panic; its poller must be as it was.
func TestANilContextHoldsNoPollerUp(t *testing.T) {
	pull, push := join(t, newContext(t), "inproc://nil", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	p := newPoller(t)
	add(t, p, pull, zmq.PollIn)
	ready := make([]zmq.PollEvent, 1)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it waited without a context")
			}
		}()
		_, _ = p.Wait(nil, ready) //nolint:staticcheck // that is the mistake
	}()
	send(t, push, "x")
	if n, err := p.TryWait(ready); n != 1 || err != nil {
		t.Error(n, err)
	}
}

func TestTheZeroPollerIsAClosedOne(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	var p zmq.Poller
	ready := make([]zmq.PollEvent, 1)
	_, wait := p.Wait(within(t), ready)
	_, try := p.TryWait(ready)
	for name, err := range map[string]error{
		"Wait": wait, "TryWait": try, "Add": p.Add(s, zmq.PollIn, nil), "AddFD": p.AddFD(0, zmq.PollIn, nil),
		"Modify": p.Modify(s, zmq.PollIn), "Remove": p.Remove(s), "ModifyFD": p.ModifyFD(0, zmq.PollIn), "RemoveFD": p.RemoveFD(0),
	} {
		if !is(err, zmq.ErrPollerClosed) {
			t.Errorf("%s: %v, want ErrPollerClosed", name, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// What is removed while there was no room to report it is let go of, though
// something else keeps taking up the room.
func TestAPollerLetsGoOfWhatItHadNoRoomFor(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://busy", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	send(t, push, "never received")
	p := newPoller(t)
	add(t, p, pull, zmq.PollIn)
	ready := make([]zmq.PollEvent, 1)
	wait := func() {
		if n, err := p.Wait(within(t), ready); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	removed := func() weak.Pointer[zmq.Socket] {
		s := newSocket(t, c, zmq.PULL, nil)
		add(t, p, s, zmq.PollIn)
		wait()
		if err := errors.Join(p.Remove(s), s.Close()); err != nil {
			t.Fatal(err)
		}
		return weak.Make(s)
	}()
	wait()
	eventually(t, "the socket is let go of", func() bool {
		runtime.GC()
		return removed.Value() == nil
	})
	runtime.KeepAlive(p)
}
