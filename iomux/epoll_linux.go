package iomux

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var backends = []Backend{Epoll, Poll, Select}

// epoll leaves the set with the kernel, which hangs a callback on the wait queue of each
// file: whatever becomes ready puts itself on a list, and epoll_wait takes from that list.
// Neither knows how many others there are. The price is a system call for each change, and
// that the kernel watches the open file, not the number: closing a number whose file is
// open under another too takes nothing out of the set.
//
// A descriptor that is still ready goes to the end of the list, so all take turns.
type epoll struct {
	table   *table
	fd      int
	removed uint64 // how many were taken out of the set

	// Of the ask under way.
	raw  []unix.EpollEvent
	n    int
	seen uint64 // removed when it began
}

// bellMark stands in for the descriptor in events of the bell.
const bellMark = -1

func newNative(t *table, bell int) (backend, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	ring := unix.EpollEvent{Events: unix.EPOLLIN, Fd: bellMark}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, bell, &ring); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll_ctl: %w", err)
	}
	return &epoll{table: t, fd: fd}, nil
}

func (b *epoll) control(op, fd int, s *slot) error {
	e := unix.EpollEvent{Fd: int32(fd), Pad: int32(uint32(s.born))}
	if s.interest&Read != 0 {
		e.Events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if s.interest&Write != 0 {
		e.Events |= unix.EPOLLOUT
	}
	if s.interest&Priority != 0 {
		e.Events |= unix.EPOLLPRI
	}
	return unix.EpollCtl(b.fd, op, fd, &e)
}

func (b *epoll) add(fd int, s *slot) error {
	err := b.control(unix.EPOLL_CTL_ADD, fd, s)
	if errors.Is(err, unix.EEXIST) { // an orphan came home: same file, same number
		err = b.control(unix.EPOLL_CTL_MOD, fd, s)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: a regular file or a directory is always ready, and epoll does not wait for those", ErrRefused)
	}
	return err
}

func (b *epoll) modify(fd int, s *slot) error {
	err := b.control(unix.EPOLL_CTL_MOD, fd, s)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPERM) {
		return unix.EBADF // closed, and the number given to another file
	}
	return err
}

// remove cannot fail but where fd was closed already, and then the kernel has done it.
func (b *epoll) remove(fd int, s *slot) {
	_ = b.control(unix.EPOLL_CTL_DEL, fd, s)
	b.removed++
}

func (b *epoll) prepare(room int) {
	if room > cap(b.raw) {
		b.raw = make([]unix.EpollEvent, room)
	}
	b.raw = b.raw[:room]
	b.seen = b.removed
}

// ask looks without telling the scheduler of the Go runtime, unless it is to wait:
// telling costs more than the look.
func (b *epoll) ask(timeout time.Duration) (err error) {
	if timeout != 0 {
		b.n, err = unix.EpollWait(b.fd, b.raw, milliseconds(timeout))
		return err
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT,
		uintptr(b.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b.raw))), uintptr(len(b.raw)), 0, 0, 0)
	if errno != 0 {
		b.n = 0
		return errno
	}
	b.n = int(n)
	return nil
}

func (b *epoll) collect(ready []Event) (int, error) {
	n, orphan := 0, false
	for first := true; ; first = false {
		earlier := n
		for _, r := range b.raw[:b.n] {
			if r.Fd == bellMark {
				continue
			}
			fd := int(r.Fd)
			s := b.table.row(fd)
			if s == nil || s.interest == 0 || uint32(s.born) != uint32(r.Pad) {
				orphan = orphan || b.seen == b.removed // else it was removed while we asked
				continue
			}
			what := eventOf(int(r.Events))
			what.Last = r.Events&unix.EPOLLRDHUP != 0
			e, ok := s.event(fd, what)
			if ok && !s.told(ready[:n], fd) {
				ready[n], s.at = e, int32(n)
				n++
			}
		}
		if b.n < len(b.raw) || n == len(ready) || !first && n == earlier {
			break
		}
		// The bell, or what was removed meanwhile, has taken up room that is owed to others.
		b.prepare(len(ready) - n)
		if err := b.ask(0); err != nil {
			break // a signal came; what there is will do
		}
	}
	if n == 0 && orphan {
		return 0, ErrOrphan
	}
	return n, nil
}

func (b *epoll) copies() bool { return false }

// nest: an epoll descriptor is readable as long as its list of ready ones is not empty.
func (b *epoll) nest() (int, bool) { return b.fd, true }

func (b *epoll) close() { unix.Close(b.fd) }
