package pipe

import (
	"zeromux/internal/message"
	"zeromux/zmtp"
)

// A cursor is where reading stands in the spans that were taken off a queue.
// It belongs to the reader alone.
type cursor struct {
	spans []Span
	rest  []byte // octets of spans[i-1] that are still ahead
	i     int    // the next span
	first int    // the first span that the last message lies in; those before are released
	used  int    // messages read since the last acknowledgement
	step  int    // messages between acknowledgements
}

// Read takes the next whole message. Its frames are borrowed from the spans
// they lie in and valid until the next Read. Empty means that the end's owner
// is told when there is more, Closed that there will be none. Called with
// recvMu held.
func (e *End) Read(m *message.Message) Status {
	c := &e.cur
	if len(c.rest) == 0 {
		if st := e.advance(); st != OK {
			return st
		}
	} else if c.first != c.i-1 {
		c.release(c.i - 1)
	}
	m.Frames = m.Frames[:0]
	m.Kind = message.Data
	m.Peer = c.spans[c.i-1].peer
	if m.Peer == nil {
		m.Peer = e.Peer
	}
	for {
		flags, body, rest := split(c.rest)
		if body == nil {
			body = c.spans[c.i].Bytes()
			body = body[:len(body):len(body)]
			c.i++
		}
		c.rest = rest
		m.Frames = append(m.Frames, body)
		if flags&zmtp.FlagCommand != 0 {
			m.Kind, m.Frames[0] = subscription(body)
			break
		}
		if flags&zmtp.FlagMore == 0 {
			break
		}
		if len(rest) == 0 {
			c.rest = c.spans[c.i].Bytes()
			c.i++
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
// else comes next: then Read tells.
func (e *End) ReadShort() (body []byte, peer *message.Peer, ok bool) {
	c := &e.cur
	b := c.rest
	if len(b) < 2 || b[0] != 0 {
		return nil, nil, false
	}
	if c.first != c.i-1 {
		c.release(c.i - 1)
	}
	end := 2 + int(b[1])
	c.rest = b[end:]
	if peer = c.spans[c.i-1].peer; peer == nil {
		peer = e.Peer
	}
	if c.used++; c.used >= c.step {
		e.in.used(c.used)
		c.used = 0
	}
	return b[2:end:end], peer, true
}

// advance moves to the next span that was taken, or takes what waits.
func (e *End) advance() Status {
	c := &e.cur
	c.release(c.i)
	if c.i == len(c.spans) {
		c.i, c.first = 0, 0
		var st Status
		if c.spans, c.step, st = e.in.take(c.spans, c.used); st != OK {
			c.used = 0
			return st
		}
		c.used = 0
	}
	c.rest = c.spans[c.i].Bytes()
	c.i++
	return OK
}

// release lets go of the spans before index i.
func (c *cursor) release(i int) {
	for ; c.first < i; c.first++ {
		if s := &c.spans[c.first]; s.chunk != nil { // nil: given away
			s.Release()
		}
	}
}

// drop lets go of everything that was taken.
func (c *cursor) drop() {
	c.release(len(c.spans))
	*c = cursor{}
}

// Shared reports whether memory of the last message may have other holders
// that outlive it, so that an application must get a copy.
func (e *End) Shared() bool {
	for i := e.cur.first; i < e.cur.i; i++ {
		s := &e.cur.spans[i]
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
	for i := e.cur.first; i < e.cur.i; i++ {
		e.cur.spans[i].kept()
	}
}

// Hold adds a reference on every chunk that the last message lies in and
// appends the chunks to held. Whoever holds them releases them.
func (e *End) Hold(held []*message.Chunk) []*message.Chunk {
	for i := e.cur.first; i < e.cur.i; i++ {
		c := e.cur.spans[i].chunk
		if n := len(held); c == nil || n > 0 && held[n-1] == c {
			continue // nil: given away, and there for good
		}
		c.Retain()
		held = append(held, c)
	}
	return held
}

// subscription tells what a command frame that a socket sees asks for.
func subscription(body []byte) (message.Kind, []byte) {
	if len(body) >= len(subscribeName) && body[0] == subscribeName[0] {
		return message.Subscribe, body[len(subscribeName):]
	}
	return message.Cancel, body[len(cancelName):]
}
