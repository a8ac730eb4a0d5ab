//go:build unix

package iomux

import (
	"time"

	"golang.org/x/sys/unix"
)

// poll keeps the set itself, a row for each descriptor, without gaps. Each call hands the
// whole set to the kernel, which copies it in, asks every file, hangs itself on all their
// wait queues, takes itself off again, and copies everything out; then the answers are
// looked through here. So one Wait costs as much as there are descriptors, ready or not:
// of ten thousand idle ones each pays for the one that is busy.
//
// A change costs next to nothing: it is made in the set here, and the next call takes it
// along. But a call under way knows nothing of it, and has to be interrupted.
type poll struct {
	table   *table
	set     []unix.PollFd // the bell is the first
	version uint64        // of set

	// Of the ask under way.
	copied uint64        // the version that asked is a copy of
	asked  []unix.PollFd // what the kernel writes into
	seen   uint64        // the newest generation in it
	n      int           // how many have something to tell
	last   int           // the row that was told last: the next has its turn first
}

func newPoll(t *table, bell int) *poll {
	return &poll{table: t, set: []unix.PollFd{{Fd: int32(bell), Events: unix.POLLIN}}, version: 1}
}

func (b *poll) add(fd int, s *slot) error {
	if err := checkOpen(fd); err != nil {
		return err
	}
	s.at = int32(len(b.set))
	b.set = append(b.set, pollFd(fd, s.interest))
	b.version++
	return nil
}

func (b *poll) modify(fd int, s *slot) error {
	if err := checkOpen(fd); err != nil {
		return err
	}
	b.set[s.at] = pollFd(fd, s.interest)
	b.version++
	return nil
}

// remove fills the gap with the last row.
func (b *poll) remove(_ int, s *slot) {
	last := len(b.set) - 1
	if moved := b.set[last]; int(s.at) != last {
		b.set[s.at] = moved
		b.table.row(int(moved.Fd)).at = s.at
	}
	b.set = b.set[:last]
	b.version++
}

func pollFd(fd int, interest Interest) unix.PollFd {
	p := unix.PollFd{Fd: int32(fd)}
	if interest&Read != 0 {
		p.Events |= unix.POLLIN
	}
	if interest&Write != 0 {
		p.Events |= unix.POLLOUT
	}
	if interest&Priority != 0 {
		p.Events |= unix.POLLPRI
	}
	return p
}

// eventOf translates what the kernel says. On Linux epoll uses the same bits.
func eventOf(bits int) Event {
	return Event{
		Readable: bits&unix.POLLIN != 0,
		Writable: bits&unix.POLLOUT != 0,
		Priority: bits&unix.POLLPRI != 0,
		Hangup:   bits&unix.POLLHUP != 0,
		Error:    bits&unix.POLLERR != 0,
	}
}

// prepare copies the set, unless the copy of the last time is as good.
func (b *poll) prepare(int) {
	if b.copied != b.version {
		b.asked = append(b.asked[:0], b.set...)
		b.copied, b.seen = b.version, b.table.born
	}
}

func (b *poll) ask(timeout time.Duration) (err error) {
	b.n, err = unix.Poll(b.asked, milliseconds(timeout))
	return err
}

func (b *poll) collect(ready []Event) (int, error) {
	left := b.n
	if b.asked[0].Revents != 0 { // the bell
		left--
	}
	n, row := 0, b.last
	for looked := 1; looked < len(b.asked) && left > 0 && n < len(ready); looked++ {
		if row++; row >= len(b.asked) {
			row = 1
		}
		p := &b.asked[row]
		if p.Revents == 0 {
			continue
		}
		left--
		fd := int(p.Fd)
		s := b.table.row(fd)
		if s == nil || s.born > b.seen || s.interest == 0 {
			continue // removed, or the number is another's by now
		}
		if p.Revents&unix.POLLNVAL != 0 {
			ready[n] = b.table.lose(fd, b)
			n++
			continue
		}
		if e, ok := s.event(fd, eventOf(int(p.Revents))); ok {
			ready[n] = e
			n++
			b.last = row
		}
	}
	return n, nil
}

func (b *poll) copies() bool { return true }

func (b *poll) nest() (int, bool) { return -1, false }

func (b *poll) close() {}
