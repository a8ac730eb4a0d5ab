package transporttest

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"zeromux/transport"
)

// checkBuffers compares the sizes of c's buffers with o. Linux doubles what it
// is asked for, to have room for its own books.
func checkBuffers(t testing.TB, c net.Conn, o *transport.Options) {
	t.Helper()
	if got := SocketOption(t, c, unix.SOL_SOCKET, unix.SO_SNDBUF); got != 2*o.SendBuffer {
		t.Errorf("send buffer of %d octets, want %d", got, 2*o.SendBuffer)
	}
	if got := SocketOption(t, c, unix.SOL_SOCKET, unix.SO_RCVBUF); got != 2*o.RecvBuffer {
		t.Errorf("receive buffer of %d octets, want %d", got, 2*o.RecvBuffer)
	}
}

// SocketOption reads a number from the socket of c.
func SocketOption(t testing.TB, c any, level, name int) (value int) {
	t.Helper()
	if nc, ok := c.(net.Conn); ok {
		c = Carrier(nc)
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if outer := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); outer != nil {
		t.Fatal(outer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}
