package iomux_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// epoll watches files, not numbers: what it cannot be told to forget must not become a
// busy loop.
func TestEpollTellsOfAFileThatItCannotForget(t *testing.T) {
	r := newRig(t, iomux.Epoll)
	a, b := r.pipe()
	other, busy := r.pipe()
	r.add(other.fd, 2, iomux.Read)
	kept := a.dup(-1)
	r.add(a.fd, 1, iomux.Read)
	a.close()
	b.write("x")
	wantFlags(t, r.one(), "1 readable") // it is registered still
	r.remove(a.fd)

	_, err := r.Wait(r.room, -1)
	wantError(t, err, iomux.ErrOrphan)
	busy.write("x")
	wantFlags(t, r.one(), "2 readable")
	other.read()
	kept.read() // the orphan is not ready any more
	r.nothing()

	// It can be taken in again under its old number, and then forgotten.
	again := kept.dup(a.fd)
	r.add(again.fd, 3, iomux.Read)
	b.write("x")
	wantFlags(t, r.one(), "3 readable")
	r.remove(again.fd)
	r.nothing()
}

func TestEpollNoticesThatANumberIsAnothers(t *testing.T) {
	r := newRig(t, iomux.Epoll)
	a, _ := r.pipe()
	r.add(a.fd, 1, iomux.Read)
	a.close()
	c, d := r.pipe()
	again := c.dup(a.fd)
	d.write("x")
	r.nothing()
	wantError(t, r.Modify(again.fd, 2, iomux.Write), unix.EBADF)
	r.remove(again.fd)
	r.add(again.fd, 2, iomux.Read)
	wantFlags(t, r.one(), "2 readable")
}

// A signal interrupts the system's waiting, not a Wait.
func TestASignalDoesNotEndAWait(t *testing.T) {
	for _, name := range iomux.Available() {
		t.Run(string(name), func(t *testing.T) {
			r := newRig(t, name)
			a, b := r.pipe()
			r.add(a.fd, 1, iomux.Read)
			thread := make(chan int)
			done := make(chan answer, 1)
			go func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				thread <- unix.Gettid()
				room := make([]iomux.Event, 4)
				n, err := r.Wait(room, -1)
				done <- answer{room[:n], err}
			}()
			tid := <-thread
			for range 20 {
				switches := asleep(t, tid, -1)
				// Go's runtime ignores this signal when it did not send it itself.
				if err := unix.Tgkill(unix.Getpid(), tid, unix.SIGURG); err != nil {
					t.Fatal(err)
				}
				asleep(t, tid, switches)
			}
			b.write("x")
			wantOne(t, <-done, "1 readable")
		})
	}
}

// asleep waits until a thread sleeps in the system and has gone to sleep more often than
// before; it returns how often.
func asleep(t *testing.T, tid, before int) int {
	t.Helper()
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", tid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		var switches int
		fmt.Sscan(rest, &switches)
		if strings.Contains(string(status), "\nState:\tS") && switches > before {
			return switches
		}
		runtime.Gosched()
	}
}
