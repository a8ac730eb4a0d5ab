package pipe

import (
	"zeromux/internal/message"
	"zeromux/zmtp"
)

// forget drops every message that waits, but keeps subscriptions, in a queue
// that holds only the newest message. libzmq: ZMQ_CONFLATE. q.mu is held.
func (q *queue) forget() {
	if q.n == 0 {
		return
	}
	q.count()
	waiting, n := q.spans, q.n
	q.spans = make([]Span, 0, 1)
	q.n = 0
	w := Walker{spans: waiting}
	for f, ok := w.Next(); ok; f, ok = w.Next() {
		if f.Flags&zmtp.FlagCommand != 0 {
			q.keep(f)
		}
	}
	ReleaseAll(waiting)
	// What was kept will be counted when it goes.
	q.messages -= uint64(q.n)
	q.octets -= octetsOf(q.spans)
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
