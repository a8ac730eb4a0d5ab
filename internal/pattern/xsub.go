package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
	"zeromux/internal/trie"
)

// The first octet of a message that is a subscription or the end of one. RFC 29
// "The XSUB Socket Type".
const (
	cancelOctet    = 0
	subscribeOctet = 1
)

// xsub receives from each publisher in turn. What it sends goes to all of them;
// messages that begin with 1 or 0 subscribe and cancel. RFC 29 "The XSUB Socket
// Type".
//
// Subscriptions are remembered, and stated on every new connection; between
// connections they are not queued.
type xsub struct {
	fairIn
	env    *Env
	all    routing.Roster
	topics trie.Multiset // changed under sendMu
	fan    routing.FanOut

	changes []change        // of the message that is sent
	whole   message.Message // what of it goes to peers that are online
	plain   message.Message // and to those that are not: no subscriptions
	single  message.Message // one subscription
	stated  pipe.Encoding   // all of them, for a peer that has come
	writeTo func(*pipe.End)
}

// A change is one subscription, or the end of one.
type change struct {
	kind  message.Kind
	topic []byte
}

func newXSub(env *Env) Pattern {
	p := new(xsub)
	p.init(env)
	return p
}

func (p *xsub) init(env *Env) {
	p.fairIn, p.env, p.all = newFairIn(), env, routing.NewRoster()
	p.fan.Pool = env.Pool
	p.single.Frames = make([][]byte, 1)
	p.writeTo = p.write
}

// TopicCounter is what PUB, XPUB, SUB and XSUB have beyond Pattern. Called with
// both locks held.
type TopicCounter interface {
	// TopicsCount is the number of distinct topics. libzmq: ZMQ_TOPICS_COUNT.
	TopicsCount() int
}

func (p *xsub) TopicsCount() int { return p.topics.Len() }

func (p *xsub) Attach(e *pipe.End) bool {
	p.all.Add(e)
	return p.fairIn.Attach(e)
}

// Online states every subscription to the peer, before anything that waits for
// it: the answer to a message that was sent meanwhile may hang on one.
func (p *xsub) Online(e *pipe.End) bool {
	if p.fairIn.Online(e); e.Online {
		p.single.Kind = message.Subscribe
		p.topics.All(func(topic []byte) {
			p.single.Frames[0] = topic
			p.stated.Encode(&p.single, p.env.Pool)
		})
		p.single.Frames[0] = nil
		e.WriteFirst(&p.stated)
		p.stated.Release()
	}
	return true
}

// state writes one subscription, which is never refused for want of room.
func (p *xsub) state(e *pipe.End, kind message.Kind, topic []byte) {
	p.single.Kind, p.single.Frames[0] = kind, topic
	e.Write(&p.single)
	p.single.Frames[0] = nil
}

func (p *xsub) Detach(e *pipe.End) {
	p.all.Remove(e)
	p.fairIn.Detach(e)
}

// Send takes note of the subscriptions in m, and passes on what is worth it:
// every new one, and the end of the last one of a topic.
func (p *xsub) Send(m *message.Message) error {
	p.sort(m)
	if len(p.whole.Frames) > 0 {
		p.fan.Begin(&p.whole)
		p.all.All(p.writeTo)
		p.fan.End()
	}
	p.whole = message.Message{Frames: cleared(p.whole.Frames)}
	p.plain = message.Message{Frames: cleared(p.plain.Frames)}
	clear(p.changes)
	return nil
}

// sort makes whole, plain and changes of m.
func (p *xsub) sort(m *message.Message) {
	o := p.env.Options
	p.changes = p.changes[:0]
	p.whole.Owned, p.plain.Owned = m.Owned, m.Owned
	p.whole.Lender, p.plain.Lender = m.Lender, m.Lender
	for i, f := range m.Frames {
		kind := message.Data
		if i == 0 || !o.OnlyFirstSubscribe {
			kind = changeIn(f)
		}
		if kind == message.Data {
			p.plain.Frames = append(p.plain.Frames, f)
		} else if !p.note(kind, f[1:]) {
			continue
		}
		p.whole.Frames = append(p.whole.Frames, f)
	}
}

// changeIn tells by its first octet what a frame is.
func changeIn(frame []byte) message.Kind {
	switch {
	case len(frame) == 0 || frame[0] > subscribeOctet:
		return message.Data
	case frame[0] == subscribeOctet:
		return message.Subscribe
	}
	return message.Cancel
}

// note remembers a change and reports whether publishers must hear of it.
func (p *xsub) note(kind message.Kind, topic []byte) bool {
	if kind == message.Subscribe {
		p.topics.Add(topic)
	} else if last, _ := p.topics.Remove(topic); !last && !p.env.Options.XSubVerboseUnsubscribe {
		return false
	}
	p.changes = append(p.changes, change{kind, topic})
	return true
}

// write sends the message to one peer. Who is not online is told of the
// subscriptions when that is over, and who has no room is told of them all the
// same: a lost one would lose messages for good.
func (p *xsub) write(e *pipe.End) {
	st := pipe.OK
	switch {
	case e.Online || len(p.changes) == 0:
		st = p.fan.Write(e)
	case len(p.plain.Frames) > 0:
		st = e.Write(&p.plain)
	}
	if st != pipe.Full {
		return
	}
	if len(p.plain.Frames) > 0 {
		p.env.Dropped(DroppedFull, e)
	}
	if e.Online {
		for _, c := range p.changes {
			p.state(e, c.kind, c.topic)
		}
	}
}

func (p *xsub) Writable(*pipe.End) {}

func (p *xsub) CanSend() bool { return true }
