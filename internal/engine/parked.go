//go:build unix

package engine

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file is the runtime driver: one goroutine for each connection, which waits
// in the poller of the Go runtime until something can be read, and holds no
// buffer meanwhile. What is to be written has no goroutine until it waits.

// parked is the driver of one connection.
type parked struct {
	gate
	flusher
	raw syscall.RawConn

	try func(fd uintptr) bool // reads once; a field, so that it is made once
	n   int                   // what try has read
	err error
}

func newParked(c *connection, raw syscall.RawConn) *parked {
	p := &parked{gate: newGate(c), raw: raw}
	p.flusher.c, p.to = c, p
	p.try = p.readOnce
	return p
}

func (p *parked) start() {
	go p.read()
	p.flush(false) // what waited for the connection
}

func (p *parked) close() {
	close(p.dead)
	_ = p.net.Close() // nothing could be done about an error
}

// read is the receiving goroutine.
func (p *parked) read() {
	p.abort(p.readAll())
	p.rest()
	p.stop()
	if p.through() {
		p.session.lost(p.connection)
	}
}

func (p *parked) readAll() error {
	if p.isClosed() {
		return p.cause
	}
	if _, err := p.receive(0); err != nil { // what came along with the handshake
		return err
	}
	for {
		if err := p.raw.Read(p.try); err != nil {
			return err
		}
		if p.err != nil {
			return p.err
		}
		if _, err := p.receive(p.n); err != nil {
			return err
		}
	}
}

// readOnce reads what is there; false means that nothing is.
func (p *parked) readOnce(fd uintptr) bool {
	p.n, p.err = readFD(int(fd), p.in.space())
	if p.err == errAgain {
		p.in.idle()
		return false
	}
	return true
}

// write is the flusher's sink.
func (p *parked) write(list [][]byte) (n int, err error) {
	failed := p.raw.Write(func(fd uintptr) bool {
		n, err = writeFD(int(fd), list)
		return true
	})
	if failed != nil {
		err = failed
	}
	return n, err
}

// lookout waits for room on a goroutine of its own: who was about to write may be
// an application.
func (p *parked) lookout() {
	go func() {
		_ = p.raw.Write(writable) // on failure the next write fails as well
		p.unblock()
	}()
}

// writable reports whether the system takes more, or an error is to be met.
func writable(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	return n != 0 || err != nil && err != unix.EINTR
}

// readFD reads once and never waits.
func readFD(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
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

// writeFD writes once and never waits.
func writeFD(fd int, list [][]byte) (int, error) {
	for {
		n, err := writev(fd, list)
		switch err {
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, errAgain
		default:
			return max(n, 0), err
		}
	}
}
