package pipe

import (
	"encoding/binary"
	"math"
	"sync"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// A cursor is where reading stands in the spans that were taken off a queue.
// It belongs to the reader alone. An end has one from taking something to finding
// nothing more: one that is idle needs none.
type cursor struct {
	spans []Span
	buf   []byte        // the octets of spans[i-1]
	at    int           // how many of them have been read
	near  int           // how many of them are known to be in this processor's cache
	peer  *message.Peer // where they came from
	i     int           // the next span
	first int           // the first span that the last message lies in; those before are released
	start int           // where in it the last message that Read returned begins
	used  int           // messages read since the last acknowledgement
	step  int           // messages between acknowledgements

	fetched byte // of no interest: what fetch has seen
}

// cursors are those that no end has.
var cursors = sync.Pool{New: func() any { return new(cursor) }}

// listMost is the longest list of spans that goes from pipe to pipe with a cursor.
// Longer ones, of a pipe that once was far behind, would come to lie in many.
const listMost = 16

// Read takes the next whole message. Its frames are borrowed from the spans
// they lie in and valid until the next Read. Empty means that the end's owner
// is told when there is more, Closed that there will be none. Called with
// recvMu held.
func (e *End) Read(m *message.Message) Status {
	c := e.cur
	if c == nil || c.at == len(c.buf) {
		if st := e.advance(); st != OK {
			return st
		}
		c = e.cur
	}
	if c.peer == nil {
		c.peer = e.Peer // a neighbour may have introduced himself since
	}
	if c.at+2 > c.near {
		c.fetch()
	}
	if c.first != c.i-1 {
		c.release(c.i - 1)
	}
	m.Empty()
	m.Kind = message.Data
	m.Peer = c.peer
	c.start = c.at
	for {
		flags, body, rest := split(c.buf[c.at:])
		c.at = len(c.buf) - len(rest)
		if body == nil {
			body = c.spans[c.i].Bytes()
			body = body[:len(body):len(body)]
			c.i++
		}
		m.Frames = append(m.Frames, body)
		if flags&zmtp.FlagCommand != 0 {
			m.Kind, m.Frames[0] = subscription(body)
			break
		}
		if flags&zmtp.FlagMore == 0 {
			break
		}
		if len(rest) == 0 {
			e.open()
		}
	}
	if c.used++; c.used >= c.step {
		e.in.used(c.used)
		c.used = 0
	}
	return OK
}

// ReadShort is Read of what most messages are, one short frame behind another in
// a span that was taken. It reports false, and has done nothing, when something
// else comes next or is to be done: then Read does it.
func (e *End) ReadShort() (body []byte, peer *message.Peer, ok bool) {
	c := e.cur
	if c == nil {
		return nil, nil, false
	}
	at := c.at + 2
	if at > c.near || c.buf[at-2] != 0 || c.first != c.i-1 || c.used+1 >= c.step {
		return nil, nil, false
	}
	end := at + int(c.buf[at-1])
	c.at = end
	c.used++
	return c.buf[at:end], c.peer, true
}

// ReadLong is ReadShort of a frame of 256 up to most octets.
func (e *End) ReadLong(most int) (body []byte, peer *message.Peer, ok bool) {
	c := e.cur
	if c == nil {
		return nil, nil, false
	}
	at := c.at + zmtp.MaxHeader
	if at > c.near || c.buf[c.at] != byte(zmtp.FlagLong) || c.first != c.i-1 || c.used+1 >= c.step {
		return nil, nil, false
	}
	size := binary.BigEndian.Uint64(c.buf[c.at+1:])
	if size > uint64(most) || int(size) > len(c.buf)-at {
		return nil, nil, false
	}
	c.at = at + int(size)
	c.used++
	return c.buf[at:c.at], c.peer, true
}

// advance moves to the next span that was taken, or takes what waits.
func (e *End) advance() Status {
	if e.cur == nil {
		e.cur = cursors.Get().(*cursor)
	}
	c := e.cur
	c.release(c.i)
	if c.i == len(c.spans) {
		spans, step, st := e.in.take(c.spans, c.used, 0)
		*c = cursor{spans: spans, step: step}
		if st != OK {
			if cap(spans) > listMost {
				c.spans = nil
			}
			e.cur = nil
			cursors.Put(c)
			return st
		}
	}
	e.open()
	return OK
}

// open goes on with the next of the spans that were taken.
func (e *End) open() {
	c := e.cur
	s := &c.spans[c.i]
	c.buf, c.at, c.peer = s.Bytes(), 0, s.peer
	c.near = 0
	if c.peer == nil {
		c.peer = e.Peer
	}
	c.i++
}

// release lets go of the spans before index i.
func (c *cursor) release(i int) {
	for ; c.first < i; c.first++ {
		if s := &c.spans[c.first]; s.chunk != nil { // nil: given away
			s.Release()
		}
	}
}

// last is the spans that the last message lies in.
func (e *End) last() []Span {
	if e.cur == nil {
		return nil
	}
	return e.cur.spans[e.cur.first:e.cur.i]
}

// Shared reports whether memory of the last message may have other holders
// that outlive it, so that an application must get a copy.
func (e *End) Shared() bool {
	for _, s := range e.last() {
		if s.flags&spanShared != 0 && (s.chunk.Lent() || !s.chunk.Sole()) {
			return true
		}
	}
	return false
}

// Keep gives the memory of the last message to the application for good: its
// chunks are never recycled, and the collector takes them when the application
// is done.
func (e *End) Keep() {
	clear(e.last()) // the references are forgotten, not released
}

// Hold adds a reference on every chunk that the last message lies in and
// appends the chunks to held. Whoever holds them releases them.
func (e *End) Hold(held []*message.Chunk) []*message.Chunk {
	for _, s := range e.last() {
		c := s.chunk
		if n := len(held); c == nil || n > 0 && held[n-1] == c {
			continue // nil: given away, and there for good
		}
		c.Retain()
		held = append(held, c)
	}
	return held
}

// Lend implements message.Lender, for the frames of the last message that Read
// returned.
func (e *End) Lend(body []byte) (c *message.Chunk, off int) {
	spans := e.last()
	if len(spans) == 0 || len(body) == 0 || spans[0].chunk == nil { // nil: given away with the message before
		return nil, 0
	}
	w := Walker{spans: spans, rest: spans[0].Bytes()[e.cur.start:], i: 1}
	for f, ok := w.Next(); ok; f, ok = w.Next() {
		if len(f.Body) != len(body) || &f.Body[0] != &body[0] {
			continue
		}
		s := f.span
		end := int(s.end)
		if s.flags&spanWhole != 0 {
			end = len(s.chunk.B)
		}
		end -= len(w.rest)
		if uint64(end) > math.MaxUint32 {
			return nil, 0
		}
		s.chunk.Retain()
		return s.chunk, end - len(body)
	}
	return nil, 0
}

// subscription tells what a command frame that a socket sees asks for.
func subscription(body []byte) (message.Kind, []byte) {
	if len(body) >= len(subscribeName) && body[0] == subscribeName[0] {
		return message.Subscribe, body[len(subscribeName):]
	}
	return message.Cancel, body[len(cancelName):]
}
