package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"zeromux/internal/engine"
	"zeromux/internal/inproc"
	"zeromux/internal/mechanism"
	"zeromux/internal/pattern"
	"zeromux/internal/zap"
	"zeromux/transport"
	"zeromux/zmtp"
)

// What an application may test for with errors.Is, through every wrap.
var (
	// ErrWouldBlock: TrySend or TryRecv would have to wait. libzmq: EAGAIN.
	ErrWouldBlock error = pattern.ErrWouldBlock

	// ErrTimeout: the socket's send or receive timeout has passed. It is also
	// os.ErrDeadlineExceeded. libzmq: EAGAIN.
	ErrTimeout error = &also{"timed out", os.ErrDeadlineExceeded}

	// ErrClosed: the socket is closed. It is also net.ErrClosed. libzmq:
	// ENOTSOCK.
	ErrClosed error = &also{"socket closed", net.ErrClosed}

	// ErrTerminated: the context is shut down; close the socket. libzmq: ETERM.
	ErrTerminated = errors.New("context terminated")

	// ErrTooManySockets: the context has as many sockets as it may. libzmq:
	// EMFILE.
	ErrTooManySockets = errors.New("too many sockets in the context")

	// ErrNoIOThreads: the context has no loop for the connections of this
	// endpoint: none at all, or none that Network.Affinity names. libzmq:
	// EMTHREAD.
	ErrNoIOThreads = errors.New("no I/O thread is available")

	// ErrState: the socket type forbids this call at this time, such as a
	// second request before the reply; or Run of a Proxy or Reactor that runs.
	// libzmq: EFSM.
	ErrState error = pattern.ErrState

	// ErrHostUnreachable: no peer has this routing id. libzmq: EHOSTUNREACH.
	ErrHostUnreachable error = pattern.ErrHostUnreachable

	// ErrTooLarge: a peer sent a frame larger than Limits.MessageSize; Event.Err
	// says so. libzmq: EMSGSIZE.
	ErrTooLarge error = zmtp.ErrTooLarge

	// ErrIncompatible: the transport, or the peer, does not go with the socket
	// type. libzmq: ENOCOMPATPROTO.
	ErrIncompatible = errors.New("not compatible with the socket type")

	// ErrInvalid: an argument has no meaning; the text says which and why.
	// libzmq: EINVAL.
	ErrInvalid error = pattern.ErrInvalid

	// ErrAddressInUse: another socket has this endpoint. libzmq: EADDRINUSE.
	ErrAddressInUse error = &also{"address in use", syscall.EADDRINUSE}

	// ErrNotFound: the socket has no such endpoint to unbind or disconnect.
	// libzmq: ENOENT.
	ErrNotFound = errors.New("no such endpoint")

	// ErrUnknownScheme: there is no transport of this name. libzmq:
	// EPROTONOSUPPORT.
	ErrUnknownScheme = errors.New("unknown transport")

	// ErrPollerClosed: the poller, or the reactor, is closed. It is also
	// net.ErrClosed. libzmq: EFAULT.
	ErrPollerClosed error = &also{"poller closed", net.ErrClosed}

	// ErrEmptyPoller: there is nothing to wait for, and no end to the waiting.
	// libzmq: EFAULT.
	ErrEmptyPoller = errors.New("nothing to wait for, and for ever")

	// ErrUnsupported: the socket type or the system cannot do this at all. It
	// is errors.ErrUnsupported. libzmq: ENOTSUP.
	ErrUnsupported = errors.ErrUnsupported
)

// also is a sentinel that is a second one as well.
type also struct {
	text  string
	other error
}

func (e *also) Error() string { return e.text }
func (e *also) Unwrap() error { return e.other }

// errNoFrames is what a message without frames is refused with.
var errNoFrames = fmt.Errorf("%w: it has no frames", ErrInvalid)

// An OpError says which call failed, on which endpoint, and why.
type OpError struct {
	Op       string // "send", "bind" and so on
	Socket   SocketType
	Endpoint string // empty where the call is not about one
	Err      error
}

func (e *OpError) Error() string {
	if e.Endpoint == "" {
		return fmt.Sprintf("zmq: %v: %s: %v", e.Socket, e.Op, e.Err)
	}
	return fmt.Sprintf("zmq: %v: %s %s: %v", e.Socket, e.Op, e.Endpoint, e.Err)
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the call ran out of time, as net.Error has it.
func (e *OpError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// A PollError says which call of a Poller failed, about what, and why.
type PollError struct {
	Op     string  // "add", "modify", "remove", "wait" or "close"
	Socket *Socket // what it is about; nil: a descriptor, or nothing in particular
	FD     int     // the descriptor; -1: none
	User   any     // of a socket that has ended a wait, as it was given when it was added
	Err    error
}

func (e *PollError) Error() string {
	switch {
	case e.Socket != nil:
		return fmt.Sprintf("zmq: poller: %s %v: %v", e.Op, e.Socket.Type(), e.Err)
	case e.FD != noFD:
		return fmt.Sprintf("zmq: poller: %s descriptor %d: %v", e.Op, e.FD, e.Err)
	}
	return fmt.Sprintf("zmq: poller: %s: %v", e.Op, e.Err)
}

// Unwrap returns Err.
func (e *PollError) Unwrap() error { return e.Err }

// Timeout reports whether the call ran out of time, as net.Error has it.
func (e *PollError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// A HandshakeError says how far the handshake with a peer came and why it ended
// there. It is what Event.Err holds when a handshake fails, and when the
// connection ends because of that. It is ErrIncompatible when the two socket
// types do not go together, and ErrDenied when one side does not let the other in.
type HandshakeError struct {
	Peer      string         // the address of the peer
	Phase     HandshakePhase // how far it came
	Mechanism string         // the socket's own security, such as "CURVE"
	Status    int            // 300, 400 or 500 where authentication said so; else 0. RFC 27 "Status Codes"
	Err       error
}

// A HandshakePhase is a part of a handshake.
type HandshakePhase string

// The parts of a handshake.
const (
	// PhaseTLS: over tls+tcp, both sides find out by certificates who they are, before
	// ZMTP begins. RFC 8446.
	PhaseTLS HandshakePhase = engine.PhaseTLS
	// PhaseGreeting: both sides tell the version they speak and the security
	// they want. RFC 37 "The Greeting".
	PhaseGreeting HandshakePhase = engine.PhaseGreeting
	// PhaseMechanism: they authenticate each other and tell their socket types
	// and properties. RFC 37 "Connection Metadata".
	PhaseMechanism HandshakePhase = engine.PhaseMechanism
	// PhaseIdentity: with peers of ZMTP 1.0 and 2.0, both tell their routing
	// ids, and nothing else.
	PhaseIdentity HandshakePhase = engine.PhaseIdentity
)

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("handshake with %s, %s: %v", e.Peer, e.Phase, e.Err)
}

// Unwrap returns Err.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Is makes a pair of socket types that do not go together ErrIncompatible, and a verdict
// of either side what an Authenticator has said.
func (e *HandshakeError) Is(target error) bool {
	switch target {
	case ErrIncompatible:
		return errors.Is(e.Err, mechanism.ErrIncompatible)
	case ErrDenied:
		return e.Status == zap.StatusDenied
	case ErrTryLater:
		return e.Status == zap.StatusTemporary
	case ErrAuthenticatorFailed:
		return e.Status == zap.StatusInternal
	}
	return false
}

// handshakeError is err as applications see it, if a handshake with peer ended
// with it.
func handshakeError(err error, peer string) error {
	var failed *engine.HandshakeError
	if !errors.As(err, &failed) {
		return err
	}
	e := &HandshakeError{Peer: peer, Phase: HandshakePhase(failed.Phase), Mechanism: failed.Mechanism, Err: failed.Err}
	e.Status = failed.Status()
	return e
}

// fail wraps err with the call that it ends.
func (s *Socket) fail(op, endpoint string, err error) error {
	switch {
	case errors.Is(err, pattern.ErrUnsupported):
		err = fmt.Errorf("%w: %w", err, errors.ErrUnsupported)
	case errors.Is(err, transport.ErrInvalid) && !errors.Is(err, ErrInvalid):
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return &OpError{Op: op, Socket: s.Type(), Endpoint: endpoint, Err: err}
}

// libzmq's own numbers.
const (
	hausnumero     = 156384712
	efsm           = syscall.Errno(hausnumero + 51)
	enocompatproto = syscall.Errno(hausnumero + 52)
	eterm          = syscall.Errno(hausnumero + 53)
	emthread       = syscall.Errno(hausnumero + 54)
)

// numbers is what libzmq would have set, for each sentinel.
var numbers = []struct {
	err error
	no  syscall.Errno
}{
	{ErrWouldBlock, syscall.EAGAIN},
	{ErrTimeout, syscall.EAGAIN},
	{ErrClosed, syscall.ENOTSOCK},
	{ErrTerminated, eterm},
	{ErrTooManySockets, syscall.EMFILE},
	{ErrNoIOThreads, emthread},
	{ErrState, efsm},
	{ErrHostUnreachable, syscall.EHOSTUNREACH},
	{ErrTooLarge, syscall.EMSGSIZE},
	{ErrIncompatible, enocompatproto},
	{ErrInvalid, syscall.EINVAL},
	{ErrPollerClosed, syscall.EFAULT},
	{ErrEmptyPoller, syscall.EFAULT},
	{ErrUnknownScheme, syscall.EPROTONOSUPPORT},
	{ErrNotFound, syscall.ENOENT},
	{inproc.ErrInUse, syscall.EADDRINUSE},
	{pattern.ErrUnsupported, syscall.ENOTSUP},
	{errors.ErrUnsupported, syscall.ENOTSUP},
	{context.DeadlineExceeded, syscall.EAGAIN},
	{context.Canceled, syscall.EINTR},
}

// Errno is the number that libzmq would have set for err, by this system's
// numbering, with libzmq's own for EFSM, ENOCOMPATPROTO, ETERM and EMTHREAD. It
// is zero for nil and EINVAL for an error that libzmq does not know.
func Errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	for i := range numbers {
		if errors.Is(err, numbers[i].err) {
			return numbers[i].no
		}
	}
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return syscall.EINVAL
}
