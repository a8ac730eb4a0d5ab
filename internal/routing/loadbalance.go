package routing

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// LoadBalance sends each message to the next pipe with room, in turn. A pipe
// that is full leaves the rotation and comes back when it has room again, so
// that a choice takes constant time whatever the number of pipes.
//
// Everything runs under sendMu. The zero value is not ready; use NewLoadBalance.
type LoadBalance struct {
	ring  ring
	pipes int       // that joined and have not left
	sole  *pipe.End // the only one of them, full or not; nil: more, none, or not known
}

// NewLoadBalance returns an empty rotation.
func NewLoadBalance() LoadBalance { return LoadBalance{} }

// Join lets a new pipe take part, and Leave takes it out for good.
func (l *LoadBalance) Join(e *pipe.End) {
	l.pipes++
	l.sole = nil
	l.Add(e)
}

// Leave takes out a pipe that has joined.
func (l *LoadBalance) Leave(e *pipe.End) {
	l.pipes--
	l.ring.leave(e)
	l.sole = nil
	if l.pipes == 1 {
		l.sole = l.ring.at // nil when that one is full; Add will tell
	}
}

// Solo returns the only pipe that has joined, with room or without, or nil.
func (l *LoadBalance) Solo() *pipe.End { return l.sole }

// Add lets e take part; also when it has room again.
func (l *LoadBalance) Add(e *pipe.End) {
	if l.pipes == 1 {
		l.sole = e
	}
	l.ring.join(e)
}

// Remove takes e out for good, or until it is added again.
func (l *LoadBalance) Remove(e *pipe.End) { l.ring.leave(e) }

// Send writes m to the next pipe with room and returns it, or nil when there is
// none.
func (l *LoadBalance) Send(m *message.Message) *pipe.End {
	for l.ring.at != nil {
		e := l.ring.at
		if e.Write(m) == pipe.OK {
			l.ring.step()
			return e
		}
		l.ring.leave(e)
	}
	return nil
}

// SendWhere is Send to the next pipe with room that fits.
func (l *LoadBalance) SendWhere(m *message.Message, fits func(*pipe.End) bool) *pipe.End {
	for range l.ring.size {
		e := l.ring.at
		switch {
		case !fits(e):
			l.ring.step()
		case e.Write(m) == pipe.OK:
			l.ring.step()
			return e
		default:
			l.ring.leave(e)
		}
	}
	return nil
}

// Next returns the pipe whose turn it is, or nil when there is none with room.
// It is for a pattern that writes itself, and says Done.
func (l *LoadBalance) Next() *pipe.End {
	for l.ring.at != nil {
		if l.ring.at.CanWrite() == pipe.OK {
			return l.ring.at
		}
		l.ring.leave(l.ring.at)
	}
	return nil
}

// Done ends the turn of the pipe that has it.
func (l *LoadBalance) Done() { l.ring.step() }

// Len is the number of pipes that are thought to have room.
func (l *LoadBalance) Len() int { return l.ring.size }
