package mechanism

import (
	"bytes"

	"zeromux/zmtp"
)

// NameNull is the name of the mechanism without security.
const NameNull = "NULL"

// null is the mechanism without security: each side announces its properties in a
// READY as soon as it has the peer's greeting, and is through when it has the
// peer's. A side with a domain asks first whether the peer may come in. RFC 37 "The
// NULL Security Mechanism".
type null struct {
	handshake
	plainTraffic
	ready []byte // the body of our READY; nil once it was sent
	sent  bool
	heard heard
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
//
// An authenticator is asked where there is a domain, and a peer of whom nobody was
// asked let in unless the domain is enforced. READY waits for the answer, or ERROR
// goes out in its place.
func NewNull(c Config) Mechanism {
	n := &null{handshake: newHandshake(NameNull, &c), ready: zmtp.AppendReady(nil, c.Metadata)}
	if c.ZAP.Domain != "" || c.ZAP.Always {
		n.gate.ask(&n.zap, NameNull, !c.ZAP.Enforce)
	}
	return n
}

func (n *null) Next() (command []byte, ok bool, err error) {
	switch {
	case n.err != nil:
		return nil, false, n.err
	case n.gate.denied != nil:
		return n.refuse(zmtp.AppendError)
	case n.sent || n.gate.question != nil:
		return nil, false, nil
	}
	command, n.ready, n.sent = n.ready, nil, true
	n.finishOnceBothSpoke()
	return command, true, nil
}

func (n *null) finishOnceBothSpoke() {
	if n.sent && n.heard == heardReady {
		n.finish()
	}
}

// Handle takes the peer's READY or ERROR. Whatever else comes before the handshake
// is done is an unexpected command, even if it is no command at all.
//
// An ERROR that comes before our own READY was sent is no error yet: the READY is
// sent all the same, and it is left to the peer to close the connection. To a
// connecting socket that is a connection lost, after which it tries again.
func (n *null) Handle(command []byte) error { return n.take(command, n.handle) }

func (n *null) handle(command []byte) error {
	name, data, err := zmtp.ParseCommand(command)
	if err != nil || n.heard != heardNothing {
		return unexpected(command)
	}
	switch string(name) {
	case zmtp.CommandReady:
		return n.handleReady(data)
	case zmtp.CommandError:
		return n.handleError(command)
	}
	return unexpected(command)
}

// handleReady takes the properties of a READY. The code of its errors is zero: for
// NULL libzmq reports none.
func (n *null) handleReady(data []byte) error {
	if err := n.learn(bytes.Clone(data), 0, data); err != nil {
		return err
	}
	n.heard = heardReady
	n.finishOnceBothSpoke()
	return nil
}

func (n *null) handleError(command []byte) error {
	if n.sent {
		return refusal(command)
	}
	if _, err := zmtp.ParseError(command); err != nil {
		return err
	}
	n.heard = heardError
	return nil
}

func (n *null) Awaits() (command string, longest int) {
	if n.heard == heardNothing {
		return n.unlessOver(zmtp.CommandReady, -1)
	}
	return "", 0
}

// Close has no keys to wipe.
func (n *null) Close() {}
