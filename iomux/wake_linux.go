package iomux

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// bell ends a wait: its descriptor is in the set of each back end. On Linux it is an
// eventfd, a counter that is readable while it is not zero.
type bell struct{ fd int }

func newBell() (bell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return bell{fd}, err
}

// ring makes fd readable. A counter that cannot be raised any further rings already.
func (b bell) ring() error {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	if _, err := unix.Write(b.fd, one[:]); err != nil && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	return nil
}

func (b bell) silence() {
	var count [8]byte
	_, _ = unix.Read(b.fd, count[:])
}

func (b bell) close() { unix.Close(b.fd) }
