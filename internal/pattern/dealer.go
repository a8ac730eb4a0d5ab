package pattern

import (
	"slices"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// dealer sends round robin and receives in turn, and adds nothing to a message.
// RFC 28 "The DEALER Socket Type".
type dealer struct {
	fairIn
	env *Env
	out routing.LoadBalance
}

func newDealer(env *Env) Pattern {
	return &dealer{fairIn: newFairIn(), env: env, out: routing.NewLoadBalance()}
}

func (p *dealer) Attach(e *pipe.End) bool {
	p.env.probe(e)
	p.out.Join(e)
	return p.fairIn.Attach(e)
}

func (p *dealer) Offline(e *pipe.End) {
	if e.Online {
		p.fairIn.Offline(e)
		p.env.probe(e)
	}
}

func (p *dealer) Detach(e *pipe.End) {
	if standingOf(e) == served {
		p.out.Leave(e)
	}
	p.fairIn.Detach(e)
}

func (p *dealer) Send(m *message.Message) error {
	if p.out.Send(m) == nil {
		return ErrWouldBlock
	}
	return nil
}

// Asker is what DEALER has beyond Pattern for who asks and asks again. Called with
// sendMu held.
type Asker interface {
	// Ask sends m to the next peer that is there now and returns where it went, or
	// ErrWouldBlock. It is rather one that is not among tried, and not the last of
	// them if there is any other.
	Ask(m *message.Message, tried []*pipe.End) (*pipe.End, error)
}

func (p *dealer) Ask(m *message.Message, tried []*pipe.End) (*pipe.End, error) {
	e := p.out.SendWhere(m, func(e *pipe.End) bool { return e.Online && !slices.Contains(tried, e) })
	if n := len(tried); e == nil && n > 0 {
		e = p.out.SendWhere(m, func(e *pipe.End) bool { return e.Online && e != tried[n-1] })
		if e == nil {
			e = p.out.SendWhere(m, func(e *pipe.End) bool { return e.Online })
		}
	}
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

func (p *dealer) CanSend() bool { return p.out.Next() != nil }

// Solo implements Soloist.
func (p *dealer) Solo() *pipe.End { return p.out.Solo() }

// Queue implements FairReceiver.
func (p *dealer) Queue() *routing.FairQueue { return &p.in }
