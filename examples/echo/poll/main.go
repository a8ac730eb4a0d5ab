//go:build unix

// Poll is the echo server on poll(2), which came with System V. Instead of sets of bits
// it takes an array with a row for each descriptor: what we want to know of it, and room
// for the answer. So there is no highest number, gaps cost nothing, and the question
// survives the call.
//
// Its price is that of select without the limit. The array is copied into the kernel and
// the answers back on each call, 8 octets a descriptor instead of a few bits. The kernel asks
// every descriptor, and joins and leaves the wait queue of each; and we look through the
// array for the rows that have an answer. One busy connection among ten thousand idle
// ones pays for all of them, each time.
//
//	go run ./examples/echo/poll [-count] [PORT]
package main

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"zeromux/examples/echo/internal/sys"
)

func main() { sys.Main(serve) }

// The first two rows of the array are those of the descriptor that ends the server, and
// of the listener.
const (
	stopRow = iota
	listenerRow
	firstRow
)

type server struct {
	listener *sys.Listener
	// A connection is asked for one thing: POLLOUT while something is left to be
	// written to it, else POLLIN. So of a client that does not read nothing more is
	// taken, and it is TCP that makes the client wait. Hang-ups (POLLHUP) and errors (POLLERR)
	// are told unasked.
	rows   []unix.PollFd
	left   map[int32][]byte // by descriptor: what has been read and not written yet
	buffer []byte
}

func serve(ctx context.Context, l *sys.Listener) error {
	stop, err := sys.Until(ctx)
	if err != nil {
		return err
	}
	// The client may have gone between poll and accept, which would then wait for the
	// next one, and everybody else with it. So the listener does not block either.
	if err := unix.SetNonblock(l.FD, true); err != nil {
		return err
	}
	s := server{listener: l, left: map[int32][]byte{}, buffer: make([]byte, 64<<10)}
	s.rows = []unix.PollFd{
		stopRow:     {Fd: int32(stop), Events: unix.POLLIN},
		listenerRow: {Fd: int32(l.FD), Events: unix.POLLIN},
	}
	for {
		if err := sys.Poll(s.rows); err != nil {
			return err
		}
		if s.rows[stopRow].Revents != 0 {
			return nil
		}
		// From the last row down: a connection that ends is replaced by the last one,
		// which has had its turn.
		for i := len(s.rows) - 1; i >= firstRow; i-- {
			row := &s.rows[i]
			alive := true
			switch {
			case row.Revents == 0:
			case row.Events == unix.POLLOUT:
				alive = s.send(row, s.left[row.Fd])
			default: // what a hang-up or an error is, read tells
				alive = s.receive(row)
			}
			if !alive {
				s.drop(i)
			}
		}
		if s.rows[listenerRow].Revents != 0 {
			s.accept()
		}
	}
}

func (s *server) accept() {
	fd, err := s.listener.Accept()
	if err != nil {
		return // that was about one connection
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		sys.Close(fd)
		return
	}
	s.rows = append(s.rows, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
}

// receive reads what there is, once: if there is more, poll says so again. It reports
// false when the connection is over. After the end of the stream nothing is left to be
// written, for else we would not read. An error, such as the reset of a client that has
// crashed, is the end of this connection alone.
func (s *server) receive(row *unix.PollFd) (alive bool) {
	n, err := sys.Read(int(row.Fd), s.buffer)
	if errors.Is(err, unix.EAGAIN) {
		return true // poll says ready, and sometimes it is not
	}
	if n == 0 || err != nil {
		return false
	}
	return s.send(row, s.buffer[:n])
}

// send writes what the kernel takes of b, and keeps the rest for when it takes more. It
// reports false when the connection is over.
func (s *server) send(row *unix.PollFd, b []byte) (alive bool) {
	n, err := sys.Write(int(row.Fd), b)
	if errors.Is(err, unix.EAGAIN) {
		n, err = 0, nil
	}
	if err != nil {
		return false
	}
	if n < len(b) {
		s.left[row.Fd] = append(s.left[row.Fd][:0], b[n:]...)
		row.Events = unix.POLLOUT
		return true
	}
	delete(s.left, row.Fd)
	row.Events = unix.POLLIN
	return true
}

// drop ends the connection of a row.
func (s *server) drop(i int) {
	fd, last := s.rows[i].Fd, len(s.rows)-1
	s.rows[i] = s.rows[last]
	s.rows = s.rows[:last]
	delete(s.left, fd)
	sys.Close(int(fd))
}
