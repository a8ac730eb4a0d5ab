//go:build unix

package iomux_test

import (
	"math"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// changes: Add, Modify and Remove, alone and beside a Wait.
var changes = []trial{
	{"who is removed while it is ready is not told", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		b.write("x")
		wantFlags(t, r.one(), "1 readable")
		r.remove(a.fd)
		r.nothing()
		r.add(a.fd, 2, iomux.Read)
		wantFlags(t, r.one(), "2 readable")
	}},
	{"the others stay when one is removed", func(t *testing.T, r *rig) {
		var own, others []end
		for i := range 9 {
			a, b := r.pair()
			r.add(a.fd, uint64(i), iomux.Read)
			own, others = append(own, a), append(others, b)
		}
		for _, gone := range []int{0, 4, 8, 7} {
			r.remove(own[gone].fd)
			for _, b := range others {
				b.write("x")
			}
			sum := 0
			for _, e := range r.wait(0) {
				sum += 1 << e.Token
				if e.FD != own[e.Token].fd {
					t.Errorf("token %d with descriptor %d, want %d", e.Token, e.FD, own[e.Token].fd)
				}
			}
			want := map[int]int{0: 0b111111110, 4: 0b111101110, 8: 0b011101110, 7: 0b001101110}[gone]
			if sum != want {
				t.Errorf("without %d: tokens %b, want %b", gone, sum, want)
			}
			for _, a := range own {
				a.drain()
			}
		}
	}},
	{"a number that is given out again has no events of the one before", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		b.write("x")
		wantFlags(t, r.one(), "1 readable")
		r.remove(a.fd)
		a.close()
		c, d := r.pair()
		again := c.dup(a.fd)
		r.add(again.fd, 2, iomux.Read)
		r.nothing()
		d.write("x")
		wantFlags(t, r.one(), "2 readable")
	}},
	{"one that is added ready while another waits is told", func(t *testing.T, r *rig) {
		a, b := r.pair()
		b.write("x")
		done := r.waiting()
		r.add(a.fd, 1, iomux.Read)
		wantOne(t, <-done, "1 readable")
	}},
	{"one that is added while another waits is told when it is ready", func(t *testing.T, r *rig) {
		a, b := r.pair()
		done := r.waiting()
		r.add(a.fd, 1, iomux.Read)
		b.write("x")
		wantOne(t, <-done, "1 readable")
	}},
	{"interest and token that change while another waits count at once", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		r.add(a.fd, 1, iomux.Read)
		done := r.waiting()
		r.modify(a.fd, 2, iomux.Write)
		wantOne(t, <-done, "2 writable")
	}},
	{"a token that changes alone while another waits counts at once", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		done := r.waiting()
		r.modify(a.fd, 2, iomux.Read)
		b.write("x")
		wantOne(t, <-done, "2 readable")
	}},
	{"one that loses its interest while another waits is not told", func(t *testing.T, r *rig) {
		a, b := r.pair()
		r.add(a.fd, 1, iomux.Read)
		done := r.waiting()
		r.modify(a.fd, 2, 0)
		b.write("x")
		r.wake()
		if got := <-done; got.err != nil || len(got.events) != 0 {
			t.Errorf("Wait: %+v, %v", got.events, got.err)
		}
	}},
	{"one that is removed while another waits is not told", func(t *testing.T, r *rig) {
		a, b := r.pair()
		c, d := r.pair()
		r.add(a.fd, 1, iomux.Read)
		r.add(c.fd, 2, iomux.Read)
		done := r.waiting()
		r.remove(a.fd)
		b.write("x")
		d.write("x")
		wantOne(t, <-done, "2 readable")
	}},
	{"one that is replaced under its number while another waits is not mistaken", func(t *testing.T, r *rig) {
		a, _ := r.pair()
		c, d := r.pair()
		r.add(a.fd, 1, iomux.Read)
		done := r.waiting()
		r.remove(a.fd)
		a.close()
		again := c.dup(a.fd)
		r.add(again.fd, 2, iomux.Read)
		d.write("x")
		wantOne(t, <-done, "2 readable")
	}},
	{"a wrong call is an error, and everything goes on", func(t *testing.T, r *rig) {
		a, b := r.pair()
		other, _ := r.pair()
		gone, _ := r.pair()
		gone.close()
		r.add(a.fd, 1, iomux.Read)
		for _, c := range []struct {
			name string
			call func() error
			want error
		}{
			{"add a negative number", func() error { return r.Add(-1, 2, iomux.Read) }, unix.EBADF},
			{"add a number of which the system sees a part", func() error { return r.Add(wide(a.fd), 2, iomux.Read) }, unix.EBADF},
			{"add a closed one", func() error { return r.Add(gone.fd, 2, iomux.Read) }, unix.EBADF},
			{"add a closed one without interest", func() error { return r.Add(gone.fd, 2, 0) }, unix.EBADF},
			{"add a number that no file has", func() error { return r.Add(1<<30, 2, iomux.Read) }, unix.EBADF},
			{"add one twice", func() error { return r.Add(a.fd, 2, iomux.Read) }, iomux.ErrExists},
			{"add one twice, for other interest", func() error { return r.Add(a.fd, 2, iomux.Write) }, iomux.ErrExists},
			{"add with interest that is none", func() error { return r.Add(other.fd, 2, 0x80) }, unix.EINVAL},
			{"modify to interest that is none", func() error { return r.Modify(a.fd, 2, 0x80) }, unix.EINVAL},
			{"modify a negative number", func() error { return r.Modify(-1, 2, iomux.Read) }, iomux.ErrUnknown},
			{"modify one that was not added", func() error { return r.Modify(other.fd, 2, iomux.Read) }, iomux.ErrUnknown},
			{"modify one beyond all", func() error { return r.Modify(1<<30, 2, iomux.Read) }, iomux.ErrUnknown},
			{"remove a negative number", func() error { return r.Remove(-1) }, iomux.ErrUnknown},
			{"remove one that was not added", func() error { return r.Remove(other.fd) }, iomux.ErrUnknown},
			{"remove one beyond all", func() error { return r.Remove(1 << 30) }, iomux.ErrUnknown},
			{"wait with room for none", func() error { _, err := r.Wait(nil, 0); return err }, unix.EINVAL},
		} {
			err := c.call()
			wantError(t, err, c.want)
			if t.Failed() {
				t.Fatalf("in: %s", c.name)
			}
			b.write("x")
			wantFlags(t, r.one(), "1 readable")
			a.read()
			r.nothing()
		}
	}},
	{"an error names the call, the back end and the descriptor", func(t *testing.T, r *rig) {
		want := "iomux: " + string(r.name) + ": remove descriptor 12: it is not registered"
		if err := r.Remove(12); err == nil || err.Error() != want {
			t.Errorf("error: %v, want: %s", err, want)
		}
	}},
}

// wantOne checks that a Wait came to one event.
func wantOne(t *testing.T, got answer, want string) {
	t.Helper()
	if got.err != nil || len(got.events) != 1 {
		t.Fatalf("Wait: %+v, %v, want one event", got.events, got.err)
	}
	wantFlags(t, got.events[0], want)
}

// wide is a number whose lower half is fd, or none where numbers have no more bits.
func wide(fd int) int {
	if math.MaxInt == math.MaxInt32 {
		return -1
	}
	above := int64(1) << 32
	return fd | int(above)
}
