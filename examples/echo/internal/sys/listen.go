//go:build unix

package sys

import (
	"errors"
	"fmt"
	"log"

	"golang.org/x/sys/unix"
)

// A Listener is a socket that listens on the loopback interface. It blocks until
// somebody makes it non-blocking.
type Listener struct {
	FD   int // the descriptor
	Port int

	spare int // a descriptor to do without when there is no other
}

// Listen opens a Listener; port zero means any that is free.
func Listen(port int) (*Listener, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	// Without this the port of a server that has just ended is refused for a while.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, fmt.Errorf("setsockopt: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, fmt.Errorf("bind to port %d: %w", port, err)
	}
	// From here on the kernel shakes hands with clients by itself, and up to so many
	// connections wait in a queue until they are accepted.
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("getsockname: %w", err)
	}
	l := &Listener{FD: fd, Port: name.(*unix.SockaddrInet4).Port}
	l.save()
	return l, nil
}

// Accept takes the first connection off the queue. If the queue is empty a blocking
// Listener waits, and a non-blocking one returns EAGAIN. Of an error that is about one
// connection Accept tells the user: the caller has but to go on.
func (l *Listener) Accept() (fd int, err error) {
	fd, err = made("accept", func() (int, error) {
		fd, _, err := unix.Accept(l.FD)
		return fd, err
	})
	switch {
	case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINVAL): // EINVAL: it has been shut down
	case errors.Is(err, unix.ECONNABORTED): // the client did not wait for us
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		l.turnAway()
		log.Printf("a connection is turned away: %v", err)
	default:
		log.Printf("accept: %v", err)
	}
	return fd, err
}

// turnAway accepts a connection for which there is no descriptor, and closes it. Left
// where it is it would keep the Listener ready, and the server busy with it for ever.
func (l *Listener) turnAway() {
	if l.spare >= 0 {
		_ = unix.Close(l.spare)
	}
	if fd, _, err := unix.Accept(l.FD); err == nil {
		_ = unix.Close(fd)
	}
	l.save()
}

// save opens the spare descriptor; -1 stands for none.
func (l *Listener) save() {
	var err error
	if l.spare, err = unix.Open("/dev/null", unix.O_RDONLY, 0); err != nil {
		l.spare = -1
	}
}
