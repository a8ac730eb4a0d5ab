//go:build unix

package tcp

import "golang.org/x/sys/unix"

// socket is a descriptor, as the system's calls take it.
type socket int

const (
	solSocket  = unix.SOL_SOCKET
	soSndbuf   = unix.SO_SNDBUF
	soRcvbuf   = unix.SO_RCVBUF
	protoIP    = unix.IPPROTO_IP
	protoIPv6  = unix.IPPROTO_IPV6
	ipTOS      = unix.IP_TOS
	ipv6TClass = unix.IPV6_TCLASS
)

func setInt(s socket, level, name, value int) error {
	return unix.SetsockoptInt(int(s), level, name, value)
}

// claimPort does nothing: the net package has set SO_REUSEADDR, which here lets
// a port be bound again at once after a restart, but never while it is in use.
func claimPort(socket) error { return nil }

// reuseSource lets a source port be used again, even with connections to other
// destinations still on it.
func reuseSource(s socket) error { return setInt(s, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }

func listenAgain(s socket, backlog int) error { return unix.Listen(int(s), backlog) }
