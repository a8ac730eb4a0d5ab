//go:build unix

package iomux

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// File returns a duplicate of the descriptor of a Nester, in the hands of Go's own
// poller: reading of its SyscallConn parks a goroutine until Wait would return at once,
// and a read deadline ends that. It is nil where m has no such descriptor or Go's poller
// does not take it. The caller closes it, before m.
func File(m Mux) *os.File {
	n, ok := m.(Nester)
	if !ok {
		return nil
	}
	inner, ok := n.Nest()
	if !ok {
		return nil
	}
	fd, err := duplicate(inner)
	if err != nil {
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd) // nothing was done with it
		return nil
	}
	file := os.NewFile(uintptr(fd), "multiplexer")
	if file.SetReadDeadline(time.Time{}) != nil { // Go's poller does not wait for it
		_ = file.Close() // nothing was done with it
		return nil
	}
	return file
}

// duplicate is dup(2) of a descriptor that no child process gets. Not every system
// does that in one call. It has a twin in internal/engine/descriptor_unix.go, for this
// package imports nothing of the module.
func duplicate(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	other, err := unix.Dup(fd)
	if err == nil {
		unix.CloseOnExec(other)
	}
	return other, err
}
