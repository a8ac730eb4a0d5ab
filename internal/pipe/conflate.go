package pipe

import (
	"zeromux/internal/message"
	"zeromux/zmtp"
)

// Conflate makes both directions queues of one message from now on, as
// Config.Conflate does; of what waits the newest message is left.
func (e *End) Conflate() {
	e.in.conflate()
	e.out.conflate()
}

func (q *queue) conflate() {
	q.lock()
	if q.newest {
		q.mu.Unlock()
		return
	}
	q.newest = true
	waiting := q.spans
	q.spans, q.n = nil, 0
	q.deliverNewest(waiting) // which counts what made way
	room := q.full
	q.full = false
	q.mu.Unlock()
	if room {
		q.writer.writable()
	}
}

// forget drops every message that waits, but keeps subscriptions, in a queue
// that holds only the newest message. libzmq: ZMQ_CONFLATE. q.mu is held.
func (q *queue) forget() {
	if q.n == 0 {
		return
	}
	waiting, n, octets := q.spans, q.n, octetsOf(q.spans)
	q.spans = make([]Span, 0, 1)
	q.n = 0
	w := Walker{spans: waiting}
	for f, ok := w.Next(); ok; f, ok = w.Next() {
		if f.Flags&zmtp.FlagCommand != 0 {
			q.keep(f)
		}
	}
	q.passed(n, octets)
	ReleaseAll(waiting)
}

// passed enters into the totals what is left of n waiting messages when those that
// still wait are taken off. q.mu is held.
func (q *queue) passed(n int, octets uint64) {
	q.messages += uint64(n - q.n)
	q.octets += octets - octetsOf(q.spans)
	if gone := n - q.n; gone > 0 {
		q.book().conflated += uint64(gone)
	}
}

// keep copies one whole command frame behind what waits. q.mu is held.
func (q *queue) keep(f Frame) {
	q.appendFrame(zmtp.FlagCommand, "", f.Body)
	q.spans[len(q.spans)-1].n++
	q.n++
}

// appendLast appends the last frame of one message, without MORE. q.mu is held.
func (q *queue) appendLast(spans []Span) {
	var last Frame
	w := Walker{spans: spans}
	for f, ok := w.Next(); ok; f, ok = w.Next() {
		last = f
	}
	q.appendBody(last.Body)
}

// appendBody appends one frame that is a message by itself. q.mu is held.
func (q *queue) appendBody(body []byte) {
	if len(body) >= message.LargeFrame {
		q.appendBlock(0, body)
	} else {
		q.appendFrame(0, "", body)
	}
}

// deliverNewest keeps of a run of whole messages the last frame of the last one
// and whatever subscriptions stand among them. What is left of others counts as
// arrived all the same. q.mu is held.
func (q *queue) deliverNewest(spans []Span) {
	var last Frame
	var past uint64 // messages before the last
	var pastOctets int
	w := Walker{spans: spans}
	for f, ok := w.Next(); ok; f, ok = w.Next() {
		switch {
		case f.Flags&zmtp.FlagCommand != 0:
			q.keep(f)
			continue
		case f.Flags&zmtp.FlagMore == 0:
			if last.span != nil {
				past++
				pastOctets += zmtp.HeaderSize(len(last.Body)) + len(last.Body)
			}
			last = f
		default:
			pastOctets += zmtp.HeaderSize(len(f.Body)) + len(f.Body)
		}
	}
	q.messages += past
	q.octets += uint64(pastOctets)
	if past > 0 {
		q.book().conflated += past
	}
	if last.span != nil {
		q.forget()
		q.appendBody(last.Body)
		q.spans[len(q.spans)-1].peer = last.span.peer
		q.finish()
	}
	ReleaseAll(spans)
}
