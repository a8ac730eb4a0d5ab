package zmq_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/zmq"
)

// Number 0 is what a descriptor is that nothing is said of.
func TestPollTellsOfTheStandardInput(t *testing.T) {
	r, w := pipe(t)
	write(t, w, "x")
	before, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(unix.Dup3(before, 0, 0), unix.Close(before)); err != nil {
			t.Fatal(err)
		}
	}()
	if err := unix.Dup3(int(r.Fd()), 0, 0); err != nil {
		t.Fatal(err)
	}
	items := []zmq.PollItem{
		{FD: 0, Events: zmq.PollIn},
		{Socket: newSocket(t, newContext(t), zmq.PULL, nil), Events: zmq.PollIn},
	}
	n, err := zmq.Poll(within(t), items)
	if n != 1 || err != nil || items[0].Ready != zmq.PollIn || items[1].Ready != 0 {
		t.Errorf("%d, %v, ready %v and %v", n, err, items[0].Ready, items[1].Ready)
	}
}

// A descriptor that was closed before it was removed may be reported for as long as
// something else has its file open. That is an error, but not for anything else.
func TestWhatWasClosedTooEarlyHidesNothing(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		p := newPoller()
		r, w := pipe(t)
		other, _ := pipe(t)
		fd, err := unix.Dup(int(r.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.AddFD(fd, zmq.PollIn, nil); err != nil {
			t.Fatal(err)
		}
		addConn(t, p, other, zmq.PollIn)
		if err := unix.Close(fd); err != nil {
			t.Fatal(err)
		}
		if err := p.RemoveFD(fd); err != nil {
			t.Fatal(err)
		}
		write(t, w, "x")
		pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		add(t, p, pull, zmq.PollIn)
		send(t, push, "x")
		ready := make([]zmq.PollEvent, 4)
		for range 3 {
			if n, err := p.Wait(within(t), ready); n != 1 || err != nil || ready[0].Socket != pull {
				t.Fatal(n, err)
			}
		}
	})
}
