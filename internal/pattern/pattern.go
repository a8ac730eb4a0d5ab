// Package pattern holds the rules of the socket types: who gets a message, and
// what may be done in which order. One file a type, and types.go with one row
// for each.
//
// A pattern is a plain state machine over pipes. It never blocks, locks, waits
// or looks at a clock; the socket in package zmq does that. It imports routing,
// pipe, trie and message, and knows no wire, no transport and no engine.
package pattern

import (
	"errors"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// Pattern is the contract between a socket and its type.
//
// Send and Writable are called with the socket's sendMu held, Recv and Readable
// with recvMu; every other method with both, and so is all of a type whose row
// says Lockstep. No method may block, call out or keep what it is given, but
// for the ends.
//
// A message has at least one frame. One that Send accepts has been copied into
// pipes when it returns. The frames that Recv yields are borrowed from the end
// it returns until the next Recv or CanRecv; with a nil end they are the
// pattern's own and must be copied, and so must the first frame if the type's
// row says PrependsID. A message with a nil end may still have a Peer.
//
// Publishers get Readable with both locks held (see Row).
type Pattern interface {
	// Attach gives the pattern a new pipe. Messages may be queued in it though
	// no connection is up. Something may wait in it already. It reports
	// whether the pattern takes it; one it refuses, the socket closes.
	Attach(e *pipe.End) bool
	// Online says that a connection of the pipe is up and e.Peer known. It
	// comes after Attach, once for every connection. It reports whether the
	// pattern serves the peer. One it refuses is disconnected; a session that
	// connects tries again later. It may also come after Detach, for a
	// connection that only takes what is left to be sent; the pattern has no
	// say in that.
	Online(e *pipe.End) bool
	// Offline says that the connection is lost and may come back. What the
	// peer asked for is forgotten; what it sent can still be received.
	Offline(e *pipe.End)
	// Detach says that nothing must be written any more: the peer is gone for
	// good. What it sent before can still be received.
	Detach(e *pipe.End)
	// Discard says that what still waits in e must not be received: the
	// application has disconnected. It comes after Detach.
	Discard(e *pipe.End)

	// Send takes m or returns ErrWouldBlock, ErrState, ErrHostUnreachable,
	// ErrUnsupported or ErrInvalid and leaves it with the caller.
	Send(m *message.Message) error
	// Recv fills m with the next message, or returns ErrWouldBlock, ErrState
	// or ErrUnsupported.
	Recv(m *message.Message) (*pipe.End, error)

	// Writable says that e has room again.
	Writable(e *pipe.End)
	// Readable says that something waits in e again.
	Readable(e *pipe.End)

	// CanSend and CanRecv tell whether Send and Recv would not return
	// ErrWouldBlock or ErrState now. libzmq: ZMQ_EVENTS.
	CanSend() bool
	CanRecv() bool
}

// Subscriber is what SUB has beyond Pattern, and a publisher in manual mode.
// Called with both locks held.
type Subscriber interface {
	Subscribe(topic []byte) error
	Unsubscribe(topic []byte) error
}

// Soloist is what a type has beyond Pattern when sending to the only pipe there
// is needs nothing of the pattern: the socket then writes into the pipe without
// asking. Called with both locks held, after anything but Send and Recv.
type Soloist interface {
	// Solo returns the only pipe, or nil when there are more or none.
	Solo() *pipe.End
}

// FairReceiver is what a type has beyond Pattern that receives by taking turns
// and adds nothing of its own, but that it may be Selective: the socket then takes
// short messages off the rotation without asking.
type FairReceiver interface {
	// Queue returns the rotation, always the same.
	Queue() *routing.FairQueue
}

// Selective is a FairReceiver that does not want every message. Called with recvMu
// held.
type Selective interface {
	// Ahead reports whether a message has been taken off the rotation before its
	// turn, so that the pattern itself must be asked for the next.
	Ahead() bool
	// Wanted reports whether the application is to have a message of e that begins
	// with frame; one that it is not to have counts as dropped.
	Wanted(e *pipe.End, frame []byte) bool
}

// Env is what a socket gives its pattern.
type Env struct {
	// Pool is where copies of messages come from.
	Pool *message.Pool
	// Options are the socket's; the pattern reads them at each use, so that a
	// change is live. Guarded by sendMu and recvMu together.
	Options *Options
	// Dropped counts a message that was thrown away, by cause and by the peer that
	// sent it or was to get it; nil: none.
	Dropped func(Cause, *pipe.End)
	// Expel closes the connection of e for good, and Dismiss does so when what was
	// written to e before has gone out; what e brings is not received any more.
	// Both take effect after the locks are released.
	Expel   func(e *pipe.End)
	Dismiss func(e *pipe.End)
	// ReceiversLook wakes receivers after a pattern made a message of its own
	// outside Recv, SendersLook senders after it took something out of their
	// way that is not room in a pipe. They take effect at once and take only
	// the hub's lock.
	ReceiversLook func()
	SendersLook   func()
}

// Cause tells why a message was dropped.
type Cause uint8

const (
	// DroppedFull: the peer's high-water mark was reached.
	DroppedFull Cause = iota
	// DroppedUnroutable: no peer, or none with that routing id, or the one
	// that asked is gone.
	DroppedUnroutable
	// DroppedFiltered: it arrived though nobody here subscribes to it, or is
	// not the reply that is waited for.
	DroppedFiltered
	// DroppedMalformed: its envelope is not what the type expects.
	DroppedMalformed
	// Causes is the number of causes.
	Causes
)

// An end counts what is dropped by cause.
var _ = [1]struct{}{}[len(pipe.Drops{})-int(Causes)]

// Options are a pattern's share of the socket's options. The zero value is
// libzmq's default, but for StreamSilent, which inverts ZMQ_STREAM_NOTIFY.
// RouterNotify and StreamSilent count where Row.Notices is asked.
type Options struct {
	RouterMandatory bool // ROUTER: an unknown or full peer is an error. ZMQ_ROUTER_MANDATORY
	RouterHandover  bool // ROUTER: a newcomer takes over a routing id in use. ZMQ_ROUTER_HANDOVER
	RouterNotify    int  // ROUTER: 1 connect, 2 disconnect as [id, ""]. ZMQ_ROUTER_NOTIFY
	RouterRaw       bool // ROUTER: peers without ZMTP; never changed while there is a pipe. ZMQ_ROUTER_RAW
	ProbeRouter     bool // REQ, DEALER, ROUTER: an empty message to each new peer. ZMQ_PROBE_ROUTER

	ReqCorrelate bool // REQ: a request id before the delimiter. ZMQ_REQ_CORRELATE
	ReqRelaxed   bool // REQ: a new request may replace an unanswered one. ZMQ_REQ_RELAXED

	XPubVerbose         bool   // XPUB: report every subscription. ZMQ_XPUB_VERBOSE
	XPubVerboser        bool   // XPUB: and every cancellation. ZMQ_XPUB_VERBOSER
	XPubManual          bool   // XPUB: the application subscribes peers itself. ZMQ_XPUB_MANUAL
	XPubManualLastValue bool   // XPUB: manual, and the next message goes to the last subscriber only. ZMQ_XPUB_MANUAL_LAST_VALUE
	XPubNoDrop          bool   // PUB, XPUB: a full peer blocks instead of losing. ZMQ_XPUB_NODROP
	XPubWelcome         []byte // PUB, XPUB: the first message to each new peer; nil: none. ZMQ_XPUB_WELCOME_MSG
	InvertMatching      bool   // PUB, XPUB, SUB: the other way round. ZMQ_INVERT_MATCHING
	OnlyFirstSubscribe  bool   // PUB, XPUB, XSUB: look at the first frame alone. ZMQ_ONLY_FIRST_SUBSCRIBE

	XSubVerboseUnsubscribe bool // XSUB: forward every cancellation. ZMQ_XSUB_VERBOSE_UNSUBSCRIBE

	StreamSilent bool // STREAM: no empty messages on connect and disconnect

	// MaxSubscriptions is the most topics that one peer may subscribe to;
	// zero: no limit. PUB and XPUB expel a peer that asks for more: it could
	// not know which of its topics are served.
	MaxSubscriptions int
	// ReceiveHighWater is the socket's, for patterns that queue reports.
	ReceiveHighWater int
}

// What a pattern answers when it cannot do what it is asked.
var (
	// ErrWouldBlock: not now; the socket waits and tries again.
	ErrWouldBlock = errors.New("would block")
	// ErrState: not in this order. libzmq: EFSM.
	ErrState = errors.New("operation not possible in this state")
	// ErrHostUnreachable: no peer has this routing id. libzmq: EHOSTUNREACH.
	ErrHostUnreachable = errors.New("no such peer")
	// ErrUnsupported: this type cannot do it at all. libzmq: ENOTSUP.
	ErrUnsupported = errors.New("not supported by this socket type")
	// ErrInvalid: the message is not one that this type can send. libzmq: EINVAL.
	ErrInvalid = errors.New("invalid argument")
)
