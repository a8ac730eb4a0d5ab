//go:build unix

package engine

import (
	"net"
	"syscall"
)

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

// newDriver returns the driver that suits the connection.
func newDriver(c *connection) driver {
	if c.session.env.Multiplexer != "stream" {
		if raw, ok := descriptorOf(c.net); ok {
			return newParked(c, raw)
		}
	}
	return newStream(c)
}
