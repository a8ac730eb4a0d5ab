//go:build unix

package zmq

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openAtOnce opens a file to read it. A named pipe that has come in the place of a
// plain file is opened without waiting for somebody who writes it.
func openAtOnce(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// isReadOnly reports whether a file that everybody may change is on a file system that
// is mounted to be read only. POSIX "access".
func isReadOnly(path string) bool { return errors.Is(unix.Access(path, unix.W_OK), unix.EROFS) }
