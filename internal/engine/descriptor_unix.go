//go:build unix

package engine

import (
	"errors"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file is what the drivers of descriptors do with them. Nothing here waits.

// descriptorOf returns the way to the descriptor of a connection that is nothing
// else. A type of the application that merely contains one is not: it may do more
// in its Read and Write.
func descriptorOf(nc net.Conn) (syscall.RawConn, bool) {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		raw, err := nc.(syscall.Conn).SyscallConn()
		return raw, err == nil
	}
	return nil, false
}

// leaveNet takes a connection out of the hands of package net, which closes its
// own descriptor: the Go runtime must not be told of what a loop waits for.
func leaveNet(raw syscall.RawConn) (fd int, err error) {
	failed := raw.Control(func(own uintptr) {
		fd, err = duplicate(int(own))
	})
	return fd, errors.Join(failed, err)
}

// duplicate is dup(2) of a descriptor that no child process gets. Not every system
// does that in one call. It has a twin in iomux/nest_unix.go, which imports nothing of
// the module.
func duplicate(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	other, err := unix.Dup(fd)
	if err == nil {
		unix.CloseOnExec(other)
	}
	return other, err
}

// readNow reads what has come over a connection, if there is any.
func readNow(nc net.Conn, b []byte) (n int, err error) {
	raw, ok := descriptorOf(nc)
	if !ok {
		return 0, nil
	}
	failed := raw.Read(func(fd uintptr) bool {
		n, err = readFD(int(fd), b)
		return true
	})
	if err == errAgain || err == io.EOF { // which comes again
		err = nil
	}
	return n, errors.Join(failed, err)
}

// readFD reads once and never waits.
func readFD(fd int, b []byte) (int, error) {
	for {
		n, err := readAtOnce(fd, b)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, errAgain
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// writeFD writes once and never waits. The scheduler of the Go runtime is told of it if
// that is asked for.
func writeFD(fd int, list [][]byte, told bool) (int, error) {
	for {
		n, err := writev(fd, list, told)
		switch err {
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, errAgain
		default:
			return max(n, 0), err
		}
	}
}
