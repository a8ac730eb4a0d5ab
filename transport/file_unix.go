//go:build unix

package transport

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkListens refuses a socket that does not listen: nobody would ever come.
func checkListens(c syscall.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	listens := 0
	if outer := raw.Control(func(fd uintptr) {
		listens, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	}); outer != nil {
		err = outer
	}
	if err == nil && listens == 0 {
		err = fmt.Errorf("%w: a socket that does not listen", ErrInvalid)
	}
	return err
}
