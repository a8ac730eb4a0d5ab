package transport

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
)

// ListenerOf makes a listener of a duplicate of f, which must be a socket that
// listens already; else the error wraps ErrInvalid. Where that cannot be done it
// wraps errors.ErrUnsupported.
func ListenerOf(f *os.File) (net.Listener, error) {
	if f == nil {
		return nil, fmt.Errorf("%w: no file", ErrInvalid)
	}
	l, err := net.FileListener(f)
	switch {
	case err != nil && runtime.GOOS == "windows":
		return nil, fmt.Errorf("listening with a descriptor: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w: no socket that could listen: %w", ErrInvalid, err)
	}
	if err := checkListens(l.(syscall.Conn)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
