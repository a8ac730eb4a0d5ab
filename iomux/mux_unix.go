//go:build unix

package iomux

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// mux is what all back ends share: the table, who waits, who wakes, and the end. The
// system call and its set are the backend's.
type mux struct {
	name Backend
	back backend

	mu      sync.Mutex // guards all below and the back end, and is held while its set changes
	table   table
	draft   slot // a row that has yet to be taken by the back end
	bell    bell
	closed  bool
	waiting bool // a goroutine is in Wait
	woken   bool // Wake was called, and no Wait has returned since
	changed bool // the set is not the one that the system waits with
}

// backend is one of the system calls. All methods but ask are called with mux.mu held,
// and never block.
type backend interface {
	// add, modify and remove change the set. s is the row of fd as it will be, or was.
	add(fd int, s *slot) error
	modify(fd int, s *slot) error
	remove(fd int, s *slot)

	// prepare comes before each ask. collect comes after one that had no error: it
	// writes what is ready into ready, and returns how many.
	prepare(room int)
	ask(timeout time.Duration) error
	collect(ready []Event) (int, error)

	// copies says that ask works on a copy of the set, so that it has to be called
	// again after a change.
	copies() bool
	nest() (fd int, ok bool)
	close()
}

func open(name Backend) (Mux, error) {
	m := &mux{name: name}
	err := m.bell.open()
	if err != nil {
		return nil, fmt.Errorf("a bell: %w", err)
	}
	switch name {
	case Poll:
		m.back = newPoll(&m.table, m.bell.fd)
	case Select:
		m.back, err = newSelect(&m.table, m.bell.fd)
	default:
		m.back, err = newNative(&m.table, m.bell.fd)
	}
	if err != nil {
		m.bell.close()
		return nil, err
	}
	return m, nil
}

func (m *mux) Add(fd int, token uint64, interest Interest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault("add", fd, m.add(fd, token, interest))
}

func (m *mux) add(fd int, token uint64, interest Interest) error {
	switch {
	case m.closed:
		return ErrClosed
	case interest&^everything != 0:
		return fmt.Errorf("interest %#x: %w", uint8(interest), unix.EINVAL)
	case fd < 0 || fd > math.MaxInt32: // the system would see another number
		return unix.EBADF
	case m.table.row(fd) != nil:
		return ErrExists
	}
	s := &m.draft
	*s = m.table.next(token, interest)
	if interest == 0 { // what cannot be taken is refused now, not by a later Modify
		s.interest = Read
	}
	if err := m.back.add(fd, s); err != nil {
		return err
	}
	if interest == 0 {
		m.back.remove(fd, s)
		s.interest = 0
	}
	m.table.put(fd, *s)
	m.touch()
	return nil
}

func (m *mux) Modify(fd int, token uint64, interest Interest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault("modify", fd, m.modify(fd, token, interest))
}

func (m *mux) modify(fd int, token uint64, interest Interest) error {
	if m.closed {
		return ErrClosed
	}
	old := m.table.row(fd)
	switch {
	case old == nil:
		return ErrUnknown
	case interest&^everything != 0:
		return fmt.Errorf("interest %#x: %w", uint8(interest), unix.EINVAL)
	}
	var err error
	s := &m.draft
	*s = *old
	s.token, s.interest = token, interest
	switch {
	case interest == old.interest:
		if err = checkOpen(fd); err == nil {
			old.token = token
		}
		return err // the set stays as it is
	case interest == 0:
		if err = checkOpen(fd); err == nil {
			m.back.remove(fd, old)
		}
	case old.interest == 0:
		*s = m.table.next(token, interest)
		err = m.back.add(fd, s)
	default:
		err = m.back.modify(fd, s)
	}
	if err != nil {
		return err
	}
	m.table.put(fd, *s)
	m.touch()
	return nil
}

func (m *mux) Remove(fd int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault("remove", fd, m.remove(fd))
}

func (m *mux) remove(fd int) error {
	if m.closed {
		return ErrClosed
	}
	s := m.table.row(fd)
	if s == nil {
		return ErrUnknown
	}
	if s.interest != 0 {
		m.back.remove(fd, s)
	}
	m.table.forget(fd)
	m.touch()
	return nil
}

// touch makes the Wait under way take a new copy of the set. That matters for a removed
// descriptor too: as long as the system waits for it, closing it does not reach the peer.
func (m *mux) touch() {
	if !m.waiting || !m.back.copies() {
		return
	}
	if !m.changed && !m.woken {
		_ = m.bell.ring() // if it cannot be rung, the change counts from the next Wait on
	}
	m.changed = true
}

func (m *mux) Wait(ready []Event, timeout time.Duration) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.wait(ready, timeout)
	if err != nil {
		err = fmt.Errorf("iomux: %s: wait: %w", m.name, err)
	}
	return n, err
}

// wait is called with mu held, and gives it up only while the system waits.
func (m *mux) wait(ready []Event, timeout time.Duration) (int, error) {
	switch {
	case m.closed:
		return 0, ErrClosed
	case m.waiting:
		return 0, ErrWaiting
	case len(ready) == 0:
		return 0, fmt.Errorf("no room for an event: %w", unix.EINVAL)
	}
	m.waiting = true
	defer m.leave()
	var end time.Time
	if timeout > 0 {
		end = time.Now().Add(timeout)
	}
	for {
		m.back.prepare(len(ready))
		m.mu.Unlock()
		err := m.back.ask(timeout)
		m.mu.Lock()

		if m.closed {
			return 0, ErrClosed
		}
		n, interrupted := 0, errors.Is(err, unix.EINTR)
		if err == nil {
			n, err = m.back.collect(ready)
		}
		woken := m.answer()
		switch {
		case err != nil && !interrupted:
			return 0, err
		case n > 0 || woken || timeout == 0 && !interrupted:
			return n, nil
		case timeout > 0:
			if timeout = max(0, time.Until(end)); timeout == 0 && !interrupted {
				return 0, nil
			}
		}
	}
}

// answer silences the bell and says whether it was Wake that rang.
func (m *mux) answer() bool {
	if !m.woken && !m.changed {
		return false
	}
	m.bell.silence()
	woken := m.woken
	m.woken, m.changed = false, false
	return woken
}

// leave ends a Wait. Whoever waits when the Mux is closed gives back what it waited with.
func (m *mux) leave() {
	m.waiting = false
	if m.closed {
		m.release()
	}
}

func (m *mux) Wake() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("iomux: %s: wake: %w", m.name, ErrClosed)
	}
	if !m.woken && !m.changed {
		if err := m.bell.ring(); err != nil {
			return fmt.Errorf("iomux: %s: wake: %w", m.name, err)
		}
	}
	m.woken = true
	return nil
}

func (m *mux) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	if !m.waiting {
		m.release()
		return nil
	}
	if err := m.bell.ring(); err != nil {
		return fmt.Errorf("iomux: %s: close: %w", m.name, err)
	}
	return nil
}

func (m *mux) release() {
	m.back.close()
	m.bell.close()
	m.table = table{}
}

func (m *mux) Nest() (fd int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return -1, false
	}
	return m.back.nest()
}

func (m *mux) fault(doing string, fd int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("iomux: %s: %s descriptor %d: %w", m.name, doing, fd, err)
}

// checkOpen returns EBADF if fd is not open.
func checkOpen(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err
}

// milliseconds is what epoll_wait and poll take: negative for ever. It rounds up, or the
// last fraction of a time-out would be spent in a busy loop. What is longer than the
// number holds is waited for in turns.
func milliseconds(timeout time.Duration) int {
	if timeout < 0 {
		return -1
	}
	n := timeout / time.Millisecond
	if timeout%time.Millisecond > 0 {
		n++
	}
	return int(min(n, math.MaxInt32))
}
