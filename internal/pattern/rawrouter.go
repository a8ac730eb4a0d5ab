package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// rawable is ROUTER, which may be told to speak plain octets: then it is STREAM,
// but for what becomes of messages to nobody. libzmq: ZMQ_ROUTER_RAW.
type rawable struct {
	router
	raw stream // shares the book and the rotation of router
}

func newRawableRouter(env *Env) Pattern {
	p := &rawable{router: *newRouter(env).(*router)}
	p.raw.addressed = &p.router.addressed
	return p
}

func (p *rawable) isRaw() bool { return p.env.Options.RouterRaw }

func (p *rawable) Attach(e *pipe.End) bool {
	if p.isRaw() {
		return p.raw.Attach(e)
	}
	return p.router.Attach(e)
}

func (p *rawable) Online(e *pipe.End) bool {
	if p.isRaw() {
		return p.raw.Online(e)
	}
	return p.router.Online(e)
}

func (p *rawable) Offline(e *pipe.End) {
	if p.isRaw() {
		p.raw.Offline(e)
		return
	}
	p.router.Offline(e)
}

func (p *rawable) Detach(e *pipe.End) {
	if p.isRaw() {
		p.raw.Detach(e)
		return
	}
	p.router.Detach(e)
}

func (p *rawable) Send(m *message.Message) error {
	if !p.isRaw() {
		return p.router.Send(m)
	}
	err := p.raw.Send(m)
	if p.env.Options.RouterMandatory {
		return err
	}
	switch err {
	case ErrHostUnreachable:
		p.env.Dropped(DroppedUnroutable, nil)
	case ErrWouldBlock:
		p.env.Dropped(DroppedFull, p.book.Find(m.Frames[0]))
	default:
		return err
	}
	return nil
}

// LastID implements Identifier.
func (p *rawable) LastID() []byte { return p.raw.LastID() }
