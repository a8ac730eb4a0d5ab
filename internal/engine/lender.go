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
