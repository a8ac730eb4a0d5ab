package mechanism

import (
	"bytes"
	"errors"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// NameNull is the name of the mechanism without security.
const NameNull = "NULL"

// null is the mechanism without security: each side announces its properties in a
// READY as soon as it has the peer's greeting, and is through when it has the
// peer's. RFC 37 "The NULL Security Mechanism".
type null struct {
	config Config
	ready  []byte // the body of our READY; nil once it was sent
	sent   bool
	heard  heard
	peer   zmtp.Metadata
	err    error // sticks
}

// heard is what the peer has said so far. It may say one thing only.
type heard uint8

const (
	heardNothing heard = iota
	heardReady
	heardError // before we had sent our READY
)

// NewNull returns a side of the mechanism NULL, which is the same on both sides.
// It panics when zmtp.AppendMetadata does.
func NewNull(c Config) Mechanism {
	n := &null{config: c, ready: zmtp.AppendReady(nil, c.Metadata)}
	n.config.Metadata = nil
	return n
}

func (n *null) Name() string   { return NameNull }
func (n *null) UserID() string { return "" }
func (n *null) Sealed() bool   { return false }

func (n *null) Next() (command []byte, ok bool, err error) {
	if n.err != nil || n.sent {
		return nil, false, n.err
	}
	command, n.ready, n.sent = n.ready, nil, true
	return command, true, nil
}

// Handle takes the peer's READY or ERROR. Whatever else comes before the handshake
// is done is an unexpected command, even if it is no command at all.
//
// An ERROR that comes before our own READY was sent is no error yet: the READY is
// sent all the same, and it is left to the peer to close the connection. To a
// connecting socket that is a connection lost, after which it tries again.
func (n *null) Handle(command []byte) error {
	if n.err == nil {
		n.err = n.handle(command)
	}
	return n.err
}

func (n *null) handle(command []byte) error {
	name, data, err := zmtp.ParseCommand(command)
	if err != nil || n.heard != heardNothing {
		return breach(zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand, command)
	}
	switch string(name) {
	case zmtp.CommandReady:
		return n.handleReady(data)
	case zmtp.CommandError:
		return n.handleError(command)
	}
	return breach(zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand, command)
}

// handleReady takes the properties of a READY. The code of its errors is zero: for
// NULL libzmq reports none.
func (n *null) handleReady(data []byte) error {
	peer, err := zmtp.ParseMetadata(bytes.Clone(data))
	if err != nil {
		return breach(errors.Unwrap(err), 0, data)
	}
	if check := n.config.CheckPeer; check != nil {
		if err := check(peer); err != nil {
			return breach(err, 0, nil)
		}
	}
	n.heard, n.peer = heardReady, peer
	return nil
}

func (n *null) handleError(command []byte) error {
	reason, err := zmtp.ParseError(command)
	if err != nil {
		return err
	}
	if !n.sent {
		n.heard = heardError
		return nil
	}
	return refused(reason)
}

// Question asks nobody.
func (n *null) Question() *zap.Request { return nil }

// Answer takes no answer, since nothing is asked.
func (n *null) Answer(*zap.Reply, error) error { return n.err }

// Close has no keys to wipe.
func (n *null) Close() {}

func (n *null) Done() bool { return n.sent && n.heard == heardReady && n.err == nil }

func (n *null) Peer() zmtp.Metadata {
	if !n.Done() {
		return nil
	}
	return n.peer
}

// Seal panics: see Mechanism.Sealed.
func (n *null) Seal([]byte, zmtp.Flags, []byte) ([]byte, error) {
	panic("mechanism: NULL does not seal frames")
}

// Open panics: see Mechanism.Sealed.
func (n *null) Open([]byte, []byte) (zmtp.Flags, []byte, error) {
	panic("mechanism: NULL does not seal frames")
}
