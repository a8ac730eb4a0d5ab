//go:build unix

package zmq

import (
	"errors"

	"golang.org/x/sys/unix"
)

// isReadOnly reports whether a file that everybody may change is on a file system that
// is mounted to be read only. POSIX "access".
func isReadOnly(path string) bool { return errors.Is(unix.Access(path, unix.W_OK), unix.EROFS) }
