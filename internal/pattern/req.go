package pattern

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// req sends a request to one peer and takes the reply of that peer, by turns.
// Everything runs under both locks. RFC 28 "The REQ Socket Type".
type req struct {
	fairIn
	env *Env
	out routing.LoadBalance

	awaiting bool      // a request is out
	asked    *pipe.End // where it went; nil: that peer is gone
	id       [4]byte   // the last request id
	ahead    ahead

	request message.Message // what Send writes
	stale   message.Message // what drain reads
}

func newReq(env *Env) Pattern {
	p := &req{fairIn: newFairIn(), env: env, out: routing.NewLoadBalance()}
	_, _ = rand.Read(p.id[:]) // never fails
	return p
}

func (p *req) Attach(e *pipe.End) bool {
	p.env.probe(e)
	p.out.Add(e)
	return p.fairIn.Attach(e)
}

func (p *req) Offline(e *pipe.End) {
	if e.Online {
		p.fairIn.Offline(e)
		p.env.probe(e)
	}
}

// Detach forgets who was asked if that peer is gone: any reply will do then.
func (p *req) Detach(e *pipe.End) {
	p.out.Remove(e)
	p.fairIn.Detach(e)
	if p.asked == e {
		p.asked = nil
	}
}

func (p *req) Discard(e *pipe.End) {
	p.fairIn.Discard(e)
	p.ahead.discard(e)
}

// Send puts the empty delimiter in front, and a request id before that if the
// socket wants one. Whatever came before a request cannot be its reply, and is
// thrown away.
func (p *req) Send(m *message.Message) error {
	if p.awaiting && !p.env.Options.ReqRelaxed {
		return ErrState
	}
	for e := p.next(); e != nil; e = p.next() {
		if p.ask(e, m) {
			p.awaiting, p.asked = true, e
			return nil
		}
	}
	return ErrWouldBlock
}

// ask writes a request to e and reports whether it was taken.
func (p *req) ask(e *pipe.End, m *message.Message) bool {
	r := &p.request
	if p.env.Options.ReqCorrelate {
		binary.NativeEndian.PutUint32(p.id[:], binary.NativeEndian.Uint32(p.id[:])+1)
		r.Frames = append(r.Frames, p.id[:])
	}
	r.Frames = append(append(r.Frames, empty), m.Frames...)
	r.Owned, r.Lender = m.Owned, m.Lender
	st := e.Write(r)
	*r = message.Message{Frames: cleared(r.Frames)}
	if st != pipe.OK {
		p.out.Remove(e)
		return false
	}
	p.out.Done()
	return true
}

// next chooses the peer that is asked, and throws away what came before.
func (p *req) next() *pipe.End {
	for e := p.out.Next(); e != nil; e = p.out.Next() {
		p.drain(e)
		if standingOf(e) == served {
			return e
		}
	}
	return nil
}

// drain throws away what has arrived by now, also what e holds and has not
// announced yet: the peer that is asked next.
func (p *req) drain(e *pipe.End) {
	if from := p.ahead.from; from != nil {
		p.ahead.from = nil
		p.env.Dropped(DroppedFiltered, from)
	}
	p.in.Add(e)
	for range p.in.Len() {
		e := p.in.Turn()
		for n := e.Waiting(); n > 0 && e.Read(&p.stale) == pipe.OK && p.judge(e, &p.stale); n-- {
			p.env.Dropped(DroppedFiltered, e)
		}
		if p.in.Turn() == e {
			p.in.Done()
		}
	}
}

func (p *req) Recv(m *message.Message) (*pipe.End, error) {
	if !p.awaiting {
		return nil, ErrState
	}
	e := p.ahead.take(m)
	if e == nil {
		e = p.answer(m)
	}
	if e == nil {
		return nil, ErrWouldBlock
	}
	p.awaiting, p.asked = false, nil
	return e, nil
}

// answer reads up to the reply that is waited for and takes the envelope off.
func (p *req) answer(m *message.Message) *pipe.End {
	for {
		e := p.in.Recv(m)
		if e == nil {
			return nil
		}
		if !p.judge(e, m) {
			continue
		}
		if (p.asked == nil || p.asked == e) && p.open(m) {
			return e
		}
		p.env.Dropped(DroppedFiltered, e)
	}
}

// judge reports whether m has the form of a reply: perhaps a request id, the
// delimiter, at least one frame of body. A peer that sends anything else over a
// connection loses it.
//
// It does so when m is looked at, in the next call of the application, and not
// when m arrives as in libzmq: the engine knows no envelopes. Only the time at
// which the connection ends tells the difference, for drain judges what a peer has
// sent before it is asked, and the mark bounds what waits until then.
func (p *req) judge(e *pipe.End, m *message.Message) bool {
	f := m.Frames
	if len(f) > 2 && len(f[0]) == len(p.id) {
		f = f[1:]
	}
	if len(f) > 1 && len(f[0]) == 0 {
		return true
	}
	p.env.Dropped(DroppedMalformed, e)
	if e.Peer == nil || !e.Peer.Inproc {
		e.Online, e.State = false, nil
		p.out.Remove(e)
		p.in.Remove(e)
		p.env.Expel(e)
	}
	return false
}

// open takes the envelope off and reports whether it is the one in use.
func (p *req) open(m *message.Message) bool {
	correlated := len(m.Frames[0]) > 0
	if correlated != p.env.Options.ReqCorrelate || correlated && !bytes.Equal(m.Frames[0], p.id[:]) {
		return false
	}
	n := 1
	if correlated {
		n = 2
	}
	m.Frames = slices.Delete(m.Frames, 0, n)
	return true
}

func (p *req) Writable(e *pipe.End) {
	if standingOf(e) == served {
		p.out.Add(e)
	}
}

func (p *req) CanSend() bool {
	return (!p.awaiting || p.env.Options.ReqRelaxed) && p.out.Next() != nil
}

func (p *req) CanRecv() bool {
	if !p.awaiting {
		return false
	}
	if p.ahead.from == nil {
		p.ahead.from = p.answer(&p.ahead.m)
	}
	return p.ahead.from != nil
}
