//go:build unix

package iomux_test

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// endings: hang-ups, half-closes, errors, and descriptors that are closed too early.
var endings = []trial{
	{"a hang-up is readable", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		b.close()
		wantFlags(t, r.one(), r.told("1 readable", "hangup"))
		if got := a.read(); got != "end of stream" {
			t.Errorf("read: %s", got)
		}
	}},
	{"a hang-up is writable to a writer", func(t *testing.T, r *rig) {
		a, b := r.pair()
		a.fill()
		r.add(a.fd, 1, iomux.Write)
		r.nothing()
		b.close()
		if e := r.one(); !e.Writable || e.Readable {
			t.Errorf("event: %+v, want writable alone", e)
		}
	}},
	{"what was sent before a hang-up is still read", func(t *testing.T, r *rig) {
		a, b := r.pipe()
		r.add(a.fd, 1, iomux.Read)
		b.write("last words")
		b.close()
		for _, want := range []string{"last words", "end of stream"} {
			if e := r.one(); !e.Readable {
				t.Fatalf("event: %+v, want readable", e)
			}
			if got := a.read(); got != want {
				t.Errorf("read: %q, want %q", got, want)
			}
		}
	}},
	{"half-close is the end of reading alone", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read|iomux.Write)
		if err := unix.Shutdown(b.fd, unix.SHUT_WR); err != nil {
			t.Fatal(err)
		}
		e := r.one()
		if r.name == iomux.Kqueue {
			e.Hangup = false // it may say so
		}
		wantFlags(t, e, "1 readable writable")
		if got := a.read(); got != "end of stream" {
			t.Errorf("read: %s", got)
		}
		a.write("answer")
		if got := b.read(); got != "answer" {
			t.Errorf("the other side reads %s", got)
		}
	}},
	{"what is the last to come is told together with it", func(t *testing.T, r *rig) {
		r.exempt("it does not know", iomux.Poll, iomux.Select)
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		b.write("first words")
		if e := r.one(); e.Last {
			t.Errorf("event: %+v, and more may come", e)
		}
		b.write("last words")
		if err := unix.Shutdown(b.fd, unix.SHUT_WR); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); !e.Last || !e.Readable || r.name == iomux.Epoll && e.Hangup {
			t.Errorf("event: %+v, want readable, and the last", e)
		}
	}},
	{"a pipe that nobody reads has an error", func(t *testing.T, r *rig) {
		r.exempt("it says so by a hang-up", iomux.Kqueue)
		a, b := r.pipe()
		b.fill()
		r.add(b.fd, 1, iomux.Write)
		r.nothing()
		a.close()
		wantFlags(t, r.one(), r.told("1 writable", "error"))
	}},
	{"failures can be waited for alone", func(t *testing.T, r *rig) {
		a, b := r.pair()
		if r.name == iomux.Select || r.name == iomux.Kqueue {
			wantError(t, r.Add(a.fd, 1, iomux.Failure), iomux.ErrRefused)
			r.add(a.fd, 1, iomux.Failure|iomux.Read)
			wantError(t, r.Modify(a.fd, 2, iomux.Failure), iomux.ErrRefused)
			b.write("x")
			wantFlags(t, r.one(), "1 readable")
			return
		}
		r.add(a.fd, 1, iomux.Failure)
		b.write("x")
		r.nothing()
		b.close()
		wantFlags(t, r.one(), "1 hangup")
	}},
	{"who is removed and closed while another waits has hung up", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		done := r.waiting()
		r.remove(a.fd)
		a.close()
		if err := unix.SetNonblock(b.fd, false); err != nil {
			t.Fatal(err)
		}
		if got := b.read(); got != "end of stream" {
			t.Errorf("the other side reads %s", got)
		}
		r.wake()
		if got := <-done; got.err != nil || len(got.events) != 0 {
			t.Errorf("Wait: %+v, %v", got.events, got.err)
		}
	}},
	{"who is closed before it is removed is told once, or never", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		other, busy := r.pair()
		r.add(a.fd, 1, iomux.Read)
		r.add(other.fd, 2, iomux.Read)
		a.close()
		wantError(t, r.Modify(a.fd, 3, iomux.Write), unix.EBADF)
		if r.name == iomux.Poll || r.name == iomux.Select {
			wantFlags(t, r.one(), "1 invalid")
		}
		r.nothing()
		wantError(t, r.Modify(a.fd, 3, iomux.Read), unix.EBADF)
		wantError(t, r.Modify(a.fd, 3, iomux.Write), unix.EBADF)
		wantError(t, r.Modify(a.fd, 3, 0), unix.EBADF)
		wantError(t, r.Add(a.fd, 3, iomux.Read), iomux.ErrExists)
		busy.write("x")
		wantFlags(t, r.one(), "2 readable")
		r.remove(a.fd)
		wantError(t, r.Remove(a.fd), iomux.ErrUnknown)
		wantFlags(t, r.one(), "2 readable")
	}},
	{"who is closed without Remove while another waits does not end the waiting", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		other, busy := r.pair()
		r.add(a.fd, 1, iomux.Read)
		r.add(other.fd, 2, iomux.Read)
		done := r.waiting()
		a.close()
		busy.write("x")
		got := <-done
		for got.err == nil && !slices.ContainsFunc(got.events, func(e iomux.Event) bool { return e.Token == 2 }) {
			got.events = r.wait(-1) // the closed one was told first
		}
		if got.err != nil {
			t.Fatal(got.err)
		}
		busy.write("x")
		for range 3 {
			r.wait(-1)
		}
		wantFlags(t, r.one(), "2 readable")
	}},
}

// told is what an event says: select does not know of the last.
func (r *rig) told(flags, failure string) string {
	if r.name == iomux.Select {
		return flags
	}
	return flags + " " + failure
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error: %v, want: %v", err, want)
	}
}
