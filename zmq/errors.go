package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"zeromux/internal/inproc"
	"zeromux/internal/pattern"
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

	// ErrState: the socket type forbids this call at this time, such as a
	// second request before the reply. libzmq: EFSM.
	ErrState error = pattern.ErrState

	// ErrHostUnreachable: no peer has this routing id. libzmq: EHOSTUNREACH.
	ErrHostUnreachable error = pattern.ErrHostUnreachable

	// ErrTooLarge: a message is larger than a limit allows. libzmq: EMSGSIZE.
	ErrTooLarge = errors.New("message too large")

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

// fail wraps err with the call that it ends.
func (s *Socket) fail(op, endpoint string, err error) error {
	if errors.Is(err, pattern.ErrUnsupported) {
		err = fmt.Errorf("%w: %w", err, errors.ErrUnsupported)
	}
	return &OpError{Op: op, Socket: s.Type(), Endpoint: endpoint, Err: err}
}

// libzmq's own numbers.
const (
	hausnumero     = 156384712
	efsm           = syscall.Errno(hausnumero + 51)
	enocompatproto = syscall.Errno(hausnumero + 52)
	eterm          = syscall.Errno(hausnumero + 53)
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
	{ErrState, efsm},
	{ErrHostUnreachable, syscall.EHOSTUNREACH},
	{ErrTooLarge, syscall.EMSGSIZE},
	{ErrIncompatible, enocompatproto},
	{ErrInvalid, syscall.EINVAL},
	{ErrUnknownScheme, syscall.EPROTONOSUPPORT},
	{ErrNotFound, syscall.ENOENT},
	{inproc.ErrInUse, syscall.EADDRINUSE},
	{pattern.ErrUnsupported, syscall.ENOTSUP},
	{errors.ErrUnsupported, syscall.ENOTSUP},
	{transport.ErrInvalid, syscall.EINVAL},
	{zmtp.ErrTooLarge, syscall.EMSGSIZE},
	{context.DeadlineExceeded, syscall.EAGAIN},
	{context.Canceled, syscall.EINTR},
}

// Errno is the number that libzmq would have set for err, by this system's
// numbering, with libzmq's own for EFSM, ENOCOMPATPROTO and ETERM. It is zero
// for nil and EINVAL for an error that libzmq does not know.
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
