//go:build unix

package ipc

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// setBacklog sets the length of the queue of connections to be accepted. The
// net package has listened already, with the system's maximum, but to listen
// again on a listening socket changes the length.
func setBacklog(l *net.UnixListener, backlog int) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	if outer := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), backlog) }); outer != nil {
		return outer
	}
	if err != nil {
		return fmt.Errorf("option Backlog %d: %w", backlog, err)
	}
	return nil
}
