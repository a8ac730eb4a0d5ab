package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/internal/zap"
	"zeromux/transport"
	"zeromux/zmtp"
)

// EventKind tells what happened, by libzmq's numbers.
type EventKind uint32

// What can happen. libzmq: zmq_socket_monitor.
const (
	EventConnected          EventKind = 0x0001
	EventConnectDelayed     EventKind = 0x0002
	EventConnectRetried     EventKind = 0x0004
	EventListening          EventKind = 0x0008
	EventBindFailed         EventKind = 0x0010
	EventAccepted           EventKind = 0x0020
	EventAcceptFailed       EventKind = 0x0040
	EventClosed             EventKind = 0x0080
	EventCloseFailed        EventKind = 0x0100
	EventDisconnected       EventKind = 0x0200
	EventMonitorStopped     EventKind = 0x0400
	EventHandshakeNoDetail  EventKind = 0x0800
	EventHandshakeSucceeded EventKind = 0x1000
	EventHandshakeProtocol  EventKind = 0x2000
	EventHandshakeAuth      EventKind = 0x4000
	EventPipesStats         EventKind = 0x10000
)

// An Event is one thing that happened to an endpoint or a connection.
type Event struct {
	Kind EventKind
	// Time is when it happened.
	Time time.Time
	// Endpoint is the socket's own: as it was bound, or as it was connected.
	Endpoint string
	// Local and Remote are the ends of the connection, where there is one. Of a
	// listener there is Local alone.
	Local, Remote string
	// Connecting says that the endpoint was connected to, not bound.
	Connecting bool
	// Peer is the peer of the connection, from the end of the handshake on; nil
	// before.
	Peer *message.Peer
	// Value is libzmq's: a descriptor, or -1 where none is known; an errno, a
	// protocol error number, a ZAP status, or the pause before the next attempt
	// in milliseconds.
	Value int
	// Err is why, where there is a reason.
	Err error
}

// reason tells how a connection ended, which decides what a connecting session
// does next.
type reason uint8

const (
	// reasonLost: end of stream, reset, a failing network.
	reasonLost reason = iota
	// reasonTimeout: a deadline passed: handshake, heartbeat, time to live.
	reasonTimeout
	// reasonProtocol: the peer broke the protocol or refused us; trying again
	// would end alike.
	reasonProtocol
)

// errHeartbeat is why a connection ends whose peer has been silent for too long.
var errHeartbeat = errors.New("peer silent for longer than its heartbeat allows")

// errRefused is why a connection ends whose peer the pattern does not serve.
var errRefused = errors.New("peer not served: the routing id is in use, or the socket has its one peer")

// errKicked is why a connection ends that the socket closed.
var errKicked = errors.New("connection closed by the socket")

// ErrViolation is why a connection ends when the peer's messages are not what
// the socket type allows.
var ErrViolation = errors.New("message breaks the rules of the socket type")

// reasonOf classifies the error that a connection ended with.
func reasonOf(err error) reason {
	var protocol *zmtp.ProtocolError
	var refused *mechanism.RefusedError
	d := denied(err)
	switch {
	case d != nil && errors.Is(err, zap.ErrNoHandler) && !isSilent(err):
		return reasonProtocol // so has libzmq it of a server that connects
	case d != nil:
		return reasonLost // others may be let in, or the same one later, and who was asked may come back
	case errors.As(err, &refused), errors.As(err, &protocol), errors.Is(err, ErrViolation):
		return reasonProtocol
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errHeartbeat):
		return reasonTimeout
	}
	return reasonLost
}

// errno is the number that libzmq would report for err.
func errno(err error) int {
	var no syscall.Errno
	var ne net.Error
	switch {
	case errors.As(err, &no):
		return int(no)
	case errors.As(err, &ne) && ne.Timeout():
		return int(syscall.EAGAIN)
	case refusedByTLS(err):
		return int(syscall.EPROTO)
	}
	return int(syscall.EPIPE)
}

// handshakeEvent is the event that tells of a failed handshake, if there is one:
// libzmq raises none for bad metadata and for older peers that it turns away.
func handshakeEvent(err error) (Event, bool) {
	var protocol *zmtp.ProtocolError
	var refused *mechanism.RefusedError
	d := denied(err)
	switch {
	case errors.As(err, &refused):
		return Event{Kind: EventHandshakeAuth, Value: refused.Status, Err: err}, refused.Status != 0
	case d != nil && d.Status != 0:
		return Event{Kind: EventHandshakeAuth, Value: d.Status, Err: err}, true
	case d != nil && errors.Is(err, zap.ErrNoHandler):
		return Event{Kind: EventHandshakeNoDetail, Value: int(syscall.EFAULT), Err: err}, true
	case errors.As(err, &protocol):
		return Event{Kind: EventHandshakeProtocol, Value: int(protocol.Code), Err: err}, protocol.Code != 0
	case errors.Is(err, errOldPeer), errors.Is(err, errRefused):
		return Event{}, false
	}
	return Event{Kind: EventHandshakeNoDetail, Value: errno(err), Err: err}, true
}

// openEvent is the event that tells of a frame which could not be opened, if that is why
// a connection ended. libzmq has none but that of the handshake.
func openEvent(err error) (Event, bool) {
	var failed *openError
	code := zmtp.CodeOf(err)
	return Event{Kind: EventHandshakeProtocol, Value: int(code), Err: err}, errors.As(err, &failed) && code != 0
}

// attempted reports whether there was an address to be tried by an attempt to
// connect or bind that failed, and so a descriptor, for libzmq to tell of its end.
func attempted(err error) bool {
	var unknown *net.DNSError
	var unreadable *transport.AddressError
	return !errors.As(err, &unknown) && !errors.As(err, &unreadable)
}

// descriptor is the system's number for a connection or listener, -1 if it tells
// none. It only names: whoever holds the descriptor may have made a copy of it.
func descriptor(what any) int {
	fd := -1
	if nc, ok := what.(net.Conn); ok {
		what = carrier(nc)
	}
	if c, ok := what.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			_ = raw.Control(func(own uintptr) { fd = int(own) }) // closed: no number
		}
	}
	return fd
}

// report gives an event its time and hands it to the host and the log.
func report(env *Env, host Host, e Event) {
	e.Time = time.Now()
	host.Event(e)
	if env.Logger == nil {
		return
	}
	ctx, level := context.Background(), slog.LevelDebug
	var failed *HandshakeError
	told := e.Kind != EventDisconnected && errors.As(e.Err, &failed)
	if told && (e.Kind == EventHandshakeAuth || e.Kind == EventHandshakeProtocol || denied(e.Err) != nil) {
		level = slog.LevelWarn
	}
	if !env.Logger.Enabled(ctx, level) {
		return // a flood of strangers is not to cost what nobody reads
	}
	attrs := []any{"endpoint", e.Endpoint, "local", e.Local, "remote", e.Remote, "peer", e.Peer, "value", e.Value, "error", e.Err}
	if told {
		attrs = append(attrs, "phase", failed.Phase, "mechanism", failed.Mechanism, "status", failed.Status())
	}
	env.Logger.Log(ctx, level, "zmq: "+e.Kind.String(), attrs...)
}

var eventNames = map[EventKind]string{
	EventConnected: "connected", EventConnectDelayed: "connect delayed", EventConnectRetried: "connect retried",
	EventListening: "listening", EventBindFailed: "bind failed", EventAccepted: "accepted",
	EventAcceptFailed: "accept failed", EventClosed: "closed", EventCloseFailed: "close failed",
	EventDisconnected: "disconnected", EventMonitorStopped: "monitor stopped",
	EventHandshakeNoDetail: "handshake failed", EventHandshakeSucceeded: "handshake succeeded",
	EventHandshakeProtocol: "handshake failed: protocol", EventHandshakeAuth: "handshake failed: authentication",
	EventPipesStats: "pipe statistics",
}

// String is the event in words.
func (k EventKind) String() string {
	if name, ok := eventNames[k]; ok {
		return name
	}
	return fmt.Sprintf("event %#x", uint32(k))
}
