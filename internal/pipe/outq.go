package pipe

import (
	"zeromux/internal/message"
	"zeromux/zmtp"
)

const (
	subscribeName = "\x09SUBSCRIBE"
	cancelName    = "\x06CANCEL"
)

// Write appends m to what the other side will read, whole or not at all. Full
// and Closed leave m with the caller. Subscriptions are never refused for want
// of room: a lost one would lose messages for good. Called with sendMu held.
func (e *End) Write(m *message.Message) Status {
	q := e.out
	q.mu.Lock()
	if m.Kind == message.Data {
		if f := m.Frames; len(f) == 1 && (q.run.add(f[0]) || q.run.addLong(f[0])) || len(f) > 1 && q.run.addShort(f) {
			q.mu.Unlock()
			return OK
		}
	}
	q.settle()
	st := q.admit(m.Kind)
	if st != OK {
		q.mu.Unlock()
		return st
	}
	q.append(m)
	wake := q.wakeReader()
	q.startRun(m.Size())
	q.mu.Unlock()
	if wake {
		e.hub.tellLater(q.reader)
	}
	return OK
}

// WriteAlone is Write of an application's message to a pipe that is the only
// one of its socket: it needs no lock of the socket, and the other side is told
// at once.
func (e *End) WriteAlone(frames [][]byte, owner *message.Owner) Status {
	if len(frames) == 1 && len(frames[0]) < message.LargeFrame {
		return e.WriteBody(frames[0]) // which is copied in any case
	}
	q := e.out
	q.lock()
	st := q.admit(message.Data)
	wake := false
	if st == OK {
		q.append(&message.Message{Frames: frames, Owned: owner})
		wake = q.wakeReader()
	}
	q.mu.Unlock()
	if wake {
		q.reader.readable(!e.hub.behind.Load())
	}
	return st
}

// WriteBody is WriteAlone of a message of one frame.
func (e *End) WriteBody(body []byte) Status {
	q := e.out
	q.mu.Lock()
	if q.run.add(body) || q.run.addLong(body) {
		q.mu.Unlock()
		return OK
	}
	return e.writeBody(body)
}

// writeBody is the rest of WriteBody, with the lock of the queue held.
func (e *End) writeBody(body []byte) Status {
	q := e.out
	q.settle()
	q.stay()
	st := q.admit(message.Data)
	wake := false
	if st == OK {
		q.appendOne(body)
		wake = q.wakeReader()
		q.startRun(len(body))
	}
	q.mu.Unlock()
	if wake {
		q.reader.readable(!e.hub.behind.Load())
	}
	return st
}

// appendOne is append of a message of one frame. q.mu is held.
func (q *queue) appendOne(body []byte) {
	if q.newest {
		q.forget()
	}
	q.appendBody(body)
	q.finish()
}

// admit reports whether a message may be written. q.mu is held.
func (q *queue) admit(kind message.Kind) Status {
	switch {
	case q.gone || q.ended:
		return Closed
	case kind != message.Data || q.newest:
		return OK
	case q.full || q.marks.reached(q.n+q.inflight):
		q.full = true
		return Full
	}
	return OK
}

// append encodes m behind what waits. q.mu is held.
func (q *queue) append(m *message.Message) {
	frames := m.Frames
	if m.Kind != message.Data {
		name := subscribeName
		if m.Kind == message.Cancel {
			name = cancelName
		}
		q.appendFrame(zmtp.FlagCommand, name, frames[0])
	} else {
		if q.newest {
			q.forget()
			frames = frames[len(frames)-1:]
		}
		last := len(frames) - 1
		for i, f := range frames {
			q.mid = i > 0
			flags := zmtp.FlagMore
			if i == last {
				flags = 0
			}
			switch {
			case len(f) < message.LargeFrame:
				q.appendFrame(flags, "", f)
			case m.Owned != nil:
				q.appendOwned(flags, f, m.Owned)
			case m.Lender != nil && q.appendLent(flags, f, m.Lender):
			default:
				q.appendBlock(flags, f)
			}
		}
	}
	q.finish()
}

// finish counts the message whose last frame was just appended. q.mu is held.
func (q *queue) finish() {
	q.spans[len(q.spans)-1].n++
	q.mid = false
	q.n++
}

// appendFrame encodes one frame, whose body is prefix and body together, into
// the open chunk.
func (q *queue) appendFrame(flags zmtp.Flags, prefix string, body []byte) {
	size := len(prefix) + len(body)
	if size >= message.LargeFrame { // a subscription to a very long topic
		q.appendBlock(flags, append([]byte(prefix), body...))
		return
	}
	b := q.reserve(zmtp.HeaderSize(size) + size)
	if size <= 255 {
		b[0], b[1] = byte(flags), byte(size)
		b = b[2:]
	} else {
		zmtp.AppendHeader(b[:0], flags, size)
		b = b[zmtp.MaxHeader:]
	}
	copy(b[copy(b, prefix):], body)
}

// reserve returns the next k octets of the open chunk, k no more than a large
// chunk has, and makes them part of the last span. A frame lies in one chunk.
func (q *queue) reserve(k int) []byte {
	if q.open == nil || len(q.open.B)-q.fill < k {
		q.reopen(k)
	}
	from := q.fill
	q.fill += k
	if i := len(q.spans) - 1; i >= 0 {
		if s := &q.spans[i]; s.chunk == q.open && int(s.end) == from {
			s.end = uint32(q.fill)
			return q.open.B[from:q.fill]
		}
	}
	q.open.Retain()
	q.push(NewSpan(q.open, from, q.fill, 0, nil))
	return q.open.B[from:q.fill]
}

// push queues a span, which begins inside a message when frames of it stand
// before.
func (q *queue) push(s Span) {
	if q.mid {
		s.flags |= spanMid
	}
	q.spans = append(q.spans, s)
}

// reopen starts a chunk with room for k octets: a small one when the queue was
// empty, a large one when messages have already piled up.
func (q *queue) reopen(k int) {
	size := message.LargeChunk
	if q.open == nil && k <= message.SmallChunk {
		size = message.SmallChunk
	}
	q.rest()
	q.open = q.pool.Chunk(size)
}

// appendBlock copies a large body once, with its header, into a block of its own.
func (q *queue) appendBlock(flags zmtp.Flags, body []byte) {
	q.push(blockSpan(q.pool, flags, body))
}

// blockSpan makes a span of one frame, copied into a block of its own.
func blockSpan(pool *message.Pool, flags zmtp.Flags, body []byte) Span {
	c := pool.Block(zmtp.HeaderSize(len(body)) + len(body))
	copy(c.B[len(zmtp.AppendHeader(c.B[:0], flags, len(body))):], body)
	return NewWholeSpan(c, 0, nil)
}

// appendOwned queues a large body by reference behind a header of its own.
func (q *queue) appendOwned(flags zmtp.Flags, body []byte, owner *message.Owner) {
	zmtp.AppendHeader(q.reserve(zmtp.MaxHeader)[:0], flags, len(body))
	q.mid = true
	s := NewWholeSpan(owner.Wrap(body), 0, nil)
	s.flags |= spanShared
	q.push(s)
}

// appendLent is appendOwned of a body in the memory of a message that was received,
// if it can be had.
func (q *queue) appendLent(flags zmtp.Flags, body []byte, from message.Lender) bool {
	c, off := from.Lend(body)
	if c == nil {
		return false
	}
	zmtp.AppendHeader(q.reserve(zmtp.MaxHeader)[:0], flags, len(body))
	q.mid = true
	s := NewSpan(c, off, off+len(body), 0, nil)
	s.flags = spanShared | spanBody
	q.push(s)
	return true
}

// An Encoding is one message encoded once for many pipes. Small frames are
// copied into each, large ones shared.
type Encoding struct {
	q    queue
	kind message.Kind
}

// Encode makes the encoding of m, whose chunks come from pool. Release it when
// all pipes have it.
func (c *Encoding) Encode(m *message.Message, pool *message.Pool) {
	c.q.pool, c.kind = pool, m.Kind
	c.q.append(m)
}

// Release lets go of the encoding's own references.
func (c *Encoding) Release() {
	ReleaseAll(c.q.spans)
	c.q.spans = c.q.spans[:0]
	c.q.n = 0
	if c.q.fill > message.SmallChunk {
		c.q.rest()
	}
	c.q.fill = 0
}

// WriteEncoded is Write of a message that was encoded before.
func (e *End) WriteEncoded(c *Encoding) Status {
	q := e.out
	q.lock()
	if st := q.admit(c.kind); st != OK {
		q.mu.Unlock()
		return st
	}
	if q.newest && c.kind == message.Data {
		q.forget()
		q.appendLast(c.q.spans)
	} else {
		q.appendEncoded(c.q.spans)
	}
	q.finish()
	wake := q.wakeReader()
	q.mu.Unlock()
	if wake {
		e.hub.tellLater(q.reader)
	}
	return OK
}

// WriteFirst puts subscriptions in front of all that waits, and takes them out of
// the encoding: a publisher that has just come hears of them before it gets what
// the application sent meanwhile. Called with sendMu held.
func (e *End) WriteFirst(c *Encoding) Status {
	q := e.out
	q.lock()
	if q.gone || q.ended {
		q.mu.Unlock()
		return Closed
	}
	wake := false
	if c.q.n > 0 {
		q.spans = append(c.q.spans, q.spans...)
		q.n += c.q.n
		c.q.spans, c.q.n = nil, 0
		c.q.rest()
		wake = q.wakeReader()
	}
	q.mu.Unlock()
	if wake {
		e.hub.tellLater(q.reader)
	}
	return OK
}

// appendEncoded copies the small spans of an encoding and shares the large ones.
func (q *queue) appendEncoded(spans []Span) {
	for i := range spans {
		s := &spans[i]
		q.mid = i > 0
		if s.flags&(spanWhole|spanBody) == 0 {
			copy(q.reserve(s.Len()), s.Bytes())
			continue
		}
		s.chunk.Retain()
		q.push(Span{chunk: s.chunk, off: s.off, end: s.end, flags: s.flags&^spanMid | spanShared})
	}
}
