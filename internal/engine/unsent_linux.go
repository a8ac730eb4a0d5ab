package engine

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsent reports whether the peer's system has still to acknowledge something
// that was written to nc.
func unsent(nc net.Conn) bool {
	tcp, ok := carrier(nc).(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	some := false
	return raw.Control(func(fd uintptr) { some = unsentFD(int(fd)) }) == nil && some
}

// unsentFD is unsent of a descriptor.
func unsentFD(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	return err == nil && n > 0
}
