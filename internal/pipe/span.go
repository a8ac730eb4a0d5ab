package pipe

import (
	"zeromux/internal/message"
)

// A Span is a run of encoded frames: a range of a chunk, or one large frame
// that is a whole chunk of its own. Spans are the only thing that is queued.
// Thirty-two octets: longer entries slow the queues down measurably.
//
// A span holds one reference on its chunk. Frames are encoded as ZMTP 3.1
// writes them, whatever the peer speaks; a frame never crosses spans, but for a
// body that is a span of its own right behind the one that ends in its header.
type Span struct {
	chunk *message.Chunk
	peer  *message.Peer // whose connection brought it; nil: the end's own peer
	off   uint32
	end   uint32
	n     int32 // messages that end in this span
	flags spanFlags
}

type spanFlags uint8

const (
	// spanWhole: the chunk's whole length counts, off and end do not, so that
	// frames of more than 4 GiB have a place.
	spanWhole spanFlags = 1 << iota
	// spanShared: others may hold the chunk for good (a body sent to many
	// peers, memory that an application lent), so that it must be copied
	// before an application may have it.
	spanShared
	// spanMid: the span begins inside a message, so that a session keeps what
	// stands before it until the message has gone whole.
	spanMid
	// spanBody: a range of a chunk that is one body, and stays a span of its own.
	spanBody
)

// NewSpan makes a span of the octets [off, end) of c, in which n messages end.
// It takes over one reference on c. Octets are whole frames.
func NewSpan(c *message.Chunk, off, end, n int, peer *message.Peer) Span {
	return Span{chunk: c, peer: peer, off: uint32(off), end: uint32(end), n: int32(n)}
}

// NewWholeSpan makes a span of all of c, in which n messages end. It takes over
// one reference on c.
func NewWholeSpan(c *message.Chunk, n int, peer *message.Peer) Span {
	return Span{chunk: c, peer: peer, n: int32(n), flags: spanWhole}
}

// Bytes are the octets of the span.
func (s *Span) Bytes() []byte {
	if s.flags&spanWhole != 0 {
		return s.chunk.B
	}
	return s.chunk.B[s.off:s.end]
}

// Len is the number of octets of the span.
func (s *Span) Len() int {
	if s.flags&spanWhole != 0 {
		return len(s.chunk.B)
	}
	return int(s.end - s.off)
}

// Messages is the number of messages that end in the span.
func (s *Span) Messages() int { return int(s.n) }

// Release gives the span's reference back and empties it.
func (s *Span) Release() {
	s.chunk.Release()
	*s = Span{}
}

// ReleaseAll releases every span of a list.
func ReleaseAll(spans []Span) {
	for i := range spans {
		if spans[i].chunk != nil {
			spans[i].Release()
		}
	}
}
