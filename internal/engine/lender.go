package engine

import "zeromux/internal/message"

// A lender is the memory that the connections of a loop read into while they need
// none of their own: what each of them gets is handed on before the next one reads,
// and the chunk is filled from one end to the other.
type lender struct {
	pool   *message.Pool
	shared *message.Chunk // nil: none yet
	fill   int            // octets of shared that are used
}

// lend lets a bare connection read into the shared chunk.
func (l *lender) lend(z *zmtpIn) {
	if l.shared != nil && len(l.shared.B)-l.fill < message.LargeChunk/4 {
		if l.shared.Sole() {
			l.fill = 0
		} else {
			l.keep()
		}
	}
	if l.shared == nil {
		l.shared, l.fill = l.pool.Chunk(message.LargeChunk), 0
	}
	z.borrow(l.shared, l.fill)
}

// lent takes back what is left of the shared chunk, unless the connection goes on
// with it. mine says that nobody else has the connection in his hands.
func (l *lender) lent(z *zmtpIn, mine bool) {
	if mine {
		if at, back := z.giveBack(l.shared, l.fill); back {
			l.fill = at
			return
		}
	}
	l.keep()
}

// keep leaves the shared chunk to whoever uses it.
func (l *lender) keep() {
	if l.shared != nil {
		l.shared.Release()
		l.shared = nil
	}
}

// borrowerOf returns who of a connection may read into the shared chunk now, or nil.
func borrowerOf(in inbound) *zmtpIn {
	switch in := in.(type) {
	case *zmtpIn:
		if in.bare() {
			return in
		}
	case *sealedIn:
		if in.raw == nil && in.block == nil && in.z.bare() {
			return in.z
		}
	}
	return nil
}

// bare reports whether the connection has no memory and needs none of its own.
func (z *zmtpIn) bare() bool { return z.chunk == nil && z.block == nil && !z.large }

// borrow lets a bare connection read into a chunk that is shared with others, from
// at on.
func (z *zmtpIn) borrow(c *message.Chunk, at int) {
	c.Retain()
	z.chunk, z.borrowed = c, true
	z.from, z.begun, z.parsed, z.fill = at, at, at, at
}

// littleRest is how much of something unfinished, in octets, a connection takes along
// rather than keep the shared chunk for it.
const littleRest = message.SmallChunk / 2

// giveBack ends borrowing, of a chunk that was free from at on, and tells from where
// on it is free now. It reports false when the rest of the chunk is the
// connection's, because something in it is unfinished of which much has come, or will.
func (z *zmtpIn) giveBack(c *message.Chunk, at int) (free int, ok bool) {
	switch {
	case z.chunk != c: // the connection has taken another
		z.idle()
		return at, true
	case z.from == z.fill: // what is unfinished has a block
		at = z.fill
		z.forget()
		return at, true
	case z.block == nil && !z.busy && z.need <= littleRest && z.fill-z.from <= littleRest:
		at = z.from
		z.takeAlong()
		return at, true
	}
	return 0, false
}

// takeAlong moves what is unfinished into a small chunk of the connection's own.
func (z *zmtpIn) takeAlong() {
	rest := z.chunk.B[z.from:z.fill]
	own := z.pool.Chunk(message.SmallChunk)
	z.begun, z.parsed, z.from, z.fill = z.begun-z.from, z.parsed-z.from, 0, copy(own.B, rest)
	z.chunk.Release()
	z.chunk, z.borrowed = own, false
}
