// Package mechanism holds the security mechanisms of ZMTP: who the two peers are
// to each other, and whether others can read what they say.
//
// A [Mechanism] is one side of one handshake. It takes the commands of the peer
// and returns those to send; the connection, the clock and the goroutines belong
// to whoever drives it. It imports zmtp for the spelling of commands and knows
// nothing of sockets, beyond the properties that it is told to announce.
package mechanism

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// Mechanism is one side of a security handshake on one connection, and after it
// the sealing of frames. It does no I/O, starts no goroutine and never blocks.
//
// The handshake begins when both greetings are there, and is driven so: call
// Next until ok is false, sending each command; read a frame, give its body to
// Handle; begin again, until Done. Where Question returns a request, have it
// answered and give the answer to Answer before going on. The first error ends the
// connection, and every later Next, Handle and Answer returns it again.
//
// Until Done the methods belong to one goroutine. Afterwards Seal belongs to who
// writes the connection and Open to who reads it, which may happen at the same
// time; the others only read what does not change any more.
type Mechanism interface {
	// Name is what stands in the greeting, such as "NULL".
	Name() string

	// Next returns the body of the next handshake command to send now, for a
	// frame with zmtp.FlagCommand; to ask is to promise that it is sent. With ok
	// false there is nothing to send until Handle was called again. The command
	// is valid until the next call, and not to be changed.
	Next() (command []byte, ok bool, err error)

	// Handle takes the body of a frame that came in the handshake, whatever its
	// flags, and keeps nothing of it. An error is a *zmtp.ProtocolError or a
	// *RefusedError, unless this process itself cannot go on. Handle is not for frames
	// that come after Done.
	Handle(command []byte) error

	// Awaits returns the name of the command that the side waits for, "" where it is
	// its own turn or nobody's, and how long what comes next may be, in octets, before
	// it is a breach whatever is in it; below zero: as long as may be. It tells a
	// person how far a handshake came that ended without a word, and whoever reads the
	// connection how much there is to be kept of a peer that nobody has judged.
	Awaits() (command string, longest int)

	// Question returns what an authenticator has to be asked before the handshake
	// can go on, nil where there is nothing to ask now. It is not to be changed,
	// and is there until Answer was called: secrets in it are wiped then.
	Question() *zap.Request

	// Answer takes the authenticator's answer to Question: a reply; or the error of
	// zap.ParseReply for a reply that was none; or an error that matches
	// zap.ErrNoHandler; or why else nobody could be asked. Whether a peer is let in
	// of whom nobody was asked is the mechanism's to say. Answer returns a
	// *zmtp.ProtocolError for a reply that was none, and nil otherwise: of a peer
	// that is not let in Next returns what it is still to be told, if anything, and
	// then a *DeniedError.
	Answer(reply *zap.Reply, err error) error

	// Done says that both sides are through: what was to be sent has been taken
	// from Next, and what had to come has come.
	Done() bool

	// Peer returns the properties that the authenticator gave the peer, and behind
	// them the peer's own in the order of the wire, so that Get finds the
	// authenticator's first and Identity the peer's. It is nil before Done, and not
	// to be changed.
	Peer() zmtp.Metadata

	// UserID is the name that authentication gave to the peer. It is empty where
	// nobody was asked.
	UserID() string

	// Sealed says that frames after the handshake travel inside others: what is to
	// be sent goes through Seal, what comes goes through Open. Where it is false
	// neither may be called.
	Sealed() bool

	// Seal appends to dst the body that carries a frame with flags f. It goes out
	// in a frame without flags, with commands as with messages.
	Seal(dst []byte, f zmtp.Flags, body []byte) ([]byte, error)

	// Open appends to dst what the body of a frame carries, and returns the flags
	// of the frame inside. Those of the frame around it mean nothing. An error ends
	// the connection; with it comes dst as it was. The two must not overlap, here as
	// with Seal.
	Open(dst []byte, body []byte) (zmtp.Flags, []byte, error)

	// Close wipes the keys, whatever state the handshake is in. It is called once
	// the connection has ended, when nobody is in another method any more or reads
	// what Question returned; methods that tell of the peer go on to do so.
	Close()
}

// Config is what every mechanism is told about the side that it is.
type Config struct {
	// Metadata are the properties to announce, in the order in which libzmq sends
	// them: Socket-Type; Identity, even empty, from REQ, DEALER and ROUTER; then
	// the application's own, in the order of their names' octets. It is not kept.
	Metadata zmtp.Metadata

	// CheckPeer judges the properties of the peer, and those that an authenticator
	// gives it; an error ends the connection. Nil admits every peer.
	// [CheckSocketType] makes one.
	CheckPeer func(zmtp.Metadata) error

	// ZAP says when an authenticator is asked and what it is told.
	ZAP ZAP
}

// ZAP is a mechanism's share of authentication. Its zero value asks as libzmq does
// where no option is set. RFC 27.
type ZAP struct {
	// Domain is what the socket calls itself; empty: none, so that NULL asks
	// nobody. libzmq: ZMQ_ZAP_DOMAIN.
	Domain string
	// Enforce turns peers away whom nobody could judge, where a domain is set.
	// libzmq: ZMQ_ZAP_ENFORCE_DOMAIN.
	Enforce bool
	// Always is for a socket that has an authenticator of its own: it is asked
	// whatever the domain, and nobody is let in unless it says so. The clients of
	// PLAIN and CURVE ask nobody all the same.
	Always bool
	// Address is where the peer is, as zap.Request has it.
	Address string
	// Identity is the socket's own routing id.
	Identity []byte
}

// ErrIncompatible: the peer's socket is of a type that ours cannot talk to. It
// arrives as an [*IncompatibleError] within a *zmtp.ProtocolError.
var ErrIncompatible = errors.New("incompatible socket types")

// IncompatibleError names the two socket types that do not go together. It matches
// ErrIncompatible with errors.Is.
type IncompatibleError struct {
	Own  string // our type, as in "PUSH"
	Peer string // what the peer called its type: any octets, of which there are the first 32
}

func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("%v: %s here, %q there", ErrIncompatible, e.Own, e.Peer)
}

// Unwrap returns ErrIncompatible.
func (e *IncompatibleError) Unwrap() error { return ErrIncompatible }

// CheckSocketType returns a check that a peer's socket type is one of legal, for a
// socket of type own. It returns an [*IncompatibleError]. A peer that names no type
// is admitted, since libzmq admits it; of several each must be legal.
func CheckSocketType(own string, legal ...string) func(zmtp.Metadata) error {
	return func(m zmtp.Metadata) error {
		for _, p := range m {
			if p.Name == zmtp.PropertySocketType && !slices.Contains(legal, string(p.Value)) {
				return &IncompatibleError{Own: own, Peer: string(p.Value[:min(len(p.Value), maxErrorOctets)])}
			}
		}
		return nil
	}
}

// RefusedError is the peer's ERROR command: it does not want to talk to us, and
// will not want to later either. RFC 37 "The ERROR Command".
type RefusedError struct {
	// Reason is what the peer gave as a reason, up to 255 octets of any kind; a client of
	// PLAIN has "[withheld]" in place of one that has its password in it.
	Reason string

	// Status is the reason as a status of ZAP: 300, 400 or 500, where it reads
	// exactly so, else 0. It is what a monitor reports; libzmq:
	// ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, which is not raised for 0.
	Status int
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the peer refuses: %q", e.Reason)
}

// DeniedError is the verdict on a peer that the authenticator does not let in, or of whom
// nobody could be asked and that is not let in without. RFC 27 "Status Codes".
type DeniedError struct {
	// Status is the reply's status, 300, 400 or 500, and zero where nobody has
	// answered. With 300 libzmq leaves the connection open until a timer of the
	// handshake closes it; otherwise it ends at once.
	Status int
	// Text is what the authenticator gave as a reason.
	Text string
	// Err is why nobody has answered, nil where somebody has.
	Err error
}

func (e *DeniedError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("peer not let in: %v", e.Err)
	case e.Text != "":
		return fmt.Sprintf("peer not let in: status %d, %.200q", e.Status, e.Text)
	}
	return fmt.Sprintf("peer not let in: status %d", e.Status)
}

// Unwrap returns Err.
func (e *DeniedError) Unwrap() error { return e.Err }

// refused makes the error for an ERROR command with this reason.
func refused(reason []byte) *RefusedError {
	e := &RefusedError{Reason: string(reason)}
	switch e.Reason {
	case "300":
		e.Status = 300
	case "400":
		e.Status = 400
	case "500":
		e.Status = 500
	}
	return e
}

// maxErrorOctets is how much of the offending octets an error keeps, as in zmtp: it may
// wait for long in somebody's events.
const maxErrorOctets = 32

// breach makes the error for octets b that break rule.
func breach(rule error, code zmtp.ErrorCode, b []byte) *zmtp.ProtocolError {
	return &zmtp.ProtocolError{Rule: rule, Code: code, Octets: bytes.Clone(b[:min(len(b), maxErrorOctets)])}
}
