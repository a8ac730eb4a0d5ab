//go:build unix

package iomux

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// selector keeps three sets of bits, one bit for each number from zero up. Each call
// copies all of them into the kernel and back, for the answers overwrite the questions,
// and both sides look at every number up to the highest, registered or not. Bits are
// cheap to copy, but every file that is asked for costs as much as with poll, and a
// number that the sets have no bit for cannot be waited for at all: C programs that try
// write beyond the set.
//
// It tells no hang-ups and no errors apart, and when one descriptor was closed it says
// only that there is such a one.
type selector struct {
	table *table
	bell  int
	want  fdSets
	top   int // the highest number in want

	// Of the ask under way.
	got   fdSets // what the kernel writes into
	asked int    // how many numbers it looks at
	seen  uint64 // the newest generation in it
	lost  bool   // a descriptor in it is not open
	next  int    // the number where to begin to look, so that all take turns
}

type fdSets struct{ read, write, except unix.FdSet }

func newSelect(t *table, bell int) (*selector, error) {
	if err := takes(bell, Read); err != nil {
		return nil, fmt.Errorf("its own descriptor: %w", err)
	}
	b := &selector{table: t, bell: bell, top: bell}
	b.want.read.Set(bell)
	return b, nil
}

// takes says what the sets have no bit for.
func takes(fd int, interest Interest) error {
	switch {
	case fd >= unix.FD_SETSIZE:
		return fmt.Errorf("%w: %d is not below %d, the limit of select (FD_SETSIZE)", ErrRefused, fd, unix.FD_SETSIZE)
	case interest == Failure:
		return fmt.Errorf("%w: select tells of failures only as Read or Write", ErrRefused)
	}
	return nil
}

func (b *selector) add(fd int, s *slot) error {
	if err := checkOpen(fd); err != nil {
		return err
	}
	if err := takes(fd, s.interest); err != nil {
		return err
	}
	b.want.put(fd, s.interest)
	b.top = max(b.top, fd)
	return nil
}

func (b *selector) modify(fd int, s *slot) error {
	if err := checkOpen(fd); err != nil {
		return err
	}
	if err := takes(fd, s.interest); err != nil {
		return err
	}
	b.want.put(fd, s.interest)
	return nil
}

func (b *selector) remove(fd int, _ *slot) {
	b.want.put(fd, 0)
	for b.top > b.bell && !b.want.has(b.top) {
		b.top--
	}
}

// put makes interest the one that there is in fd.
func (f *fdSets) put(fd int, interest Interest) {
	f.read.Clear(fd)
	f.write.Clear(fd)
	f.except.Clear(fd)
	if interest&Read != 0 {
		f.read.Set(fd)
	}
	if interest&Write != 0 {
		f.write.Set(fd)
	}
	if interest&Priority != 0 {
		f.except.Set(fd)
	}
}

func (f *fdSets) has(fd int) bool {
	return f.read.IsSet(fd) || f.write.IsSet(fd) || f.except.IsSet(fd)
}

func (b *selector) prepare(int) {
	b.got, b.asked, b.seen = b.want, b.top+1, b.table.born
}

func (b *selector) ask(timeout time.Duration) error {
	var limit *unix.Timeval
	if timeout >= 0 {
		const longest = 24 * time.Hour // what every system takes; the rest is waited for in turns
		up := (min(timeout, longest) + time.Microsecond - 1).Truncate(time.Microsecond)
		tv := unix.NsecToTimeval(up.Nanoseconds())
		limit = &tv
	}
	_, err := unix.Select(b.asked, &b.got.read, &b.got.write, &b.got.except, limit)
	if b.lost = errors.Is(err, unix.EBADF); b.lost {
		return nil // collect finds it
	}
	return err
}

func (b *selector) collect(ready []Event) (int, error) {
	if b.lost {
		return b.culprits(ready), nil
	}
	start := b.next
	n := b.scan(ready, start, b.asked)
	return n + b.scan(ready[n:], 0, min(start, b.asked)), nil
}

// scan looks at the numbers from first on, as far as the one before end.
func (b *selector) scan(ready []Event, first, end int) (n int) {
	for fd := first; fd < end && n < len(ready); fd++ {
		read, write, except := b.got.read.IsSet(fd), b.got.write.IsSet(fd), b.got.except.IsSet(fd)
		if !read && !write && !except {
			continue
		}
		s := b.table.row(fd)
		if s == nil || s.born > b.seen {
			continue // the bell, or removed, or the number is another's by now
		}
		if e, ok := s.event(fd, Event{Readable: read, Writable: write, Priority: except}); ok {
			ready[n] = e
			n++
			b.next = fd + 1
		}
	}
	return n
}

// culprits tells of the descriptors that are not open, of which select says only that
// there is one: each has to be asked.
func (b *selector) culprits(ready []Event) (n int) {
	for fd := 0; fd <= b.top && n < len(ready); fd++ {
		if fd == b.bell || !b.want.has(fd) || checkOpen(fd) == nil {
			continue
		}
		ready[n] = b.table.lose(fd, b)
		n++
	}
	return n
}

func (b *selector) copies() bool { return true }

func (b *selector) nest() (int, bool) { return -1, false }

func (b *selector) close() {}
