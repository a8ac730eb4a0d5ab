package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// dealer sends round robin and receives in turn, and adds nothing to a message.
// RFC 28 "The DEALER Socket Type".
type dealer struct {
	env *Env
	out routing.LoadBalance
	in  routing.FairQueue
}

func newDealer(env *Env) Pattern {
	return &dealer{env: env, out: routing.NewLoadBalance(), in: routing.NewFairQueue()}
}

func (p *dealer) Attach(e *pipe.End) bool {
	e.State = served
	p.env.probe(e)
	p.out.Join(e)
	p.in.Add(e)
	return true
}

func (p *dealer) Online(e *pipe.End) bool {
	e.Online = standingOf(e) == served
	return true
}

func (p *dealer) Offline(e *pipe.End) {
	if e.Online {
		e.Online = false
		p.env.probe(e)
	}
}

func (p *dealer) Detach(e *pipe.End) {
	if standingOf(e) == served {
		e.Online, e.State = false, leaving
		p.out.Leave(e)
	}
}

func (p *dealer) Discard(e *pipe.End) {
	e.State = nil
	p.in.Remove(e)
}

func (p *dealer) Send(m *message.Message) error {
	if p.out.Send(m) == nil {
		return ErrWouldBlock
	}
	return nil
}

func (p *dealer) Recv(m *message.Message) (*pipe.End, error) {
	e := p.in.Recv(m)
	if e == nil {
		return nil, ErrWouldBlock
	}
	return e, nil
}

func (p *dealer) Writable(e *pipe.End) {
	if standingOf(e) == served {
		p.out.Add(e)
	}
}

func (p *dealer) Readable(e *pipe.End) {
	if standingOf(e) != stranger {
		p.in.Add(e)
	}
}

func (p *dealer) CanSend() bool { return p.out.Next() != nil }
func (p *dealer) CanRecv() bool { return p.in.Ready() }

// Solo implements Soloist.
func (p *dealer) Solo() *pipe.End { return p.out.Solo() }

// Queue implements FairReceiver.
func (p *dealer) Queue() *routing.FairQueue { return &p.in }
