package iomux

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// bell ends a wait: its descriptor is in the set of each back end. On Linux it is an
// eventfd, a counter that is readable while it is not zero.
type bell struct {
	fd    int
	count [8]byte // what is written to it and read from it
}

func (b *bell) open() (err error) {
	b.fd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return err
}

// ring makes fd readable. A counter that cannot be raised any further rings already.
func (b *bell) ring() error {
	binary.NativeEndian.PutUint64(b.count[:], 1)
	if _, err := unix.Write(b.fd, b.count[:]); err != nil && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	return nil
}

func (b *bell) silence() { _, _ = unix.Read(b.fd, b.count[:]) }

func (b *bell) close() { unix.Close(b.fd) }
