//go:build unix && !linux && !darwin && !solaris

package tcp

import "time"

const (
	hasPriority         = false
	hasBindToDevice     = false
	hasMaxRetransmit    = false
	hasBusyPoll         = false
	hasLoopbackFastPath = false
)

func setPriority(socket, int) error                { return unsupported("Priority") }
func bindToDevice(socket, string, bool) error      { return unsupported("BindToDevice") }
func setMaxRetransmit(socket, time.Duration) error { return unsupported("MaxRetransmit") }

func setBusyPoll(socket, time.Duration) error { return unsupported("BusyPoll") }
func setLoopbackFastPath(socket) error        { return unsupported("LoopbackFastPath") }
