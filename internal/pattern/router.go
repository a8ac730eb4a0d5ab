package pattern

import (
	"bytes"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// router receives from each peer in turn, with the peer's routing id in front,
// and sends to the peer that the first frame names. RFC 28 "The ROUTER Socket
// Type".
type router struct{ addressed }

func newRouter(env *Env) Pattern {
	return &router{addressed{env: env, book: routing.NewAddressBook(), in: routing.NewFairQueue()}}
}

// Attach refuses a pipe whose chosen routing id is taken. One without a chosen
// id is neither read nor written to until the peer has told its own.
func (p *router) Attach(e *pipe.End) bool {
	c := new(caller)
	if len(e.WantID) > 0 {
		if !p.book.Add(e.WantID, e) {
			return false
		}
		c.known = true
		p.in.Add(e)
	}
	e.State = c
	p.env.probe(e)
	return true
}

func (p *router) Online(e *pipe.End) bool {
	c := callerOf(e)
	if c == nil || c.detached {
		return true
	}
	if !p.identify(e, c) {
		return false
	}
	e.Online, c.known = true, true
	p.in.Add(e)
	p.tell(e, 1)
	return true
}

// identify finds the routing id of e, whose peer is known now. The id that the
// application chose stands above the peer's own, and that above a generated
// one. It reports whether e may have the id.
func (p *router) identify(e *pipe.End, c *caller) bool {
	var announced []byte
	if e.Peer != nil {
		announced = e.Peer.RoutingID
	}
	switch {
	case len(e.WantID) > 0:
		return true
	case len(announced) == 0:
		if e.ID == nil {
			p.book.Generate(e)
			c.generated = true
		}
		return true
	case bytes.Equal(e.ID, announced) && p.book.Find(announced) == e:
		return true
	}
	if holder := p.book.Find(announced); holder != nil && !p.takeOver(holder) {
		return false
	}
	p.book.Remove(e)
	p.book.Add(announced, e)
	c.generated = false
	return true
}

// takeOver takes its routing id from a peer, if the socket wants that, and ends
// it. An id that was generated is never given to a newcomer who guessed it.
func (p *router) takeOver(holder *pipe.End) bool {
	if !p.env.Options.RouterHandover || callerOf(holder).generated {
		return false
	}
	p.book.Retire(holder)
	p.env.Expel(holder)
	return true
}

// tell makes a notice if the endpoint wants this one and there is a connection to
// speak of.
func (p *router) tell(e *pipe.End, which uint8) {
	if e.Notices&which != 0 && (e.Peer == nil || !e.Peer.Inproc) {
		p.notify(e)
	}
}

func (p *router) Offline(e *pipe.End) {
	if !e.Online {
		return
	}
	p.lose(e)
	p.env.probe(e)
}

func (p *router) lose(e *pipe.End) {
	e.Online = false
	p.tell(e, 2)
}

func (p *router) Detach(e *pipe.End) {
	c := callerOf(e)
	if c == nil {
		return
	}
	c.detached = true
	if e.Online {
		p.lose(e)
	}
	p.book.Remove(e)
}

func (p *router) Discard(e *pipe.End) { p.forget(e) }

// Send drops what has nowhere to go, unless routing is mandatory. A routing id
// with nothing behind it goes nowhere and is no error.
func (p *router) Send(m *message.Message) error {
	if len(m.Frames) < 2 {
		return nil
	}
	cause, err := DroppedUnroutable, ErrHostUnreachable
	e := p.find(m)
	if e != nil {
		switch p.write(e, m) {
		case pipe.OK:
			return nil
		case pipe.Full:
			cause, err = DroppedFull, ErrWouldBlock
		}
	}
	if p.env.Options.RouterMandatory {
		return err
	}
	p.env.Dropped(cause, e)
	return nil
}

// CanSendTo implements Asked.
func (p *router) CanSendTo(id []byte) (bool, error) { return p.canSendTo(id) }

func (p *router) Writable(*pipe.End) {}

func (p *router) CanSend() bool { return p.canRoute() }
