//go:build unix

// Select is the echo server on select(2), the first call that could wait for many
// descriptors at once (4.2BSD, 1983). It takes a set of bits of those that we want to
// read and one of those that we want to write, sleeps until one of them is ready, and
// answers in the same bits.
//
// Its price has three parts. The sets are copied into the kernel and back on each call.
// The kernel asks every descriptor in them, and hangs itself into the wait queue of each
// to be woken, and takes itself out of each again before it returns; and then we look
// through all numbers for the one that is ready. All three grow with the highest number
// or with the number of idle connections, not with what there is to do.
//
// And a set has 1024 bits (FD_SETSIZE). A descriptor from 1024 up cannot be waited for;
// a C program that tries writes past the end of the set. This one turns the connection
// away, and says so.
//
//	go run ./examples/echo/select [-count] [PORT]
package main

import (
	"context"
	"errors"
	"log"

	"golang.org/x/sys/unix"

	"zeromux/examples/echo/internal/sys"
)

func main() { sys.Main(serve) }

type server struct {
	listener *sys.Listener
	// A connection is in one of the sets: in write while something is left to be
	// written to it, else in read. So of a client that does not read nothing more is
	// taken, and it is TCP that makes the client wait.
	read, write unix.FdSet
	highest     int            // the highest number in the sets
	left        map[int][]byte // by descriptor: what has been read and not written yet
	buffer      []byte
}

func serve(ctx context.Context, l *sys.Listener) error {
	stop, err := sys.Until(ctx)
	if err != nil {
		return err
	}
	// The client may have gone between select and accept, which would then wait for
	// the next one, and everybody else with it. So the listener does not block either.
	if err := unix.SetNonblock(l.FD, true); err != nil {
		return err
	}
	s := server{listener: l, left: map[int][]byte{}, buffer: make([]byte, 64<<10)}
	s.read.Set(stop)
	s.read.Set(l.FD)
	s.highest = max(stop, l.FD)
	for {
		read, write := s.read, s.write // select overwrites the question with the answer
		asked := s.highest + 1
		if err := sys.Select(asked, &read, &write); err != nil {
			return err
		}
		if read.IsSet(stop) {
			return nil
		}
		for fd := range asked {
			switch {
			case write.IsSet(fd):
				s.send(fd, s.left[fd])
			case !read.IsSet(fd):
			case fd == l.FD:
				s.accept()
			default:
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
	if fd >= unix.FD_SETSIZE {
		log.Printf("a connection is turned away: select takes descriptors below %d (FD_SETSIZE), and this is %d", unix.FD_SETSIZE, fd)
		sys.Close(fd)
		return
	}
	s.read.Set(fd)
	s.highest = max(s.highest, fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		s.drop(fd)
	}
}

// receive reads what there is, once: if there is more, select says so again. After the
// end of the stream nothing is left to be written, for else we would not read. An error,
// such as the reset of a client that has crashed, is the end of this connection alone.
func (s *server) receive(fd int) {
	n, err := sys.Read(fd, s.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN): // select says ready, and sometimes it is not
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
	if n < len(b) {
		s.left[fd] = append(s.left[fd][:0], b[n:]...)
		s.read.Clear(fd)
		s.write.Set(fd)
		return
	}
	delete(s.left, fd)
	s.write.Clear(fd)
	s.read.Set(fd)
}

// drop ends a connection. A number that is closed must leave the sets first: select
// would fail with EBADF, or wait for whatever gets that number next.
func (s *server) drop(fd int) {
	delete(s.left, fd)
	s.read.Clear(fd)
	s.write.Clear(fd)
	for !s.read.IsSet(s.highest) && !s.write.IsSet(s.highest) {
		s.highest--
	}
	sys.Close(fd)
}
