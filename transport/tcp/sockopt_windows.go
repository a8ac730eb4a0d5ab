package tcp

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// socket is a handle, as the system's calls take it.
type socket windows.Handle

const (
	solSocket  = windows.SOL_SOCKET
	soSndbuf   = windows.SO_SNDBUF
	soRcvbuf   = windows.SO_RCVBUF
	protoIP    = windows.IPPROTO_IP
	protoIPv6  = windows.IPPROTO_IPV6
	ipTOS      = windows.IP_TOS
	ipv6TClass = 39 // IPV6_TCLASS of ws2ipdef.h

	soExclusiveAddrUse = ^windows.SO_REUSEADDR // SO_EXCLUSIVEADDRUSE of winsock2.h
	tcpMaxRT           = 5                     // TCP_MAXRT of ws2ipdef.h, seconds

	sioLoopbackFastPath = 0x98000010 // SIO_LOOPBACK_FAST_PATH of mstcpip.h

	hasPriority         = false
	hasBindToDevice     = false
	hasMaxRetransmit    = true
	hasBusyPoll         = false
	hasLoopbackFastPath = true
)

func setInt(s socket, level, name, value int) error {
	return windows.SetsockoptInt(windows.Handle(s), level, name, value)
}

// claimPort keeps other sockets from binding the same port. SO_REUSEADDR must
// never be set here: it means that a port in use may be stolen.
func claimPort(s socket) error { return setInt(s, windows.SOL_SOCKET, soExclusiveAddrUse, 1) }

// reuseSource does nothing, for the reason given at claimPort.
func reuseSource(socket) error { return nil }

// listenAgain does nothing: a second listen does not change the backlog here.
func listenAgain(socket, int) error { return nil }

func setPriority(socket, int) error           { return unsupported("Priority") }
func bindToDevice(socket, string, bool) error { return unsupported("BindToDevice") }
func setMaxRetransmit(s socket, d time.Duration) error {
	return setInt(s, windows.IPPROTO_TCP, tcpMaxRT, roundUp(d, time.Second))
}

func setBusyPoll(socket, time.Duration) error { return unsupported("BusyPoll") }

func setLoopbackFastPath(s socket) error {
	on, returned := uint32(1), uint32(0)
	return windows.WSAIoctl(windows.Handle(s), sioLoopbackFastPath, (*byte)(unsafe.Pointer(&on)), uint32(unsafe.Sizeof(on)),
		nil, 0, &returned, nil, 0) // on lives as long as the call, which only reads it
}
