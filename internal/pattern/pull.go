package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// pull receives from each peer in turn. RFC 30 "The PULL Socket Type".
type pull struct{ in routing.FairQueue }

func newPull(*Env) Pattern { return &pull{in: routing.NewFairQueue()} }

func (p *pull) Attach(e *pipe.End) bool {
	e.State = served
	p.in.Add(e)
	return true
}

func (p *pull) Online(e *pipe.End) bool {
	e.Online = standingOf(e) == served
	return true
}

func (p *pull) Offline(e *pipe.End) { e.Online = false }

func (p *pull) Detach(e *pipe.End) {
	if standingOf(e) == served {
		e.Online, e.State = false, leaving
	}
}

func (p *pull) Discard(e *pipe.End) {
	e.State = nil
	p.in.Remove(e)
}

func (p *pull) Send(*message.Message) error { return ErrUnsupported }

func (p *pull) Recv(m *message.Message) (*pipe.End, error) {
	e := p.in.Recv(m)
	if e == nil {
		return nil, ErrWouldBlock
	}
	return e, nil
}

func (p *pull) Writable(*pipe.End) {}

func (p *pull) Readable(e *pipe.End) {
	if standingOf(e) != stranger {
		p.in.Add(e)
	}
}

func (p *pull) CanSend() bool { return false }
func (p *pull) CanRecv() bool { return p.in.Ready() }

// Queue implements FairReceiver.
func (p *pull) Queue() *routing.FairQueue { return &p.in }
