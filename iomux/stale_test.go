//go:build unix

package iomux

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What the system answered may be old by the time it is handed out. Here the change falls
// between the two, which otherwise takes luck.
func TestAnAnswerThatIsOldByNowIsNotHandedOut(t *testing.T) {
	for _, name := range Available() {
		if name == Kqueue {
			continue // it asks again when an answer may be old, so what it tells is of now
		}
		for _, c := range []struct {
			name   string
			change func(m Mux, fd int) error
			want   uint64 // the token that is handed out, if any
		}{
			{"it stays", func(Mux, int) error { return nil }, 1},
			{"its token changes", func(m Mux, fd int) error { return m.Modify(fd, 2, Read) }, 2},
			{"its interest changes", func(m Mux, fd int) error { return m.Modify(fd, 2, Priority) }, 0},
			{"its interest ends", func(m Mux, fd int) error { return m.Modify(fd, 2, 0) }, 0},
			{"its interest ends and begins", func(m Mux, fd int) error {
				return either(m.Modify(fd, 2, 0), m.Modify(fd, 3, Read))
			}, 0},
			{"it is removed", func(m Mux, fd int) error { return m.Remove(fd) }, 0},
			{"it is removed and added", func(m Mux, fd int) error {
				return either(m.Remove(fd), m.Add(fd, 2, Read))
			}, 0},
			{"it is removed, and its number added for another", func(m Mux, fd int) error {
				return either(m.Remove(fd), unix.Dup2(silent(t), fd), m.Add(fd, 2, Read))
			}, 0},
		} {
			t.Run(string(name)+", "+c.name, func(t *testing.T) {
				for _, hungUp := range []bool{false, true} { // a hang-up is told whatever the interest
					m := made(t, name)
					a, b := joined(t)
					if err := m.Add(a, 1, Read); err != nil {
						t.Fatal(err)
					}
					if hungUp {
						unix.Close(b)
					} else {
						defer unix.Close(b)
						unix.Write(b, []byte("x"))
					}
					events := changedWithin(t, m, 4, func() error { return c.change(m, a) })
					if len(events) == 1 && events[0].Hangup && !events[0].Readable && c.name == "its interest changes" {
						continue // the hang-up holds for this interest, too
					}
					if c.want == 0 && len(events) != 0 {
						t.Errorf("events: %+v, want none", events)
					}
					if c.want != 0 && (len(events) != 1 || !events[0].Readable || events[0].Token != c.want) {
						t.Errorf("events: %+v, want token %d", events, c.want)
					}
				}
			})
		}
	}
}

// changedWithin is a Wait with a change between the answer of the system and its handing
// out.
func changedWithin(t *testing.T, m *mux, room int, change func() error) []Event {
	t.Helper()
	m.mu.Lock()
	m.back.prepare(room)
	m.mu.Unlock()
	if err := either(m.back.ask(0), change()); err != nil {
		t.Fatal(err)
	}
	ready := make([]Event, room)
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.back.collect(ready)
	if err != nil {
		t.Fatal(err)
	}
	return ready[:n]
}

// The room that a removed one leaves is for those that are not told yet.
func TestWhatIsRemovedMeanwhileLeavesItsRoomToOthers(t *testing.T) {
	const many = 6
	for _, name := range Available() {
		t.Run(string(name), func(t *testing.T) {
			m := made(t, name)
			var fds []int
			for i := range many {
				a, b := joined(t)
				unix.Close(b)
				fds = append(fds, a)
				if err := m.Add(a, uint64(i), Read); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Wake(); err != nil {
				t.Fatal(err)
			}
			told := 0
			for _, e := range changedWithin(t, m, many, func() error { return either(m.Remove(fds[1]), m.Remove(fds[2]), m.Remove(fds[3])) }) {
				told += 1 << (4 * e.Token)
			}
			if told != 0x110001 {
				t.Errorf("told %06x times, want each once and three of them never", told)
			}
		})
	}
}

// A bell that nobody silences would end each wait of the system at once, and nobody would
// notice but the processor.
func TestWaitSleepsAgainAfterItWasRung(t *testing.T) {
	for _, name := range Available() {
		t.Run(string(name), func(t *testing.T) {
			m := made(t, name)
			asks := &counted{backend: m.back}
			m.back = asks
			a, b := joined(t)
			defer unix.Close(b)
			ready := make([]Event, 4)
			sleeps := func() {
				t.Helper()
				before := asks.n.Load()
				if n, err := m.Wait(ready, 20*time.Millisecond); n != 0 || err != nil {
					t.Fatal(n, err)
				}
				// Once is enough; a signal may add one.
				if n := asks.n.Load() - before; n > 10 {
					t.Errorf("the system was asked %d times", n)
				}
			}

			if err := m.Wake(); err != nil {
				t.Fatal(err)
			}
			if n, err := m.Wait(ready, -1); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			sleeps()

			done := make(chan error, 1)
			go func() {
				_, err := m.Wait(ready, -1)
				done <- err
			}()
			for !Asking(m) {
				runtime.Gosched()
			}
			if err := m.Add(a, 1, Read); err != nil { // with poll and select this rings
				t.Fatal(err)
			}
			if _, err := unix.Write(b, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := either(<-done, m.Modify(a, 1, 0)); err != nil {
				t.Fatal(err)
			}
			sleeps()
		})
	}
}

type counted struct {
	backend
	n atomic.Int64
}

func (c *counted) ask(timeout time.Duration) error {
	c.n.Add(1)
	return c.backend.ask(timeout)
}

func TestSelectLooksNoFurtherThanItMust(t *testing.T) {
	m := made(t, Select)
	low, _ := joined(t)
	if err := unix.Dup2(low, 200); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(200)
	b := m.back.(*selector)
	before := b.top
	if err := either(m.Add(200, 1, Read), m.Add(low, 2, Read)); err != nil {
		t.Fatal(err)
	}
	if b.top != 200 {
		t.Errorf("it looks up to %d, want 200", b.top)
	}
	if err := either(m.Remove(200), m.Remove(low)); err != nil {
		t.Fatal(err)
	}
	if b.top != before {
		t.Errorf("it looks up to %d, want %d", b.top, before)
	}
}

func made(t *testing.T, name Backend) *mux {
	t.Helper()
	m, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.(*mux)
}

// joined makes two joined sockets.
func joined(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]) })
	return fds[0], fds[1]
}

// silent makes a descriptor that is never ready.
func silent(t *testing.T) int {
	t.Helper()
	fd, other := joined(t)
	t.Cleanup(func() { unix.Close(other) })
	return fd
}

// either returns the first error that is one.
func either(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
