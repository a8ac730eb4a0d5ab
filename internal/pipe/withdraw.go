package pipe

import "zeromux/zmtp"

// Withdraw takes back what this side wrote and whose first frame is first, and reports
// whether it waited. What a session has in its hands goes out, unless the connection is
// lost before: whether it waits again then is asked of OnlyWanted. The totals keep it. May
// be called with locks of the socket held.
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

// OnlyWanted has it asked what becomes of messages that a session had in its hands when
// it lost its connection: wanted reports whether one that the socket wrote to e, and whose
// first frame is first, is to wait for the next connection. It is called with the lock of
// a queue held, and must take none that is held while one of a queue is taken.
func (h *Hub) OnlyWanted(wanted func(e *End, first []byte) bool) { h.wanted.Store(&wanted) }

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
