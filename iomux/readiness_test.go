//go:build unix

package iomux_test

import (
	"math"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// readiness: what is handed out, and what it says.
var readiness = []trial{
	{"nothing is ready where nothing happened", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		r.nothing()
		r.add(a.fd, 1, iomux.Read)
		r.nothing()
	}},
	{"octets are readable until they are read", func(t *testing.T, r *rig) {
		a, b := r.pipe()
		r.add(a.fd, math.MaxUint64, iomux.Read)
		b.write("hello")
		for range 3 {
			e := r.one()
			wantFlags(t, e, "18446744073709551615 readable")
			if e.FD != a.fd {
				t.Errorf("descriptor %d, want %d", e.FD, a.fd)
			}
		}
		a.read()
		r.nothing()
	}},
	{"room is writable until it is filled", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Write)
		wantFlags(t, r.one(), "1 writable")
		a.fill()
		r.nothing()
		b.drain()
		wantFlags(t, r.one(), "1 writable")
	}},
	{"both directions are one event", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read|iomux.Write)
		b.write("hello")
		wantFlags(t, r.one(), "1 readable writable")
		a.read()
		wantFlags(t, r.one(), "1 writable")
	}},
	{"only what there is interest in is told", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Write)
		b.write("hello")
		wantFlags(t, r.one(), "1 writable")
		r.modify(a.fd, 2, iomux.Read)
		wantFlags(t, r.one(), "2 readable")
	}},
	{"without interest not even a hang-up is told", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, 0)
		b.write("hello")
		b.close()
		r.nothing()
		r.modify(a.fd, 2, iomux.Read)
		if e := r.one(); !e.Readable || e.Token != 2 {
			t.Errorf("event: %+v", e)
		}
		r.modify(a.fd, 3, 0)
		r.nothing()
	}},
	{"urgent data is told by whoever knows it", func(t *testing.T, r *rig) {
		a, b := tcpPair(t)
		if r.name == iomux.Kqueue {
			wantError(t, r.Add(a.fd, 1, iomux.Priority), iomux.ErrRefused)
			return
		}
		r.add(a.fd, 1, iomux.Read|iomux.Priority)
		if err := unix.Send(b.fd, []byte("!"), unix.MSG_OOB); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); !e.Priority {
			t.Errorf("event: %+v, want priority", e)
		}
	}},
	{"a regular file is always ready, or refused", func(t *testing.T, r *rig) {
		r.exempt("whether a file is readable depends on where in it one stands", iomux.Kqueue)
		file, err := os.Create(filepath.Join(t.TempDir(), "file"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fd := int(file.Fd())
		if r.name == iomux.Epoll {
			for _, interest := range []iomux.Interest{0, iomux.Read} {
				wantError(t, r.Add(fd, 1, interest), iomux.ErrRefused)
			}
			return
		}
		r.add(fd, 1, iomux.Read|iomux.Write)
		wantFlags(t, r.one(), "1 readable writable")
	}},
	{"more ready ones than room take turns", func(t *testing.T, r *rig) {
		const many, room = 40, 7
		for i := range many {
			a, b := r.pipe()
			r.add(a.fd, uint64(i), iomux.Read)
			b.write("x")
		}
		r.takeTurns(many, room)
	}},
	{"turns are taken after a change, too", func(t *testing.T, r *rig) {
		const many, room = 40, 7
		var fds []int
		for range many {
			a, b := r.pipe()
			b.write("x")
			r.add(a.fd, 0, iomux.Read)
			fds = append(fds, a.fd)
		}
		r.room = r.room[:room]
		r.wait(0)
		left := 0
		for i, fd := range fds {
			if i%3 == 0 {
				r.remove(fd)
				continue
			}
			r.modify(fd, uint64(left), iomux.Read)
			left++
		}
		r.takeTurns(left, room)
	}},
	{"a descriptor is told once in a Wait, though there is room", func(t *testing.T, r *rig) {
		const many = 5
		for i := range many {
			a, b := r.pair()
			r.add(a.fd, uint64(i), iomux.Read|iomux.Write)
			b.write("x")
		}
		for room := many; room < many+3; room++ {
			r.room = make([]iomux.Event, room)
			for range 2 * many {
				r.wake()
				told := 0
				for _, e := range r.wait(-1) {
					told += 1 << (4 * e.Token)
				}
				if told != 0x11111 {
					t.Fatalf("room for %d: told %x times, want each once", room, told)
				}
			}
		}
	}},
	{"the events fill the slice, though the Mux was woken", func(t *testing.T, r *rig) {
		const many = 5
		for i := range many {
			a, b := r.pipe()
			r.add(a.fd, uint64(i), iomux.Read)
			b.write("x")
		}
		r.room = r.room[:many]
		for range 10 {
			r.wake()
			if got := len(r.wait(-1)); got != many {
				t.Fatalf("%d events, want %d", got, many)
			}
		}
	}},
}

// takeTurns checks that of many ready ones, with tokens from zero up, each is handed out
// as often as any other, give or take two rounds.
func (r *rig) takeTurns(many, room int) {
	r.t.Helper()
	const rounds = 10
	r.room = r.room[:room]
	told := make([]int, many)
	for range rounds * (many + room - 1) / room {
		events := r.wait(0)
		if len(events) != room {
			r.t.Fatalf("%d events, want %d", len(events), room)
		}
		seen := map[uint64]bool{}
		for _, e := range events {
			if seen[e.Token] {
				r.t.Fatalf("token %d twice in one Wait", e.Token)
			}
			seen[e.Token] = true
			told[e.Token]++
		}
	}
	for token, n := range told {
		if n < rounds-2 {
			r.t.Errorf("token %d was told %d times of %d", token, n, rounds)
		}
	}
}

// tcpPair makes the two ends of a connection over loopback.
func tcpPair(t *testing.T) (a, b end) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	return copied(t, in), copied(t, out)
}

func copied(t *testing.T, c net.Conn) end {
	t.Helper()
	fd, err := raw(c.(syscall.Conn))
	if err != nil {
		t.Fatal(err)
	}
	return newEnd(t, fd)
}
