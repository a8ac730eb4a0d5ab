//go:build linux

// Epoll is the echo server on epoll(7), Linux 2.6. The set of descriptors stays in the
// kernel: each is registered once. There the kernel hangs a callback into the wait
// queue of the socket. When something arrives, the callback puts the socket on a list of
// those that are ready, and epoll_wait takes what is on that list.
//
// Its price depends on what is ready, and on nothing else: ten thousand idle connections
// are looked at by nobody, for they put themselves on no list. What it costs instead is
// a call for each change of the set (epoll_ctl), of which a connection that reads what
// it is sent needs one in its life.
//
// This is the level-triggered form: epoll_wait tells of a descriptor for as long as it
// is ready. With EPOLLET it would tell only when something new arrives, and we would
// have to read until EAGAIN each time.
//
//	go run ./examples/echo/epoll [-count] [PORT]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"golang.org/x/sys/unix"

	"zeromux/examples/echo/internal/sys"
)

func main() { sys.Main(serve) }

type server struct {
	listener *sys.Listener
	// A connection is registered for one thing: EPOLLOUT while something is left to be
	// written to it, else EPOLLIN. So of a client that does not read nothing more is
	// taken, and it is TCP that makes the client wait. Hang-ups (EPOLLHUP) and errors
	// (EPOLLERR) are told unasked.
	epoll  int
	left   map[int][]byte // by descriptor: what has been read and not written yet
	buffer []byte
}

func serve(ctx context.Context, l *sys.Listener) error {
	stop, err := sys.Until(ctx)
	if err != nil {
		return err
	}
	// The client may have gone between epoll_wait and accept, which would then wait for
	// the next one, and everybody else with it. So the listener does not block either.
	if err := unix.SetNonblock(l.FD, true); err != nil {
		return err
	}
	epoll, err := unix.EpollCreate1(0)
	if err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	for _, fd := range []int{stop, l.FD} {
		if err := sys.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN); err != nil {
			return fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	s := server{listener: l, epoll: epoll, left: map[int][]byte{}, buffer: make([]byte, 64<<10)}
	events := make([]unix.EpollEvent, 128) // if more are ready, the next call has them
	for {
		n, err := sys.EpollWait(epoll, events)
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		// A descriptor stands here once. So when one is closed and its number given
		// to the next connection, no event further down is about the old one.
		for _, e := range events[:n] {
			switch fd := int(e.Fd); {
			case fd == stop:
				return nil
			case fd == l.FD:
				s.accept()
			case len(s.left[fd]) > 0:
				s.send(fd, s.left[fd])
			default: // what a hang-up or an error is, read tells
				s.receive(fd)
			}
		}
	}
}

func (s *server) accept() {
	fd, err := s.listener.Accept()
	if err != nil {
		return // that was about one connection
	}
	if err = unix.SetNonblock(fd, true); err == nil {
		err = sys.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN)
	}
	if err != nil { // such as ENOSPC: there is a limit of the user's registrations
		log.Printf("a connection is turned away: %v", err)
		sys.Close(fd)
	}
}

// receive reads what there is, once: if there is more, epoll_wait says so again. After
// the end of the stream nothing is left to be written, for else we would not read. An
// error, such as the reset of a client that has crashed, is the end of this connection
// alone.
func (s *server) receive(fd int) {
	n, err := sys.Read(fd, s.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN): // epoll says ready, and sometimes it is not
	case n == 0 || err != nil:
		s.drop(fd)
	default:
		s.send(fd, s.buffer[:n])
	}
}

// send writes what the kernel takes of b, and keeps the rest for when it takes more.
func (s *server) send(fd int, b []byte) {
	n, err := sys.Write(fd, b)
	switch {
	case errors.Is(err, unix.EAGAIN):
		n = 0
	case err != nil:
		s.drop(fd)
		return
	}
	before := len(s.left[fd]) > 0
	if n < len(b) {
		s.left[fd] = append(s.left[fd][:0], b[n:]...)
	} else {
		delete(s.left, fd)
	}
	// A change of mind is a system call, so it is made only where there is one.
	switch after := len(s.left[fd]) > 0; {
	case after && !before:
		err = sys.EpollCtl(s.epoll, unix.EPOLL_CTL_MOD, fd, unix.EPOLLOUT)
	case before && !after:
		err = sys.EpollCtl(s.epoll, unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN)
	}
	if err != nil {
		s.drop(fd)
	}
}

// drop ends a connection. A socket leaves the set as it is closed, if no duplicate of
// its descriptor is open elsewhere.
func (s *server) drop(fd int) {
	delete(s.left, fd)
	sys.Close(fd)
}
