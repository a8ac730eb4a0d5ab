package pattern

import (
	"fmt"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// Readable acts on what e has brought, all of it: subscriptions are for now, not
// for when the application looks. Only a peer with many reports that nobody
// takes must wait, or its changes of mind would fill the memory.
func (p *xpub) Readable(e *pipe.End) {
	s := subscriberOf(e)
	if s == nil || !e.Online || s.stalled {
		return
	}
	before := p.reports.len()
	for !s.stalled && e.Read(&p.in) == pipe.OK {
		p.arrived(e, s)
		s.stalled = s.unread > p.patience(e)
	}
	p.look(before)
}

// patience is how many reports about e may wait: the receive high-water mark,
// but always as many as it has subscriptions.
func (p *xpub) patience(e *pipe.End) int {
	mark := p.env.Options.ReceiveHighWater
	if mark == 0 {
		return int(^uint(0) >> 1)
	}
	return max(mark, p.held(e))
}

// held is how many topics e subscribes to, or asked for in manual mode.
func (p *xpub) held(e *pipe.End) int { return max(p.topics.Held(e), p.asked.Held(e)) }

// look wakes receivers if there are more reports than before.
func (p *xpub) look(before int) {
	if p.reports.len() > before {
		p.env.ReceiversLook()
	}
}

// arrived acts on the message in p.in. Subscriptions come as commands or as
// frames that begin with 1 or 0, several in a message; what is neither was sent
// by the application of an XSUB.
func (p *xpub) arrived(e *pipe.End, s *subscriber) {
	if s.refused {
		return
	}
	m := &p.in
	if m.Kind != message.Data {
		p.change(e, s, m.Kind, m.Frames[0])
		return
	}
	n := 0
	for i, f := range m.Frames {
		kind := message.Data
		if i == 0 || !p.env.Options.OnlyFirstSubscribe {
			kind = changeIn(f)
		}
		if kind == message.Data {
			m.Frames[n] = f
			n++
		} else if e.Online {
			p.change(e, s, kind, f[1:])
		}
	}
	switch {
	case n == 0:
		return
	case p.silent:
		p.env.Dropped(DroppedMalformed, e)
		return
	}
	p.queue(e, s, report{peer: m.Peer})
	for _, f := range m.Frames[:n] {
		p.reports.frame(nil, f)
	}
}

// change enters or strikes out one subscription of e. In manual mode the
// application does that, and hears of every wish.
func (p *xpub) change(e *pipe.End, s *subscriber, kind message.Kind, topic []byte) {
	if s.refused {
		return
	}
	o := p.env.Options
	manual := p.manual()
	topics := &p.topics
	if manual {
		topics = &p.asked
	}
	var tell bool
	if kind == message.Subscribe {
		first := topics.Add(topic, e)
		tell = first || o.XPubVerbose || o.XPubVerboser
	} else {
		last, found := topics.Remove(topic, e)
		tell = last || found && o.XPubVerboser
		p.unblock()
	}
	p.altered()
	if tell || manual {
		p.report(e, s, report{peer: p.in.Peer, kind: kind}, topic)
	}
	if limit := o.MaxSubscriptions; limit > 0 && p.held(e) > limit {
		p.refuse(e, s)
	}
}

// refuse ends a peer that has more topics than one may. Serving it only some of
// them would be worse: it could not know which.
func (p *xpub) refuse(e *pipe.End, s *subscriber) {
	s.refused = true
	p.forget(e, s)
	p.env.Expel(e)
}

var changeOctets = [...][]byte{message.Subscribe: {subscribeOctet}, message.Cancel: {cancelOctet}}

// report queues word of a change for the application.
func (p *xpub) report(e *pipe.End, s *subscriber, r report, topic []byte) {
	if !p.silent {
		p.queue(e, s, r)
		p.reports.frame(changeOctets[r.kind], topic)
	}
}

func (p *xpub) queue(e *pipe.End, s *subscriber, r report) {
	r.origin = e
	s.unread++
	p.reports.add(r)
}

// took does what follows from the application's having a report: it is the
// peer of that report that it speaks of next, and a peer that had to wait goes
// on.
func (p *xpub) took(r report) {
	p.target, p.only = nil, nil
	s := subscriberOf(r.origin)
	if s == nil {
		return
	}
	if !r.parted && r.origin.Online {
		p.target = r.origin
		if r.kind == message.Subscribe {
			p.only = r.origin
		}
	}
	s.unread--
	if s.stalled && s.unread <= p.patience(r.origin)/2 {
		s.stalled = false
		p.Readable(r.origin)
	}
}

// leave forgets what e asked for: its connection is gone. What it sent as an
// application is still told.
func (p *xpub) leave(e *pipe.End, s *subscriber) {
	before := p.reports.len()
	for e.Read(&p.in) == pipe.OK {
		if p.in.Kind == message.Data {
			p.arrived(e, s)
		}
	}
	p.forget(e, s)
	p.look(before)
}

// forget strikes out every subscription of e and reports those that nobody else
// has. In manual mode it reports what e asked for.
func (p *xpub) forget(e *pipe.End, s *subscriber) {
	o := p.env.Options
	r := report{kind: message.Cancel, parted: true}
	manual := p.manual()
	p.topics.RemoveValue(e, func(topic []byte, last bool) {
		if !manual && (last || o.XPubVerboser) {
			p.report(e, s, r, topic)
		}
	})
	p.asked.RemoveValue(e, func(topic []byte, _ bool) { p.report(e, s, r, topic) })
	if p.target == e {
		p.target = nil
	}
	if p.only == e {
		p.only = nil
	}
}

var errNotManual = fmt.Errorf("%w: only an XPUB in manual mode subscribes its peers", ErrInvalid)

// Subscribe gives a topic to the peer that the last report was about, in manual
// mode; a peer that is gone is no error. libzmq: ZMQ_SUBSCRIBE on an XPUB.
func (p *xpub) Subscribe(topic []byte) error {
	if !p.manual() {
		return errNotManual
	}
	if p.target != nil {
		p.topics.Add(topic, p.target)
		p.altered()
	}
	return nil
}

// Unsubscribe takes a topic from the peer that the last report was about.
func (p *xpub) Unsubscribe(topic []byte) error {
	if !p.manual() {
		return errNotManual
	}
	if p.target != nil {
		p.topics.Remove(topic, p.target)
		p.unblock()
		p.altered()
	}
	return nil
}

// unblock has a sender try again that may have waited for a peer which does not
// want the message any more.
func (p *xpub) unblock() {
	if p.env.Options.XPubNoDrop {
		p.env.SendersLook()
	}
}

func (p *xpub) manual() bool {
	return p.env.Options.XPubManual || p.env.Options.XPubManualLastValue
}
