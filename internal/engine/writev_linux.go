package engine

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vectors is what the system wants of a list.
type vectors [listMost]unix.Iovec

var vectorPool = sync.Pool{New: func() any { return new(vectors) }}

// writev writes list with one system call. unix.Writev would allocate for a long
// one.
func writev(fd int, list [][]byte) (int, error) {
	if len(list) == 1 {
		return writeAtOnce(fd, list[0])
	}
	v := vectorPool.Get().(*vectors)
	for i, b := range list {
		v[i].Base = unsafe.SliceData(b)
		v[i].SetLen(len(b))
	}
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(v)), uintptr(len(list)))
	clear(v[:len(list)])
	vectorPool.Put(v)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
