package tcp

import (
	"time"

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

	hasPriority      = false
	hasBindToDevice  = false
	hasMaxRetransmit = true
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
