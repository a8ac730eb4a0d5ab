package pattern

import (
	"slices"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// rep receives a request from each peer in turn and sends the reply back where
// the request came from. Everything runs under both locks. RFC 28 "The REP
// Socket Type".
type rep struct {
	fairIn
	env *Env

	replying bool      // a request was received and not answered
	asker    *pipe.End // where it came from; nil: that peer is gone
	envelope envelope
	ahead    ahead

	reply message.Message // what Send writes
}

func newRep(env *Env) Pattern { return &rep{fairIn: newFairIn(), env: env} }

func (p *rep) Detach(e *pipe.End) {
	p.fairIn.Detach(e)
	if p.asker == e {
		p.asker = nil
	}
}

func (p *rep) Discard(e *pipe.End) {
	p.fairIn.Discard(e)
	p.ahead.discard(e)
}

func (p *rep) Recv(m *message.Message) (*pipe.End, error) {
	if p.replying {
		return nil, ErrState
	}
	e := p.ahead.take(m)
	if e == nil {
		e = p.next(m)
	}
	if e == nil {
		return nil, ErrWouldBlock
	}
	// The delimiter is there: next has seen it.
	n := Delimiter(m.Frames)
	p.envelope.keep(m.Frames[:n+1])
	m.Frames = slices.Delete(m.Frames, 0, n+1)
	p.replying, p.asker = true, nil
	if standingOf(e) == served {
		p.asker = e
	}
	return e, nil
}

// next reads up to a message that has an envelope and a body.
func (p *rep) next(m *message.Message) *pipe.End {
	for {
		e := p.in.Recv(m)
		if e == nil || Delimiter(m.Frames) >= 0 {
			return e
		}
		p.env.Dropped(DroppedMalformed, e)
	}
}

// Delimiter returns the index of the first empty frame, which ends an envelope, or
// -1 if there is none with something behind it.
func Delimiter(frames [][]byte) int {
	for i := range len(frames) - 1 {
		if len(frames[i]) == 0 {
			return i
		}
	}
	return -1
}

// Send puts the envelope of the request in front. A reply that nobody waits for
// any more, or for which there is no room, is dropped.
func (p *rep) Send(m *message.Message) error {
	if !p.replying {
		return ErrState
	}
	p.reply.Frames = append(p.envelope.frames(p.reply.Frames), m.Frames...)
	p.reply.Owned, p.reply.Lender = m.Owned, m.Lender
	st := pipe.Closed
	if p.asker != nil {
		st = p.asker.Write(&p.reply)
	}
	p.wrote(p.asker, st)
	p.reply = message.Message{Frames: cleared(p.reply.Frames)}
	p.replying, p.asker = false, nil
	return nil
}

// Answerer is what REP has beyond Pattern for a server that works on several
// requests at once. Called with both locks held.
type Answerer interface {
	// Take is Recv that leaves the envelope in m and keeps nothing of it: the socket
	// is ready for the next request.
	Take(m *message.Message) (from *pipe.End, err error)
	// Answer sends m, which begins with the envelope of a request that came from
	// there. A reply that nobody waits for any more, or for which there is no room,
	// is dropped.
	Answer(from *pipe.End, m *message.Message)
	// Forgo forgets the request that Recv yielded last: there will be no reply.
	Forgo()
}

func (p *rep) Take(m *message.Message) (from *pipe.End, err error) {
	e := p.ahead.take(m)
	if e == nil {
		e = p.next(m)
	}
	if e == nil {
		return nil, ErrWouldBlock
	}
	return e, nil
}

func (p *rep) Answer(from *pipe.End, m *message.Message) {
	if standingOf(from) != served {
		p.env.Dropped(DroppedUnroutable, from)
		return
	}
	p.wrote(from, from.Write(m))
}

func (p *rep) Forgo() { p.replying, p.asker = false, nil }

// wrote counts a reply that could not be written to e.
func (p *rep) wrote(e *pipe.End, st pipe.Status) {
	switch st {
	case pipe.Full:
		p.env.Dropped(DroppedFull, e)
	case pipe.Closed:
		p.env.Dropped(DroppedUnroutable, e)
	}
}

func (p *rep) Writable(*pipe.End) {}

func (p *rep) CanSend() bool { return p.replying }

func (p *rep) CanRecv() bool {
	if p.replying {
		return false
	}
	if p.ahead.from == nil {
		p.ahead.from = p.next(&p.ahead.m)
	}
	return p.ahead.from != nil
}

// An envelope is the frames of a request up to the delimiter, in memory of
// their own.
type envelope struct {
	octets []byte
	ends   []int // of the frames
}

// roomyEnvelope is the size, in octets or frames, from which the memory of an
// envelope is not kept for the next one.
const roomyEnvelope = 4 << 10

func (v *envelope) keep(frames [][]byte) {
	if cap(v.octets) > roomyEnvelope || cap(v.ends) > roomyEnvelope {
		*v = envelope{}
	}
	v.octets, v.ends = v.octets[:0], v.ends[:0]
	for _, f := range frames {
		v.octets = append(v.octets, f...)
		v.ends = append(v.ends, len(v.octets))
	}
}

// frames appends the frames to b; they are valid until the next keep.
func (v *envelope) frames(b [][]byte) [][]byte {
	from := 0
	for _, end := range v.ends {
		b = append(b, v.octets[from:end])
		from = end
	}
	return b
}
