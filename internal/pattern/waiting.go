package pattern

import "zeromux/internal/pipe"

// Keeper is what a type has beyond Pattern whose application receives: it tells what
// waits for it, in pipes and beside them. Called with both locks held, after Readable
// for every end that something was announced of.
type Keeper interface {
	// Waiting is how many messages there are, those of peers that are gone included.
	Waiting() int
	// WaitingOf is how many of them have come from e, or are about it.
	WaitingOf(e *pipe.End) int
}

func (f *fairIn) Waiting() (n int) {
	f.in.All(func(e *pipe.End) { n += e.Waiting() })
	return n
}

func (f *fairIn) WaitingOf(e *pipe.End) int { return e.Waiting() }

func (p *sub) Waiting() int { return p.xsub.Waiting() + p.ahead.of(p.ahead.from) }
func (p *req) Waiting() int { return p.fairIn.Waiting() + p.ahead.of(p.ahead.from) }
func (p *rep) Waiting() int { return p.fairIn.Waiting() + p.ahead.of(p.ahead.from) }

func (p *sub) WaitingOf(e *pipe.End) int { return e.Waiting() + p.ahead.of(e) }
func (p *req) WaitingOf(e *pipe.End) int { return e.Waiting() + p.ahead.of(e) }
func (p *rep) WaitingOf(e *pipe.End) int { return e.Waiting() + p.ahead.of(e) }

// of is how many messages were read ahead that came from e.
func (a *ahead) of(e *pipe.End) int {
	if e == nil || a.from != e {
		return 0
	}
	return 1
}

func (p *pair) Waiting() (n int) {
	p.past.All(func(e *pipe.End) { n += e.Waiting() })
	if p.peer != nil {
		n += p.peer.Waiting()
	}
	return n
}

func (p *pair) WaitingOf(e *pipe.End) int { return e.Waiting() }

func (a *addressed) Waiting() (n int) {
	a.in.All(func(e *pipe.End) { n += a.WaitingOf(e) })
	return n
}

func (a *addressed) WaitingOf(e *pipe.End) int {
	n := e.Waiting()
	if c := callerOf(e); c != nil {
		n += len(c.notices)
	}
	return n
}

// Waiting counts the reports, and what is left in the pipes of peers that have to wait
// until some are taken.
func (p *xpub) Waiting() int {
	n := p.reports.len()
	p.all.All(func(e *pipe.End) { n += e.Waiting() })
	return n
}

func (p *xpub) WaitingOf(e *pipe.End) int {
	n := e.Waiting()
	if s := subscriberOf(e); s != nil {
		n += s.unread
	}
	return n
}
