//go:build unix

package iomux_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// TestNoEventOutlivesItsRegistration changes everything from many goroutines while one
// waits. Each registration and each Modify has a token of its own. Once the call that
// ends a token has returned, no Wait that begins afterwards may tell of it; and each token
// comes with the descriptor that it was registered with, though numbers change hands.
func TestNoEventOutlivesItsRegistration(t *testing.T) {
	for _, name := range iomux.Available() {
		t.Run(string(name), func(t *testing.T) {
			r := newRig(t, name)
			r.room = r.room[:5]
			s := &storm{rig: r}
			var workers, waiter sync.WaitGroup
			waiter.Go(s.wait)
			turns := 2000
			if testing.Short() {
				turns = 300
			}
			for range 8 {
				workers.Go(func() { s.change(turns) })
			}
			workers.Wait()
			s.over.Store(true)
			r.wake()
			waiter.Wait()
			r.nothing()
			if s.told.Load() == 0 {
				t.Error("nothing was told")
			}
		})
	}
}

type storm struct {
	*rig
	over   atomic.Bool
	told   atomic.Int64
	moment atomic.Int64 // counts what happens
	tokens sync.Map     // token: *fate
	last   atomic.Uint64
}

// fate is what becomes of a token.
type fate struct {
	fd   int
	dead atomic.Int64 // the moment after its end, zero while it lives
}

func (s *storm) begin(fd int) (uint64, *fate) {
	token := s.last.Add(1)
	f := &fate{fd: fd}
	s.tokens.Store(token, f)
	return token, f
}

func (s *storm) end(f *fate) { f.dead.Store(s.moment.Add(1)) }

func (s *storm) wait() {
	for !s.over.Load() {
		began := s.moment.Load()
		n, err := s.Wait(s.room, -1)
		if errors.Is(err, iomux.ErrWaiting) {
			continue // one of the others looks in for a moment
		}
		if err != nil {
			s.t.Error(err)
			return
		}
		for _, e := range s.room[:n] {
			s.told.Add(1)
			one, ok := s.tokens.Load(e.Token)
			if !ok {
				s.t.Errorf("token %d was never given", e.Token)
				continue
			}
			f := one.(*fate)
			if f.fd != e.FD {
				s.t.Errorf("token %d with descriptor %d, want %d", e.Token, e.FD, f.fd)
			}
			if dead := f.dead.Load(); dead != 0 && dead <= began {
				s.t.Errorf("token %d was told by a Wait that began %d moments after its end", e.Token, began-dead)
			}
		}
	}
}

// change lets descriptors come, change and go.
func (s *storm) change(turns int) {
	for range turns {
		var fds [2]int
		if err := socketpair(fds[:]); err != nil {
			s.t.Error(err)
			return
		}
		s.live(fds[0], fds[1])
		unix.Close(fds[0])
		unix.Close(fds[1])
	}
}

// live is the life of one registration.
func (s *storm) live(fd, peer int) {
	interests := []iomux.Interest{iomux.Read, iomux.Write, iomux.Read | iomux.Write, 0}
	token, f := s.begin(fd)
	if err := s.Add(fd, token, interests[rand.IntN(4)]); err != nil {
		s.t.Error(err)
		return
	}
	for range rand.IntN(6) {
		switch rand.IntN(4) {
		case 0:
			_, _ = unix.Write(peer, []byte("x"))
		case 1:
			if err := s.Wake(); err != nil {
				s.t.Error(err)
			}
		case 2:
			if _, err := s.Wait(make([]iomux.Event, 1), 0); err != nil && !errors.Is(err, iomux.ErrWaiting) {
				s.t.Error(err)
			}
		default:
			next, nf := s.begin(fd)
			if err := s.Modify(fd, next, interests[rand.IntN(4)]); err != nil {
				s.t.Error(err)
			}
			s.end(f)
			f = nf
		}
	}
	if err := s.Remove(fd); err != nil {
		s.t.Error(err)
	}
	s.end(f)
}
