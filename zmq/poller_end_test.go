package zmq_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

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
