package pattern

import (
	"fmt"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// stream speaks raw octets to peers that know nothing of ZMTP: what arrives
// from one, and what goes to one, has its routing id in front. libzmq:
// ZMQ_STREAM.
type stream struct {
	*addressed
	last []byte // the routing id of the newest pipe that connects
}

func newStream(env *Env) Pattern {
	return &stream{addressed: &addressed{env: env, book: routing.NewAddressBook(), in: routing.NewFairQueue()}}
}

// Identifier is what STREAM has beyond Pattern. Called with both locks held.
type Identifier interface {
	// LastID is the routing id of the newest pipe that belongs to a connect;
	// nil before the first. libzmq: reading ZMQ_ROUTING_ID.
	LastID() []byte
}

func (p *stream) LastID() []byte { return p.last }

// Attach gives every pipe its routing id at once.
func (p *stream) Attach(e *pipe.End) bool {
	c := &caller{known: true}
	if len(e.WantID) == 0 {
		p.book.Generate(e)
	} else if !p.book.Add(e.WantID, e) {
		return false
	}
	if e.Connecting {
		p.last = e.ID
	}
	e.State = c
	p.in.Add(e)
	return true
}

func (p *stream) Online(e *pipe.End) bool {
	c := callerOf(e)
	if c != nil && !c.detached {
		e.Online = true
		p.tell(e)
	}
	return true
}

func (p *stream) Offline(e *pipe.End) {
	if e.Online {
		e.Online = false
		p.tell(e)
	}
}

// tell makes a notice, if the endpoint wants any and the application does not
// know: it has closed the connection itself.
func (p *stream) tell(e *pipe.End) {
	if e.Notices != 0 && !callerOf(e).closing {
		p.notify(e)
	}
}

// Detach keeps what the peer has sent, unless the application closed the
// connection itself.
func (p *stream) Detach(e *pipe.End) {
	c := callerOf(e)
	if c == nil {
		return
	}
	c.detached = true
	p.Offline(e)
	p.book.Remove(e)
	if c.closing {
		p.forget(e)
	}
}

func (p *stream) Discard(e *pipe.End) { p.forget(e) }

var errStreamFrames = fmt.Errorf("%w: a message to STREAM is a routing id and one frame", ErrInvalid)

// Send takes a routing id and one frame of octets. No octets close the
// connection behind what was sent before, and it is not made again. A routing
// id with nothing behind it goes nowhere and is no error.
func (p *stream) Send(m *message.Message) error {
	switch {
	case len(m.Frames) < 2:
		return nil
	case len(m.Frames) > 2:
		return errStreamFrames
	}
	e := p.find(m)
	if e == nil {
		return ErrHostUnreachable
	}
	if len(m.Frames[1]) == 0 {
		callerOf(e).closing = true
		p.env.Dismiss(e)
		return nil
	}
	switch p.write(e, m) {
	case pipe.OK:
		return nil
	case pipe.Full:
		return ErrWouldBlock
	}
	return ErrHostUnreachable
}

func (p *stream) Writable(*pipe.End) {}

func (p *stream) CanSend() bool { return true }
