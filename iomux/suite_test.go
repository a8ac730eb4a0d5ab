//go:build unix

package iomux_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// battery is what every back end passes. Other files of this folder add to it.
var battery = slices.Concat(readiness, endings, changes, waking, limits)

type trial struct {
	name string
	run  func(t *testing.T, r *rig)
}

func TestEveryBackEndPassesTheBattery(t *testing.T) {
	for _, name := range iomux.Available() {
		t.Run(string(name), func(t *testing.T) {
			for _, c := range battery {
				t.Run(c.name, func(t *testing.T) { c.run(t, newRig(t, name)) })
			}
		})
	}
}

// rig is a Mux under test, with a slice for its events.
type rig struct {
	iomux.Mux
	t    *testing.T
	name iomux.Backend
	room []iomux.Event
}

func newRig(t *testing.T, name iomux.Backend) *rig {
	t.Helper()
	m, err := iomux.New(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return &rig{Mux: m, t: t, name: name, room: make([]iomux.Event, 64)}
}

// exempt skips what a back end cannot do, by name and with the reason.
func (r *rig) exempt(reason string, names ...iomux.Backend) {
	r.t.Helper()
	if slices.Contains(names, r.name) {
		r.t.Skipf("not %s: %s", r.name, reason)
	}
}

func (r *rig) add(fd int, token uint64, interest iomux.Interest) {
	r.t.Helper()
	if err := r.Add(fd, token, interest); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) modify(fd int, token uint64, interest iomux.Interest) {
	r.t.Helper()
	if err := r.Modify(fd, token, interest); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) remove(fd int) {
	r.t.Helper()
	if err := r.Remove(fd); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) wake() {
	r.t.Helper()
	if err := r.Wake(); err != nil {
		r.t.Fatal(err)
	}
}

// wait returns what one Wait hands out.
func (r *rig) wait(timeout time.Duration) []iomux.Event {
	r.t.Helper()
	n, err := r.Wait(r.room, timeout)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.room[:n]
}

// one returns the only event that there is.
func (r *rig) one() iomux.Event {
	r.t.Helper()
	events := r.wait(time.Minute)
	if len(events) != 1 {
		r.t.Fatalf("events: %+v, want one", events)
	}
	return events[0]
}

func (r *rig) nothing() {
	r.t.Helper()
	if events := r.wait(0); len(events) != 0 {
		r.t.Fatalf("events: %+v, want none", events)
	}
}

// answer is what a Wait on another goroutine came to.
type answer struct {
	events []iomux.Event
	err    error
}

// waiting starts a Wait without end on another goroutine, and returns when it is asleep
// or about to be.
func (r *rig) waiting() <-chan answer {
	r.t.Helper()
	done := make(chan answer, 1)
	go func() {
		room := make([]iomux.Event, 64)
		n, err := r.Wait(room, -1)
		done <- answer{room[:n], err}
	}()
	for !iomux.Asking(r.Mux) {
		runtime.Gosched()
	}
	return done
}

// pair makes two joined sockets, pipe the two ends of a pipe, the one to read first. All
// are non-blocking, and closed in the end unless the test has done it.
func (r *rig) pair() (a, b end) { return ends(r.t, socketpair) }
func (r *rig) pipe() (a, b end) { return ends(r.t, unix.Pipe) }

func socketpair(fds []int) (err error) {
	both, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	copy(fds, both[:])
	return err
}

// end is a descriptor of a test.
type end struct {
	t      testing.TB
	fd     int
	closed *bool
}

func ends(t testing.TB, make func([]int) error) (a, b end) {
	t.Helper()
	var fds [2]int
	if err := make(fds[:]); err != nil {
		t.Fatal(err)
	}
	return newEnd(t, fds[0]), newEnd(t, fds[1])
}

func newEnd(t testing.TB, fd int) end {
	t.Helper()
	e := end{t, fd, new(bool)}
	t.Cleanup(e.close)
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e end) close() {
	if !*e.closed {
		unix.Close(e.fd)
		*e.closed = true
	}
}

// dup gives the file of e the number at, or any.
func (e end) dup(at int) end {
	e.t.Helper()
	fd, err := unix.Dup(e.fd)
	if err == nil && at >= 0 && fd != at {
		err = errors.Join(unix.Dup2(fd, at), unix.Close(fd))
		fd = at
	}
	if err != nil {
		e.t.Fatal(err)
	}
	return newEnd(e.t, fd)
}

func (e end) write(text string) {
	e.t.Helper()
	if _, err := unix.Write(e.fd, []byte(text)); err != nil {
		e.t.Fatalf("write to descriptor %d: %v", e.fd, err)
	}
}

// read returns what there is: octets, or what a read without any answered.
func (e end) read() string {
	var octets [4096]byte
	switch n, err := unix.Read(e.fd, octets[:]); {
	case err != nil:
		return err.Error()
	case n == 0:
		return "end of stream"
	default:
		return string(octets[:n])
	}
}

// fill writes until there is no room.
func (e end) fill() {
	e.t.Helper()
	block := make([]byte, 4096)
	for {
		switch _, err := unix.Write(e.fd, block); {
		case errors.Is(err, unix.EAGAIN):
			return
		case err != nil:
			e.t.Fatal(err)
		}
	}
}

// drain reads until there is nothing.
func (e end) drain() {
	for {
		if text := e.read(); text == "end of stream" || text == unix.EAGAIN.Error() {
			return
		}
	}
}

// flags writes an event as the names of what it says.
func flags(e iomux.Event) string {
	text := ""
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"readable", e.Readable},
		{"writable", e.Writable},
		{"priority", e.Priority},
		{"hangup", e.Hangup},
		{"error", e.Error},
		{"invalid", e.Invalid},
	} {
		if flag.set {
			text += " " + flag.name
		}
	}
	return fmt.Sprintf("%d%s", e.Token, text)
}

func wantFlags(t *testing.T, e iomux.Event, want string) {
	t.Helper()
	if got := flags(e); got != want {
		t.Errorf("event: %q, want %q", got, want)
	}
}
