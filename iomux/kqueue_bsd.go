//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package iomux

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

var backends = []Backend{Kqueue, Poll, Select}

// kqueue leaves the set with the kernel and takes what is ready off a list, as epoll does.
// Its unit is not the descriptor but the filter: reading and writing of one descriptor are
// two entries, which a Wait joins into one event. Closing a descriptor takes its filters
// out of the set, whatever else has the file open.
//
// It is written from the manual pages, compiles, and has run nowhere yet.
type kqueue struct {
	table *table
	fd    int
	bell  int

	// Of the ask under way.
	raw  []unix.Kevent_t
	n    int
	seen uint64 // the newest generation when it began
}

func newNative(t *table, bell int) (backend, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, fmt.Errorf("kqueue: %w", err)
	}
	unix.CloseOnExec(fd)
	b := &kqueue{table: t, fd: fd, bell: bell}
	if err := b.change(bell, Read, unix.EV_ADD); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("kevent: %w", err)
	}
	return b, nil
}

// change adds or deletes the filter of one interest, Read or Write.
func (b *kqueue) change(fd int, interest Interest, flags int) error {
	filter := unix.EVFILT_READ
	if interest == Write {
		filter = unix.EVFILT_WRITE
	}
	var changes [1]unix.Kevent_t
	unix.SetKevent(&changes[0], fd, filter, flags)
	_, err := unix.Kevent(b.fd, changes[:], nil, nil)
	return err
}

// turn goes from one set of filters to another. After an error it is as it was.
func (b *kqueue) turn(fd int, old, interest Interest) error {
	switch {
	case interest&Priority != 0:
		return fmt.Errorf("%w: there is no filter for urgent data that all systems share", ErrRefused)
	case interest == Failure:
		return fmt.Errorf("%w: kqueue tells of failures only with Read or Write", ErrRefused)
	}
	var added Interest
	for _, one := range []Interest{Read, Write} {
		if interest&^old&one == 0 {
			continue
		}
		if err := b.change(fd, one, unix.EV_ADD); err != nil {
			b.drop(fd, added)
			return err
		}
		added |= one
	}
	b.drop(fd, old&^interest)
	return nil
}

// drop takes filters out. It cannot fail but where fd was closed, and they went with it.
func (b *kqueue) drop(fd int, interest Interest) {
	for _, one := range []Interest{Read, Write} {
		if interest&one != 0 {
			_ = b.change(fd, one, unix.EV_DELETE)
		}
	}
}

func (b *kqueue) add(fd int, s *slot) error { return b.turn(fd, 0, s.interest) }

func (b *kqueue) modify(fd int, s *slot) error {
	if err := checkOpen(fd); err != nil {
		return err
	}
	return b.turn(fd, b.table.row(fd).interest, s.interest)
}

func (b *kqueue) remove(fd int, s *slot) { b.drop(fd, s.interest) }

func (b *kqueue) prepare(room int) {
	if room > cap(b.raw) {
		b.raw = make([]unix.Kevent_t, room)
	}
	b.raw = b.raw[:room]
	b.seen = b.table.born
}

func (b *kqueue) ask(timeout time.Duration) (err error) {
	var limit *unix.Timespec
	if timeout >= 0 {
		const longest = 24 * time.Hour // what every system takes; the rest is waited for in turns
		ts := unix.NsecToTimespec(min(timeout, longest).Nanoseconds())
		limit = &ts
	}
	b.n, err = unix.Kevent(b.fd, nil, b.raw, limit)
	return err
}

func (b *kqueue) collect(ready []Event) (int, error) {
	n := 0
	for first := true; ; first = false {
		earlier, again := n, false
		for i := range b.raw[:b.n] {
			k := &b.raw[i]
			fd := int(k.Ident)
			s := b.table.row(fd)
			switch {
			case fd == b.bell || s == nil || s.interest == 0:
				continue
			case s.born > b.seen: // of this registration, or of one before it: ask which
				again = true
				continue
			}
			e, ok := s.event(fd, eventOfFilter(k))
			switch {
			case ok && s.told(ready[:n], fd):
				ready[s.at].join(e)
			case ok:
				ready[n], s.at = e, int32(n)
				n++
			}
		}
		full := b.n == len(b.raw)
		if n == len(ready) || !again && (!full || !first && n == earlier) {
			return n, nil
		}
		// The bell, and filters that were joined, have taken up room that is owed to others.
		b.prepare(len(ready) - n)
		if err := b.ask(0); err != nil {
			return n, nil // a signal came; what there is will do
		}
	}
}

// eventOfFilter translates one entry. The end of a stream comes with both filters; whether
// the other side has closed one direction or both is not told apart.
func eventOfFilter(k *unix.Kevent_t) Event {
	end := k.Flags&unix.EV_EOF != 0
	return Event{
		Readable: k.Filter == unix.EVFILT_READ,
		Writable: k.Filter == unix.EVFILT_WRITE,
		Last:     end && k.Filter == unix.EVFILT_READ,
		Hangup:   end,
		Error:    k.Flags&unix.EV_ERROR != 0 || end && k.Fflags != 0,
	}
}

// join adds what the other filter of the same descriptor says.
func (e *Event) join(other Event) {
	e.Readable = e.Readable || other.Readable
	e.Writable = e.Writable || other.Writable
	e.Last = e.Last || other.Last
	e.Hangup = e.Hangup || other.Hangup
	e.Error = e.Error || other.Error
}

func (b *kqueue) copies() bool { return false }

// nest: a kqueue is readable as long as its list of ready ones is not empty.
func (b *kqueue) nest() (int, bool) { return b.fd, true }

func (b *kqueue) close() { unix.Close(b.fd) }
