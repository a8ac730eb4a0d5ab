package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"zeromux/zmq"
)

func is(err, target error) bool { return errors.Is(err, target) }

const (
	efsm           = syscall.Errno(156384763)
	enocompatproto = syscall.Errno(156384764)
	eterm          = syscall.Errno(156384765)
)

func TestErrnoIsTheNumberThatLibzmqWouldHaveSet(t *testing.T) {
	for _, c := range []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{zmq.ErrWouldBlock, syscall.EAGAIN},
		{zmq.ErrTimeout, syscall.EAGAIN},
		{context.DeadlineExceeded, syscall.EAGAIN},
		{context.Canceled, syscall.EINTR},
		{zmq.ErrClosed, syscall.ENOTSOCK},
		{zmq.ErrTerminated, eterm},
		{zmq.ErrTooManySockets, syscall.EMFILE},
		{zmq.ErrState, efsm},
		{zmq.ErrHostUnreachable, syscall.EHOSTUNREACH},
		{zmq.ErrTooLarge, syscall.EMSGSIZE},
		{zmq.ErrIncompatible, enocompatproto},
		{zmq.ErrInvalid, syscall.EINVAL},
		{zmq.ErrAddressInUse, syscall.EADDRINUSE},
		{zmq.ErrNotFound, syscall.ENOENT},
		{zmq.ErrUnknownScheme, syscall.EPROTONOSUPPORT},
		{zmq.ErrUnsupported, syscall.ENOTSUP},
		{syscall.EACCES, syscall.EACCES},
		{errors.New("something else"), syscall.EINVAL},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			for _, err := range []error{c.err, &zmq.OpError{Op: "send", Err: fmt.Errorf("wrapped: %w", c.err)}} {
				if c.err == nil {
					err = nil
				}
				if got := zmq.Errno(err); got != c.want {
					t.Errorf("Errno(%v) = %d, want %d", err, got, c.want)
				}
			}
		})
	}
}

func TestSentinelsAreThoseOfTheStandardLibraryToo(t *testing.T) {
	for _, c := range []struct{ ours, theirs error }{
		{zmq.ErrTimeout, os.ErrDeadlineExceeded},
		{zmq.ErrClosed, net.ErrClosed},
		{zmq.ErrAddressInUse, syscall.EADDRINUSE},
		{zmq.ErrUnsupported, errors.ErrUnsupported},
	} {
		if !is(c.ours, c.theirs) {
			t.Errorf("%v is not %v", c.ours, c.theirs)
		}
	}
}

func TestEndpointsAreJudgedAsByLibzmq(t *testing.T) {
	const b, c = "bind", "connect"
	long := "ipc://" + strings.Repeat("x", 200)
	missing := "ipc://" + filepath.Join(t.TempDir(), "no", "such", "dir")
	for _, row := range []struct {
		op, endpoint string
		typ          zmq.SocketType
		want         error
		no           syscall.Errno
	}{
		{b, "", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "tcp", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "tcp:/127.0.0.1:5555", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "://x", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "tcp://", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "inproc://", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "TCP://127.0.0.1:*", zmq.PULL, zmq.ErrUnknownScheme, syscall.EPROTONOSUPPORT},
		{c, "carrier-pigeon://x", zmq.PULL, zmq.ErrUnknownScheme, syscall.EPROTONOSUPPORT},
		{b, "tcp://127.0.0.1", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "tcp://127.0.0.1:70000", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "tcp://127.0.0.1:x", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "tcp://nosuchinterface0:*", zmq.PULL, nil, syscall.ENODEV},
		{b, "tcp://192.0.2.1:*", zmq.PULL, nil, syscall.EADDRNOTAVAIL},
		{c, "tcp://*:5555", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{c, "tcp://127.0.0.1:*", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{c, "tcp://no.such.host.invalid:5555", zmq.PULL, nil, 0},
		{b, long, zmq.PULL, nil, syscall.ENAMETOOLONG},
		{c, long, zmq.PULL, nil, syscall.ENAMETOOLONG},
		{b, missing, zmq.PULL, nil, syscall.ENOENT},
		{c, missing, zmq.PULL, nil, 0},
		{b, "ipc://@", zmq.PULL, zmq.ErrInvalid, syscall.EINVAL},
		{b, "inproc://x", zmq.STREAM, zmq.ErrIncompatible, enocompatproto},
		{c, "inproc://x", zmq.STREAM, zmq.ErrIncompatible, enocompatproto},
	} {
		t.Run(fmt.Sprintf("%v %s %.40s", row.typ, row.op, row.endpoint), func(t *testing.T) {
			s := newSocket(t, newContext(t), row.typ, nil)
			var err error
			if row.op == b {
				_, err = s.Bind(row.endpoint)
			} else {
				err = s.Connect(row.endpoint)
			}
			if got := zmq.Errno(err); got != row.no {
				t.Fatalf("got errno %d (%v), want %d (%v): %v", got, got, row.no, row.no, err)
			}
			if err == nil {
				return
			}
			if row.want != nil && !is(err, row.want) {
				t.Errorf("%v is not %v", err, row.want)
			}
			var op *zmq.OpError
			if !errors.As(err, &op) || op.Op != row.op || op.Endpoint != row.endpoint || op.Socket != row.typ {
				t.Errorf("%#v does not say which call it ended", err)
			}
			bind(t, s, map[bool]string{true: "tcp://127.0.0.1:*", false: "inproc://goes on"}[row.typ == zmq.STREAM])
		})
	}
}

func TestWhatATypeCannotDoIsUnsupported(t *testing.T) {
	c := newContext(t)
	m := zmq.NewStringMessage("x")
	for _, typ := range []zmq.SocketType{zmq.PULL, zmq.SUB} {
		if err := newSocket(t, c, typ, nil).TrySend(m); !is(err, zmq.ErrUnsupported) || zmq.Errno(err) != syscall.ENOTSUP {
			t.Errorf("%v: send: %v", typ, err)
		}
	}
	for _, typ := range []zmq.SocketType{zmq.PUSH, zmq.PUB} {
		if _, err := newSocket(t, c, typ, nil).TryRecv(); !is(err, zmq.ErrUnsupported) || zmq.Errno(err) != syscall.ENOTSUP {
			t.Errorf("%v: receive: %v", typ, err)
		}
	}
	for _, typ := range []zmq.SocketType{zmq.PUSH, zmq.XSUB, zmq.PUB, zmq.XPUB} {
		if err := newSocket(t, c, typ, nil).Subscribe("x"); err == nil {
			t.Errorf("%v: subscribed", typ)
		}
	}
}

func TestAMessageWithoutFramesIsRefused(t *testing.T) {
	c := newContext(t)
	push, pull := join(t, c, "inproc://x", side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	if err := push.Send(within(t), zmq.Message{}); !is(err, zmq.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	send(t, push, "")
	want(t, pull, "")
}

func TestErrorsSayWhatWasDoneToWhat(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PUSH, nil)
	_, err := s.Bind("tcp://127.0.0.1:70000")
	for _, word := range []string{"zmq: PUSH: bind tcp://127.0.0.1:70000: invalid argument", "port"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not say %q", err, word)
		}
	}
	if _, err = s.Recv(within(t)); err == nil || err.Error() != "zmq: PUSH: receive: not supported by this socket type: unsupported operation" {
		t.Errorf("got %v", err)
	}
}
