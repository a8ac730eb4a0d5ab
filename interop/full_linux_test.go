package interop

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// fullListener is an endpoint at which so many wait to be accepted that the system
// leaves further ones without an answer.
func fullListener(t *testing.T) (endpoint string, err error) {
	t.Helper()
	open := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(fd) })
		return fd
	}
	l := open()
	loopback := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.Bind(l, loopback), syscall.Listen(l, 0)); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(l)
	if err != nil {
		t.Fatal(err)
	}
	limit := syscall.NsecToTimeval(int64(200 * time.Millisecond))
	for range 10 {
		fd := open()
		if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Connect(fd, bound); err != nil {
			return fmt.Sprintf("tcp://127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port), nil
		}
	}
	return "", errors.New("the system accepts any number of connections")
}
