package pipe

import "zeromux/zmtp"

// Withdraw takes back what this side wrote and whose first frame is first, and reports
// whether it waited. What a session has in its hands (see OnlyWanted) goes out, unless the
// connection is lost before. The totals keep it. May be called with locks of the socket
// held.
func (e *End) Withdraw(first []byte) (found bool) {
	q := e.out
	q.lock()
	if !holds(q.spans, first) {
		q.mu.Unlock()
		return false
	}
	was, n := q.spans, q.n
	q.count()
	q.spans, q.n, _ = sieve{unwanted: func(f *Frame) bool { return f.begins(first) }}.keep(was)
	q.discount(q.n, q.spans)
	room := n > q.n && q.acknowledge(0)
	q.mu.Unlock()
	ReleaseAll(was)
	if room {
		q.writer.writable()
	}
	return true
}

// OnlyWanted is for a socket that takes messages back. When a session loses its connection,
// wanted is asked of each message that has not gone out whether it is to wait for the next
// one: of the end that it was written to, by its first frame. It is called with the lock of
// a queue held, and must take none that is held while one of a queue is taken. And a session
// takes no more into its hands than some 64 KiB at a time, or one message. It reports false
// when somebody has it asked already.
func (h *Hub) OnlyWanted(wanted func(e *End, first []byte) bool) bool {
	return h.wanted.CompareAndSwap(nil, &wanted)
}

// takenAtOnce is how many octets a session takes of what may be taken back.
const takenAtOnce = 64 << 10

// atOnce is how many octets of what the socket of e wrote a session takes, about; zero is
// all.
func (e *End) atOnce() int {
	if e.hub == nil || e.hub.wanted.Load() == nil {
		return 0
	}
	return takenAtOnce
}

// some is how many of the spans have about most octets, and end where a message does;
// zero is all.
func some(spans []Span, most int) int {
	if most == 0 {
		return len(spans)
	}
	octets := 0
	for i := range spans {
		if octets >= most && spans[i].flags&spanMid == 0 {
			return i
		}
		octets += spans[i].Len()
	}
	return len(spans)
}

// unwanted is what a sieve needs to know of messages to e, nil when all are wanted.
func (e *End) unwanted() func(*Frame) bool {
	if e.hub == nil {
		return nil
	}
	wanted := e.hub.wanted.Load()
	if wanted == nil {
		return nil
	}
	return func(f *Frame) bool { return f.Flags&zmtp.FlagCommand == 0 && !(*wanted)(e, f.Body) }
}

// holds reports whether a message of a list begins with a frame.
func holds(spans []Span, first []byte) bool {
	begins := true
	w := Walker{spans: spans}
	for f, ok := w.Next(); ok; f, ok = w.Next() {
		if begins && f.begins(first) {
			return true
		}
		begins = f.EndsMessage()
	}
	return false
}
