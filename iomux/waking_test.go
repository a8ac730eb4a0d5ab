//go:build unix

package iomux_test

import (
	"math"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// waking: what ends a Wait but events.
var waking = []trial{
	{"a wake that comes before ends the next Wait", func(t *testing.T, r *rig) {
		r.wake()
		if events := r.wait(-1); len(events) != 0 {
			t.Errorf("events: %+v", events)
		}
	}},
	{"many wakes are one", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		for range 100_000 {
			r.wake()
		}
		if events := r.wait(-1); len(events) != 0 {
			t.Errorf("events: %+v", events)
		}
		b.write("x")
		wantFlags(t, r.one(), "1 readable")
	}},
	{"a wake from another goroutine ends a Wait", func(t *testing.T, r *rig) {
		for range 100 {
			done := r.waiting()
			r.wake()
			if got := <-done; got.err != nil || len(got.events) != 0 {
				t.Fatalf("Wait: %+v, %v", got.events, got.err)
			}
		}
	}},
	{"a wake beside events does not hide them", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		b.write("x")
		for range 3 {
			r.wake()
			wantFlags(t, r.one(), "1 readable")
		}
	}},
	{"a wake and a change do not hide each other", func(t *testing.T, r *rig) {
		a, b := r.pair()
		b.write("x")
		done := r.waiting()
		r.add(a.fd, 1, iomux.Read)
		r.wake()
		got := <-done
		if got.err != nil {
			t.Fatal(got.err)
		}
		if len(got.events) == 0 { // the wake came first
			got.events = r.wait(-1)
		}
		wantOne(t, got, "1 readable")
	}},
	{"time that is over ends a Wait, not before", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		r.add(a.fd, 1, iomux.Read)
		for _, timeout := range []time.Duration{1, 100 * time.Microsecond, 1500 * time.Microsecond, 20 * time.Millisecond} {
			start := time.Now()
			events := r.wait(timeout)
			if took := time.Since(start); len(events) != 0 || took < timeout {
				t.Errorf("Wait for %v: %+v after %v", timeout, events, took)
			}
		}
	}},
	{"changes do not make the time longer", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		over := make(chan struct{})
		go func() {
			defer close(over)
			r.wait(20 * time.Millisecond)
		}()
		for i := uint64(0); ; i++ {
			select {
			case <-over:
				return
			default:
				r.add(a.fd, i, iomux.Read)
				r.remove(a.fd)
			}
		}
	}},
	{"the longest time is waited for", func(t *testing.T, r *rig) {
		r.wake()
		if events := r.wait(math.MaxInt64); len(events) != 0 {
			t.Errorf("events: %+v", events)
		}
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		b.write("x")
		if events := r.wait(math.MaxInt64); len(events) != 1 {
			t.Errorf("events: %+v", events)
		}
	}},
	{"one goroutine waits at a time", func(t *testing.T, r *rig) {
		done := r.waiting()
		_, err := r.Wait(r.room, 0)
		wantError(t, err, iomux.ErrWaiting)
		r.wake()
		if got := <-done; got.err != nil {
			t.Fatal(got.err)
		}
		r.nothing()
	}},
	{"Close ends a Wait", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		r.add(a.fd, 1, iomux.Read)
		done := r.waiting()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		wantError(t, (<-done).err, iomux.ErrClosed)
	}},
	{"Close is the end of everything but Close", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		r.Close()
		_, err := r.Wait(r.room, -1)
		wantError(t, err, iomux.ErrClosed)
		wantError(t, r.Add(b.fd, 1, iomux.Read), iomux.ErrClosed)
		wantError(t, r.Modify(a.fd, 1, iomux.Read), iomux.ErrClosed)
		wantError(t, r.Remove(a.fd), iomux.ErrClosed)
		wantError(t, r.Wake(), iomux.ErrClosed)
		if _, ok := r.Mux.(iomux.Nester).Nest(); ok {
			t.Error("it can still be nested")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		a.write("still open")
	}},
	{"a Mux leaves no descriptor behind", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		before := a.dup(-1)
		before.close()
		for range 10 {
			m, err := iomux.New(r.name)
			if err != nil {
				t.Fatal(err)
			}
			own := &rig{Mux: m, t: t, name: r.name}
			own.add(a.fd, 1, iomux.Read)
			done := own.waiting()
			own.Close()
			<-done
		}
		if after := a.dup(-1); after.fd != before.fd {
			t.Errorf("the next number is %d, and was %d", after.fd, before.fd)
		}
	}},
	{"Go's own poller waits for a Mux that can be nested", func(t *testing.T, r *rig) {
		fd, ok := r.Mux.(iomux.Nester).Nest()
		if want := r.name == iomux.Epoll || r.name == iomux.Kqueue; ok != want {
			t.Fatalf("it can be nested: %t", ok)
		}
		if !ok {
			return
		}
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		outer := nest(t, fd)
		for i := range 100 {
			switch i % 3 {
			case 0:
				go b.write("x")
			case 1:
				go r.Wake()
			default:
				go r.Modify(a.fd, 1, iomux.Read|iomux.Write)
			}
			n := -1
			err := outer.Read(func(uintptr) bool {
				events := r.wait(0)
				n = len(events)
				return n > 0 || i%3 == 1
			})
			if err != nil {
				t.Fatal(err)
			}
			if i%3 == 2 {
				r.modify(a.fd, 1, iomux.Read)
			}
			a.drain()
		}
	}},
}

// nest gives a duplicate of fd to Go's poller.
func nest(t *testing.T, fd int) interface {
	Read(func(uintptr) bool) error
} {
	t.Helper()
	dup, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(dup, true); err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(dup), "multiplexer")
	t.Cleanup(func() { file.Close() })
	if err := file.SetDeadline(time.Time{}); err != nil {
		t.Fatalf("Go's poller does not take it: %v", err)
	}
	conn, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
