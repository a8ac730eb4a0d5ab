//go:build unix

package filemark

import (
	"os"
	"syscall"
)

// openAtOnce opens a file to read it. A named pipe that has come in the place of a
// plain file is opened without waiting for somebody who writes it.
func openAtOnce(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
