//go:build linux && !race

package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The descriptors of this package are in non-blocking mode, so its reads and writes
// never wait, and the scheduler of the Go runtime is not told of them. Who tells it pays
// twice: for the telling, and because a call of 20 µs or more, as a write is that wakes
// another process, has its processor taken away, for which the runtime's monitor wakes up
// every 20 µs (docs/adr/0019). The race detector sees only the calls that are told of.

// readAtOnce is read(2).
func readAtOnce(fd int, b []byte) (int, error) {
	return atOnce(unix.SYS_READ, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b))
}

// writeAtOnce is write(2).
func writeAtOnce(fd int, b []byte) (int, error) {
	return atOnce(unix.SYS_WRITE, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b))
}

// atOnce calls the system, which moves octets from or to where p points.
func atOnce(call uintptr, fd int, p unsafe.Pointer, n int) (int, error) {
	moved, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(p), uintptr(n))
	if errno != 0 {
		return 0, errno
	}
	return int(moved), nil
}
