package ipc

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hasCredentials = true

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

// groupsOfProcess are the groups that the process at the other end of c is in
// beside its first; none when the system does not tell.
func groupsOfProcess(c net.Conn) (groups []uint32) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) { groups = peerGroups(fd) }) // on failure there are none
	return groups
}

// peerGroups asks for SO_PEERGROUPS, again when there are more than fit.
func peerGroups(fd uintptr) []uint32 {
	const each = 4 // octets
	groups := make([]uint32, 64)
	for {
		size := uint32(len(groups) * each)
		// Safe: both pointers are to memory that lives here during the call, and size
		// is how much of groups the system may write.
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(unsafe.SliceData(groups))), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			return groups[:size/each]
		case errno != unix.ERANGE || int(size/each) <= len(groups):
			return nil
		}
		groups = make([]uint32, size/each)
	}
}
