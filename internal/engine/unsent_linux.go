package engine

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsent reports whether the peer's system has still to acknowledge something
// that was written to nc.
func unsent(nc net.Conn) bool {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	if raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }) != nil {
		return false
	}
	return err == nil && n > 0
}
