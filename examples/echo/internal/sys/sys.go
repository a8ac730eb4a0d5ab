//go:build unix

// Package sys is what the echo servers have in common. The calls of this file are
// those of golang.org/x/sys/unix under the same names, and nothing between the server
// and the kernel but two things: each is counted, and one that a signal has cut short
// (EINTR) is made again.
package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Read reads what has arrived, and b has room for. Zero octets without error are the
// end of the stream: the client has shut its sending side. If nothing has arrived a
// blocking descriptor waits, and a non-blocking one returns EAGAIN.
func Read(fd int, b []byte) (n int, err error) {
	return made("read", func() (int, error) { return unix.Read(fd, b) })
}

// Write gives b to the kernel, which sends it when it can. A blocking descriptor waits
// until there is room for all of it. A non-blocking one takes as much as there is room
// for, and returns EAGAIN if there is none.
func Write(fd int, b []byte) (n int, err error) {
	return made("write", func() (int, error) { return unix.Write(fd, b) })
}

// Select waits until one of the descriptors below n that stand in a set is ready, and
// leaves in the sets those that are.
func Select(n int, read, write *unix.FdSet) error {
	_, err := made("select", func() (int, error) { return unix.Select(n, read, write, nil, nil) })
	return err
}

// Poll waits until one of fds is ready, and says so in its Revents.
func Poll(fds []unix.PollFd) error {
	_, err := made("poll", func() (int, error) { return unix.Poll(fds, -1) })
	return err
}

// Close gives fd back. Whatever it returns, fd is no longer ours.
func Close(fd int) {
	Count("close")
	_ = unix.Close(fd)
}

// made makes a call until no signal comes between.
func made(name string, call func() (int, error)) (n int, err error) {
	for {
		Count(name)
		if n, err = call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
