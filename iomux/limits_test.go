//go:build unix

package iomux_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// limits: many descriptors, high numbers, no memory.
var limits = []trial{
	{"thousands of descriptors, one of them ready", func(t *testing.T, r *rig) {
		taken, _ := r.thousands()
		a, b := r.pair()
		active := a
		if r.name == iomux.Select { // it needs a number that is low enough
			r.remove(taken[0].fd)
			taken[0].close()
			active = a.dup(taken[0].fd)
			taken = taken[1:]
		}
		r.nothing()
		r.add(active.fd, 1<<40, iomux.Read)
		b.write("x")
		for range 3 {
			wantFlags(t, r.one(), "1099511627776 readable")
		}
		a.read()
		r.nothing()
		for _, e := range taken {
			r.remove(e.fd)
		}
		b.write("x")
		wantFlags(t, r.one(), "1099511627776 readable")
	}},
	{"thousands of descriptors, all of them ready", func(t *testing.T, r *rig) {
		taken, b := r.thousands()
		b.write("x")
		told := make([]bool, len(taken))
		for range len(taken)/len(r.room) + 1 {
			for _, e := range r.wait(0) {
				if e.FD != taken[e.Token].fd {
					t.Fatalf("token %d with descriptor %d, want %d", e.Token, e.FD, taken[e.Token].fd)
				}
				told[e.Token] = true
			}
		}
		for token, ok := range told {
			if !ok {
				t.Errorf("token %d was not told", token)
			}
		}
	}},
	{"waiting allocates nothing", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		octet := make([]byte, 1)
		for _, c := range []struct {
			name string
			call func()
		}{
			{"for nothing", func() { r.nothing() }},
			{"for a moment", func() { r.wait(time.Microsecond) }},
			{"to be woken", func() { r.wake(); r.wait(-1) }},
			{"for an event", func() { unix.Write(b.fd, octet); r.wait(-1); unix.Read(a.fd, octet) }},
			{"and changing", func() { r.modify(a.fd, 1, iomux.Write); r.wait(-1); r.modify(a.fd, 1, iomux.Read); r.nothing() }},
			{"and coming and going", func() { r.remove(a.fd); r.nothing(); r.add(a.fd, 1, iomux.Read); r.nothing() }},
		} {
			if got := testing.AllocsPerRun(100, c.call); got != 0 {
				t.Errorf("%s: %v allocations", c.name, got)
			}
		}
	}},
}

// thousands registers many duplicates of one end of a pipe, which cost nothing but their
// numbers, with tokens from zero up. It returns those that were taken, and the other end.
func (r *rig) thousands() (taken []end, other end) {
	r.t.Helper()
	const many = 5000
	needs(r.t, many+100)
	a, b := r.pipe()
	for range many {
		e := a.dup(-1)
		err := r.Add(e.fd, uint64(len(taken)), iomux.Read)
		if r.name == iomux.Select && e.fd >= unix.FD_SETSIZE {
			wantError(r.t, err, iomux.ErrRefused)
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		taken = append(taken, e)
	}
	if len(taken) < min(many, unix.FD_SETSIZE)-100 {
		r.t.Fatalf("%d were taken", len(taken))
	}
	return taken, b
}

// needs skips a test that takes more descriptors than a process may have here. Go has
// raised the limit as far as it may.
func needs(t *testing.T, descriptors uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(limit.Cur) < descriptors { //nolint:unconvert // a signed number on FreeBSD
		t.Skipf("a process may have %d descriptors here, and this takes %d", limit.Cur, descriptors)
	}
}

func TestSelectHasALimit(t *testing.T) {
	needs(t, unix.FD_SETSIZE+1)
	m, err := iomux.New(iomux.Select)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Mux: m, t: t, name: iomux.Select, room: make([]iomux.Event, 4)}
	defer r.Close()
	a, b := r.pair()

	last := a.dup(unix.FD_SETSIZE - 1)
	r.add(last.fd, 1, iomux.Read)
	b.write("x")
	wantFlags(t, r.one(), "1 readable")

	first := a.dup(unix.FD_SETSIZE)
	err = r.Add(first.fd, 2, iomux.Read)
	wantError(t, err, iomux.ErrRefused)
	if want := "1024 is not below 1024, the limit of select (FD_SETSIZE)"; unix.FD_SETSIZE == 1024 && !strings.Contains(err.Error(), want) {
		t.Errorf("error: %v, want it to say: %s", err, want)
	}
	wantFlags(t, r.one(), "1 readable")
}

func TestSelectIsRefusedWhereItsOwnDescriptorIsTooHigh(t *testing.T) {
	needs(t, unix.FD_SETSIZE+10)
	r := &rig{t: t}
	a, _ := r.pair()
	for a.dup(-1).fd < unix.FD_SETSIZE { // each is a number that is taken
	}
	_, err := iomux.New(iomux.Select)
	wantError(t, err, iomux.ErrRefused)
}

func TestABackEndThatIsNotHereIsRefused(t *testing.T) {
	for _, name := range []iomux.Backend{"", iomux.Epoll, iomux.Kqueue, iomux.Poll, iomux.Select, "nonsense"} {
		has := name == ""
		for _, one := range iomux.Available() {
			has = has || one == name
		}
		m, err := iomux.New(name)
		if has && err == nil {
			m.Close()
			continue
		}
		if has || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("New(%q): %v", name, err)
		}
	}
}

func TestWhereNoDescriptorIsLeftNewSaysSo(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t}
	a, _ := r.pair()
	low := limit
	low.Cur = 64
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	var filler []end
	for {
		fd, err := unix.Dup(a.fd)
		if errors.Is(err, unix.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		filler = append(filler, newEnd(t, fd))
	}
	// The first attempt has no descriptor for the bell, the second none for the set.
	for range 2 {
		m, err := iomux.New(iomux.Available()[0])
		if err == nil {
			m.Close()
		}
		wantError(t, err, unix.EMFILE)
		filler[0].close()
		filler = filler[1:]
	}
	if after := a.dup(-1); after.fd < 0 {
		t.Error("the bell of the failed attempt is still open")
	}
}

func TestTimesAreRoundedUp(t *testing.T) {
	for timeout, want := range map[time.Duration]int{
		-1:                           -1,
		math.MinInt64:                -1,
		0:                            0,
		1:                            1,
		time.Millisecond - 1:         1,
		time.Millisecond:             1,
		time.Millisecond + 1:         2,
		25 * 24 * time.Hour:          math.MaxInt32,
		time.Duration(math.MaxInt64): math.MaxInt32,
	} {
		if got := iomux.Milliseconds(timeout); got != want {
			t.Errorf("%v: %d ms, want %d", timeout, got, want)
		}
	}
}
