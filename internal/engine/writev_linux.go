package engine

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vectors is what the system wants of a list.
type vectors [listMost]unix.Iovec

var vectorPool = sync.Pool{New: func() any { return new(vectors) }}

// writev writes list with one system call, of which the scheduler is told or not.
// unix.Writev would allocate for a long list.
func writev(fd int, list [][]byte, told bool) (int, error) {
	switch {
	case len(list) > 1:
	case told:
		return unix.Write(fd, list[0])
	default:
		return writeAtOnce(fd, list[0])
	}
	v := vectorPool.Get().(*vectors)
	for i, b := range list {
		v[i].Base = unsafe.SliceData(b)
		v[i].SetLen(len(b))
	}
	var n uintptr
	var errno unix.Errno
	if told {
		n, _, errno = unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(v)), uintptr(len(list)))
	} else {
		n, _, errno = unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(v)), uintptr(len(list)))
	}
	clear(v[:len(list)])
	vectorPool.Put(v)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
