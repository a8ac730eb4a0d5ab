//go:build unix && !linux

package iomux

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// bell ends a wait: its descriptor is in the set of each back end. It is a pipe to
// ourselves, readable while there is an octet in it.
type bell struct {
	fd, rope int
	octets   [64]byte // what is written to it and read from it
}

func (b *bell) open() error {
	// Not every system has pipe2; the lock keeps a child that is started meanwhile
	// from inheriting the ends.
	var ends [2]int
	syscall.ForkLock.RLock()
	err := unix.Pipe(ends[:])
	if err == nil {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	b.fd, b.rope = ends[0], ends[1]
	for _, fd := range ends {
		if err := unix.SetNonblock(fd, true); err != nil {
			b.close()
			return err
		}
	}
	return nil
}

// ring makes fd readable. A pipe that is full rings already.
func (b *bell) ring() error {
	if _, err := unix.Write(b.rope, b.octets[:1]); err != nil && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	return nil
}

func (b *bell) silence() {
	for {
		if n, err := unix.Read(b.fd, b.octets[:]); n < len(b.octets) || err != nil {
			return
		}
	}
}

func (b *bell) close() {
	unix.Close(b.fd)
	unix.Close(b.rope)
}
