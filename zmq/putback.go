package zmq

import (
	"zeromux/internal/message"
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

// A putBack is a message that was taken off a socket and could not be sent on by
// who took it (lane.go): the next receive yields it. recvMu.
type putBack struct {
	waits bool
	m     Message
	from  *pipe.End // nil: from none that is known
}

// backMost is the size of a message, in octets, from which its memory is not kept
// for the next one.
const backMost = 64 << 10

// put takes the message back that next has left in s.in, with what next returned.
func (b *putBack) put(s *Socket, from *pipe.End, own int) {
	b.m.fill(&s.in, from, own, &s.slab)
	b.from = from
	b.wait(s)
}

// wait has the message received once more.
func (b *putBack) wait(s *Socket) {
	b.waits = true
	s.hub.HoldReadable(true)
	s.hub.PassReceive()
}

// take moves the message to s.in, as next does with one that has a nil end. Its
// memory lasts until done or the next put.
func (b *putBack) take(s *Socket) {
	b.waits = false
	s.hub.HoldReadable(false)
	s.in.Kind, s.in.Peer = message.Data, b.m.x.last
	s.in.Empty()
	s.in.Frames = append(s.in.Frames, b.m.Frames...)
}

// discard forgets a message that waits, if it came from e. The locks of lockSend are
// held, too.
func (b *putBack) discard(s *Socket, e *pipe.End) {
	if !b.waits || b.from != e {
		return
	}
	b.waits = false
	s.hub.HoldReadable(false)
	b.done()
	if p, ok := s.pattern.(pattern.Answerer); ok {
		p.Forgo() // nobody has seen the request
	}
}

// done lets go of the memory of a message that was taken.
func (b *putBack) done() {
	b.from = nil
	b.m.x.release()
	if cap(b.m.x.buffer) > backMost {
		b.m = Message{}
	}
}
