package ipc

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// PeerCredentials asks the system who is at the other end of c, which must be a
// Unix-domain connection; else the error wraps errors.ErrUnsupported.
func PeerCredentials(c net.Conn) (Credentials, error) {
	sc, ok := c.(syscall.Conn)
	if !ok || c.LocalAddr().Network() != "unix" {
		return Credentials{}, fmt.Errorf("ipc: credentials of a %T: %w", c, errors.ErrUnsupported)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return Credentials{}, fmt.Errorf("ipc: credentials: %w", err)
	}
	var cred *unix.Ucred
	outer := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if outer != nil {
		err = outer
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("ipc: credentials: %w", err)
	}
	return Credentials{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid}, nil
}
