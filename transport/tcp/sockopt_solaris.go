//go:build solaris

package tcp

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	hasPriority         = false
	hasBindToDevice     = false
	hasMaxRetransmit    = true
	hasBusyPoll         = false
	hasLoopbackFastPath = false
)

func setPriority(socket, int) error           { return unsupported("Priority") }
func bindToDevice(socket, string, bool) error { return unsupported("BindToDevice") }

func setMaxRetransmit(s socket, d time.Duration) error {
	return setInt(s, unix.IPPROTO_TCP, unix.TCP_ABORT_THRESHOLD, roundUp(d, time.Millisecond))
}

func setBusyPoll(socket, time.Duration) error { return unsupported("BusyPoll") }
func setLoopbackFastPath(socket) error        { return unsupported("LoopbackFastPath") }
