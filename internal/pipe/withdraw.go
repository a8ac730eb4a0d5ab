package pipe

import "bytes"

// Withdraw takes back what this side wrote and whose first frame is first, and reports
// whether it waited. What a session has in its hands goes out, unless the connection is
// lost before: then it does not come back to the queue. The totals keep it. May be called
// with locks of the socket held.
func (e *End) Withdraw(first []byte) (found bool) {
	q := e.out
	q.lock()
	if q.inflight > 0 && q.reader.hub == nil {
		if b := q.book(); len(b.unwanted) < q.inflight {
			b.unwanted = append(b.unwanted, bytes.Clone(first))
		}
	}
	if !holds(q.spans, first) {
		q.mu.Unlock()
		return false
	}
	was, n := q.spans, q.n
	q.count()
	q.spans, q.n, _ = sieve{unwanted: [][]byte{first}}.keep(was)
	q.discount(q.n, q.spans)
	room := n > q.n && q.acknowledge(0)
	q.mu.Unlock()
	ReleaseAll(was)
	if room {
		q.writer.writable()
	}
	return true
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
