package tcp

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	hasPriority         = true
	hasBindToDevice     = true
	hasMaxRetransmit    = true
	hasBusyPoll         = true
	hasLoopbackFastPath = false
)

func setPriority(s socket, priority int) error {
	return setInt(s, unix.SOL_SOCKET, unix.SO_PRIORITY, priority)
}

func bindToDevice(s socket, device string, _ bool) error {
	return unix.BindToDevice(int(s), device)
}

func setMaxRetransmit(s socket, d time.Duration) error {
	return setInt(s, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, roundUp(d, time.Millisecond))
}

func setBusyPoll(s socket, d time.Duration) error {
	return setInt(s, unix.SOL_SOCKET, unix.SO_BUSY_POLL, roundUp(d, time.Microsecond))
}

func setLoopbackFastPath(socket) error { return unsupported("LoopbackFastPath") }
