package tcp

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	hasPriority         = false
	hasBindToDevice     = true
	hasMaxRetransmit    = true
	hasBusyPoll         = false
	hasLoopbackFastPath = false
)

func setPriority(socket, int) error { return unsupported("Priority") }

func bindToDevice(s socket, device string, ipv6 bool) error {
	ifi, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	if ipv6 {
		return setInt(s, unix.IPPROTO_IPV6, unix.IPV6_BOUND_IF, ifi.Index)
	}
	return setInt(s, unix.IPPROTO_IP, unix.IP_BOUND_IF, ifi.Index)
}

func setMaxRetransmit(s socket, d time.Duration) error {
	return setInt(s, unix.IPPROTO_TCP, unix.TCP_RXT_CONNDROPTIME, roundUp(d, time.Second))
}

func setBusyPoll(socket, time.Duration) error { return unsupported("BusyPoll") }
func setLoopbackFastPath(socket) error        { return unsupported("LoopbackFastPath") }
