package zmq

import (
	"fmt"

	"zeromux/internal/pattern"
)

// A SocketType is the messaging pattern of a socket. The constants have the
// protocol's own spelling and libzmq's numbers.
type SocketType int

// The socket types. Who may talk to whom: PAIR with PAIR; PUB and XPUB with SUB
// and XSUB; REQ with REP and ROUTER; DEALER with REP, DEALER and ROUTER; ROUTER
// with REQ, DEALER and ROUTER; PUSH with PULL; STREAM with anything that speaks
// plain TCP.
const (
	// PAIR talks to exactly one peer. RFC 31.
	PAIR SocketType = 0
	// PUB sends each message to every peer that subscribes to it. RFC 29.
	PUB SocketType = 1
	// SUB receives what it subscribes to. RFC 29.
	SUB SocketType = 2
	// REQ sends a request and receives its reply, in turn. RFC 28.
	REQ SocketType = 3
	// REP receives a request and sends its reply, in turn. RFC 28.
	REP SocketType = 4
	// DEALER sends to its peers in turn and receives from all. RFC 28.
	DEALER SocketType = 5
	// ROUTER sends to the peer that the first frame names, and puts the name
	// of the sender before what it receives. RFC 28.
	ROUTER SocketType = 6
	// PULL receives from all its peers in turn. RFC 30.
	PULL SocketType = 7
	// PUSH sends to its peers in turn. RFC 30.
	PUSH SocketType = 8
	// XPUB is PUB that receives the subscriptions of its peers. RFC 29. Receive them:
	// of a peer that is there no more than its high-water mark and its subscriptions
	// wait, but what those have left behind who are gone waits as well, as messages
	// do in any socket, so that whoever receives has the right picture. Who has no use
	// for it wants PUB.
	XPUB SocketType = 9
	// XSUB is SUB that sends its subscriptions as messages. RFC 29.
	XSUB SocketType = 10
	// STREAM sends and receives octets over plain TCP connections, each named
	// by a first frame.
	STREAM SocketType = 11
)

// String is the name of the type, such as "PUSH".
func (t SocketType) String() string {
	if row, ok := pattern.Lookup(pattern.Type(t)); ok {
		return row.Name
	}
	return fmt.Sprintf("SocketType(%d)", int(t))
}

// ParseSocketType returns the type of a name such as "PUSH". The error wraps
// ErrInvalid.
func ParseSocketType(name string) (SocketType, error) {
	row, ok := pattern.LookupName(name)
	if !ok {
		return 0, fmt.Errorf("zmq: %w: no socket type %q", ErrInvalid, name)
	}
	return SocketType(row.Type), nil
}
