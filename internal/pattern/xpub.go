package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
	"zeromux/internal/trie"
)

// xpub sends each message to the peers that subscribe to it, and receives their
// subscriptions. Everything runs under both locks. RFC 29 "The XPUB Socket
// Type".
//
// What peers send up is read as it arrives, and what the application is to hear
// of it waits in reports. subscriptions.go has that half.
type xpub struct {
	env    *Env
	silent bool // PUB: nothing is reported

	all    routing.Roster
	topics trie.Trie[*pipe.End] // changed under both locks, for PUB sends under sendMu alone
	fan    routing.FanOut
	match  []*pipe.End // who gets the message that is sent
	meet   func(*pipe.End)
	others func(*pipe.End)

	reports reports
	in      message.Message      // what was read off a pipe
	asked   trie.Trie[*pipe.End] // manual: what peers asked for; topics is what the application granted
	target  *pipe.End            // manual: the peer that the last report was about; nil: gone
	only    *pipe.End            // last value: the one that gets the next message; nil: nobody in particular

	watched chan struct{} // closed when other peers may match; nil: nobody watches
}

// A subscriber is the State of an end of XPUB or PUB.
type subscriber struct {
	unread  int  // reports about it that wait
	stalled bool // too many: the rest stays in the pipe until some are taken
	refused bool // it asked for too many topics, and is on its way out
	matched bool // while a message is sent
}

func newXPub(env *Env) Pattern { return makeXPub(env) }

func makeXPub(env *Env) *xpub {
	p := &xpub{env: env, all: routing.NewRoster()}
	p.fan.Pool = env.Pool
	p.meet = func(e *pipe.End) { p.match = append(p.match, e) }
	p.others = p.unless
	return p
}

func subscriberOf(e *pipe.End) *subscriber {
	s, _ := e.State.(*subscriber)
	return s
}

func (p *xpub) TopicsCount() int { return p.topics.Len() }

func (p *xpub) Attach(e *pipe.End) bool {
	e.State = new(subscriber)
	p.all.Add(e)
	return true
}

// Online sends the welcome, which stands before anything else on a connection.
func (p *xpub) Online(e *pipe.End) bool {
	s := subscriberOf(e)
	if s == nil || s.refused {
		return s == nil
	}
	e.Online = true
	if w := p.env.Options.XPubWelcome; len(w) > 0 {
		e.Write(&message.Message{Frames: [][]byte{w}})
	}
	p.Readable(e)
	p.altered()
	return true
}

func (p *xpub) Offline(e *pipe.End) {
	if s := subscriberOf(e); s != nil && e.Online {
		e.Online = false
		p.leave(e, s)
	}
}

func (p *xpub) Detach(e *pipe.End) {
	p.Offline(e)
	p.all.Remove(e)
	e.State = nil
}

// Discard does nothing: what a peer did to the subscriptions is told to the end,
// or the application's picture of them would be wrong.
func (p *xpub) Discard(*pipe.End) {}

// Send writes m to every peer that subscribes to it; one that has no room loses
// it, unless nobody may.
func (p *xpub) Send(m *message.Message) error {
	p.find(m.Frames[0])
	err := p.spread(m)
	p.forgetMatch()
	return err
}

// spread writes m to those that match.
func (p *xpub) spread(m *message.Message) error {
	if len(p.match) == 1 {
		st := p.match[0].Write(m)
		if st == pipe.Full && p.env.Options.XPubNoDrop {
			return ErrWouldBlock
		}
		p.only = nil
		p.wrote(p.match[0], st)
		return nil
	}
	if p.env.Options.XPubNoDrop {
		for _, e := range p.match {
			if e.CanWrite() == pipe.Full {
				return ErrWouldBlock
			}
		}
	}
	p.only = nil
	p.fan.Begin(m)
	for _, e := range p.match {
		p.wrote(e, p.fan.Write(e))
	}
	p.fan.End()
	return nil
}

func (p *xpub) wrote(e *pipe.End, st pipe.Status) {
	if st == pipe.Full {
		p.env.Dropped(DroppedFull, e)
	}
}

// Matcher is what PUB and XPUB have beyond Pattern. Called with both locks held.
type Matcher interface {
	// Matching returns how many peers subscribe to a message that begins with
	// frame, and what is closed when that may have changed.
	Matching(frame []byte) (n int, changed <-chan struct{})
}

func (p *xpub) Matching(frame []byte) (n int, changed <-chan struct{}) {
	p.topics.Match(frame, p.meet)
	if p.env.Options.InvertMatching {
		p.invert()
	}
	n = len(p.match)
	p.forgetMatch()
	if p.watched == nil {
		p.watched = make(chan struct{})
	}
	return n, p.watched
}

// altered tells whoever watches that other peers may match.
func (p *xpub) altered() {
	if p.watched != nil {
		close(p.watched)
		p.watched = nil
	}
}

// find fills match with those who get a message that begins with frame.
func (p *xpub) find(frame []byte) {
	o := p.env.Options
	p.topics.Match(frame, p.meet)
	if o.InvertMatching {
		p.invert()
	}
	if p.only == nil || !p.env.Options.XPubManualLastValue {
		return
	}
	only := p.only
	for _, e := range p.match {
		if e == only {
			p.match[0] = e
			p.match = p.match[:1]
			return
		}
	}
	p.match = p.match[:0]
}

// invert makes match the peers that it does not hold.
func (p *xpub) invert() {
	for _, e := range p.match {
		subscriberOf(e).matched = true
	}
	p.forgetMatch()
	p.all.All(p.others)
}

func (p *xpub) unless(e *pipe.End) {
	s := subscriberOf(e)
	if !s.matched && e.Online {
		p.match = append(p.match, e)
	}
	s.matched = false
}

func (p *xpub) forgetMatch() {
	clear(p.match)
	p.match = p.match[:0]
}

// Recv yields the next report.
func (p *xpub) Recv(m *message.Message) (*pipe.End, error) {
	r, ok := p.reports.take(m)
	if !ok {
		return nil, ErrWouldBlock
	}
	p.took(r)
	return nil, nil
}

func (p *xpub) Writable(*pipe.End) {}

func (p *xpub) CanSend() bool { return true }
func (p *xpub) CanRecv() bool { return p.reports.len() > 0 }
