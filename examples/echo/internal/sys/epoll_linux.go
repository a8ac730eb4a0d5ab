package sys

import "golang.org/x/sys/unix"

// EpollCtl changes what epoll has to say of fd: op is EPOLL_CTL_ADD, _MOD or _DEL.
func EpollCtl(epoll, op, fd int, events uint32) error {
	_, err := made("epoll_ctl", func() (int, error) {
		return 0, unix.EpollCtl(epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	})
	return err
}

// EpollWait waits until a descriptor is ready, fills events with those that are, and
// returns how many.
func EpollWait(epoll int, events []unix.EpollEvent) (n int, err error) {
	return made("epoll_wait", func() (int, error) { return unix.EpollWait(epoll, events, -1) })
}
