package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// sub is an XSUB that subscribes by calls and never sends, and that looks again
// at what arrives. RFC 29 "The SUB Socket Type".
type sub struct {
	xsub
	ahead ahead
}

func newSub(env *Env) Pattern {
	p := new(sub)
	p.init(env)
	return p
}

// Subscribe asks every publisher for topic, also when that was done before.
func (p *sub) Subscribe(topic []byte) error {
	p.topics.Add(topic)
	p.announce(message.Subscribe, topic)
	return nil
}

// Unsubscribe takes back one Subscribe. Publishers hear of the last; a topic
// that was never asked for is no error.
func (p *sub) Unsubscribe(topic []byte) error {
	if last, _ := p.topics.Remove(topic); last {
		p.announce(message.Cancel, topic)
	}
	return nil
}

// announce writes one subscription to every publisher that is there.
func (p *sub) announce(kind message.Kind, topic []byte) {
	p.all.All(func(e *pipe.End) {
		if e.Online {
			p.state(e, kind, topic)
		}
	})
}

func (p *sub) Discard(e *pipe.End) {
	p.xsub.Discard(e)
	p.ahead.discard(e)
}

func (p *sub) Send(*message.Message) error { return ErrUnsupported }

func (p *sub) Recv(m *message.Message) (*pipe.End, error) {
	if e := p.ahead.take(m); e != nil && p.Wanted(e, m.Frames[0]) {
		return e, nil
	}
	e := p.next(m)
	if e == nil {
		return nil, ErrWouldBlock
	}
	return e, nil
}

// next reads up to a message that is wanted.
func (p *sub) next(m *message.Message) *pipe.End {
	for {
		e := p.in.Recv(m)
		if e == nil || p.Wanted(e, m.Frames[0]) {
			return e
		}
	}
}

// Wanted reports whether a subscription matches a message that begins with frame; a
// publisher need not have looked, and a message may have been on its way when the
// subscription ended.
func (p *sub) Wanted(e *pipe.End, frame []byte) bool {
	if p.topics.Matches(frame) != p.env.Options.InvertMatching {
		return true
	}
	p.env.Dropped(DroppedFiltered, e)
	return false
}

// Queue implements FairReceiver.
func (p *sub) Queue() *routing.FairQueue { return &p.in }

// Ahead implements Selective.
func (p *sub) Ahead() bool { return p.ahead.from != nil }

func (p *sub) CanSend() bool { return false }

func (p *sub) CanRecv() bool {
	if p.ahead.from != nil && !p.Wanted(p.ahead.from, p.ahead.m.Frames[0]) {
		p.ahead.from = nil
	}
	if p.ahead.from == nil {
		p.ahead.from = p.next(&p.ahead.m)
	}
	return p.ahead.from != nil
}
