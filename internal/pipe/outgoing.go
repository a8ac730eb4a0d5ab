package pipe

import "zeromux/zmtp"

// Outgoing is what a session has taken off its end of a pipe and is carrying
// to the peer. It belongs to whoever writes to the connection.
//
// Spans are let go as they are written, but for those of a message that has
// not gone whole: a connection that breaks loses the message that it cut in
// two and nothing else.
type Outgoing struct {
	// Subscriber says that a message of one frame that begins with 0 or 1 is a
	// subscription, as it is of an XSUB. Set before use.
	Subscriber bool

	end   *End
	spans []Span
	own   int // spans before it are the session's own words, and no messages
	first int // spans before it are released
	next  int // spans before it are written
	off   int // octets of spans[next] that are written
}

// NewOutgoing returns an empty Outgoing of a session's end.
func NewOutgoing(e *End) *Outgoing { return &Outgoing{end: e} }

// Begin makes a message of one frame the first that is written: the session says it
// itself, on each connection anew. It counts as written by the socket, but has no part
// in the mark, and what is not written of it is forgotten. Called before anything is
// taken.
func (o *Outgoing) Begin(body []byte) {
	o.end.in.add(body)
	o.spans = append(o.spans[:0], blockSpan(o.end.in.pool, 0, body))
	o.own, o.first, o.next, o.off = 1, 0, 0, 0
}

// Take moves what the socket wrote into the session's hands, when nothing is left
// there: everything, or some of it where it may be taken back. The messages count against the mark until they are
// written. Empty means that the session is told when there is more, Closed
// that there will be none.
func (o *Outgoing) Take() Status {
	if o.next < len(o.spans) {
		return OK
	}
	o.own, o.first, o.next, o.off = 0, 0, 0, 0
	var st Status
	o.spans, _, st = o.end.in.take(o.spans, 0, o.end.in.writer.atOnce())
	return st
}

// Buffers appends to b what is to be written next: whole spans, up to about limit
// octets and at most as many as pieces.
func (o *Outgoing) Buffers(b [][]byte, limit, pieces int) [][]byte {
	off := o.off
	for i := o.next; i < len(o.spans) && limit > 0 && i-o.next < pieces; i++ {
		p := o.spans[i].Bytes()[off:]
		off = 0
		limit -= len(p)
		b = append(b, p)
	}
	return b
}

// Between reports whether what is written stands between two messages, where a
// session may say something of its own.
func (o *Outgoing) Between() bool {
	return o.off == 0 && (o.next == len(o.spans) || o.spans[o.next].flags&spanMid == 0)
}

// Walk returns a walker over the frames that are to be written next, for a
// session that has to write them otherwise. It must stand at the boundary of a
// frame.
func (o *Outgoing) Walk() Walker {
	w := Walker{spans: o.spans, i: o.next}
	if o.off > 0 {
		w.rest = o.spans[o.next].Bytes()[o.off:]
		w.i++
	}
	return w
}

// Wrote takes note that the peer's system has accepted n octets more.
func (o *Outgoing) Wrote(n int) {
	messages := 0
	for n > 0 {
		s := &o.spans[o.next]
		left := s.Len() - o.off
		if n < left {
			o.off += n
			break
		}
		n -= left
		o.off = 0
		messages += s.Messages()
		o.next++
	}
	if messages > 0 {
		o.end.in.used(messages)
	}
	keep := o.next
	for keep > o.first && keep < len(o.spans) && o.spans[keep].flags&spanMid != 0 {
		keep--
	}
	for ; o.first < keep; o.first++ {
		o.spans[o.first].Release()
	}
}

// Drop lets go of everything in the session's hands and returns how many
// messages that were.
func (o *Outgoing) Drop() (lost int) {
	for i := o.next; i < len(o.spans); i++ {
		lost += o.spans[i].Messages()
	}
	o.end.in.used(lost)
	o.clear()
	return lost
}

func (o *Outgoing) clear() {
	for ; o.first < len(o.spans); o.first++ {
		o.spans[o.first].Release()
	}
	o.spans, o.own, o.first, o.next, o.off = o.spans[:0], 0, 0, 0, 0
}

// Restore puts what was not written back in front of what waits, and returns
// how many messages are lost: the one that was cut in two, if there is one.
// Subscriptions are dropped, taken or waiting, for they are stated anew on the
// next connection.
func (o *Outgoing) Restore() (lost int) {
	from, written := max(o.first, o.own), o.off
	if o.next < o.own {
		written = 0 // of messages
	}
	for i := from; i < o.next; i++ {
		written += o.spans[i].Len()
	}
	taken := 0
	for i := o.next; i < len(o.spans); i++ {
		taken += o.spans[i].Messages()
	}
	q := o.end.in
	q.lock()
	only := sieve{written: written, restated: true, subscriber: o.Subscriber, unwanted: q.writer.unwanted()}
	kept, n, lost := only.keep(o.spans[from:])
	q.discount(n, kept) // they wait again
	only.written = 0
	waiting, waitingN, _ := only.keep(q.spans)
	old := q.spans
	switch {
	case q.newest && waitingN > 0:
		ReleaseAll(kept)
		q.spans, q.n = waiting, waitingN
	default:
		q.spans, q.n = append(kept, waiting...), n+waitingN
	}
	room := q.acknowledge(taken)
	q.mu.Unlock()
	if room {
		q.writer.writable()
	}
	ReleaseAll(old)
	o.clear()
	return lost
}

// A sieve chooses among the messages of a list.
type sieve struct {
	written    int               // octets of the list have gone; the message that they end in is lost
	restated   bool              // subscriptions are left out: they are said anew
	subscriber bool              // a message of one frame that begins with 0 or 1 is one
	unwanted   func(*Frame) bool // messages that begin with such a frame are left out; nil: none
}

// keep returns new spans, with references of their own, of the messages that are left,
// how many they are, and how many are lost.
func (s sieve) keep(spans []Span) (kept []Span, n, lost int) {
	w := Walker{spans: spans}
	begin, pos := 0, 0 // of the message, of the frame
	skip := false      // the message
	for {
		at, rest := w.i, len(w.rest)
		f, ok := w.Next()
		if !ok {
			return kept, n, lost
		}
		start := pos
		pos += f.size
		if start == begin {
			skip = s.skips(&f)
		}
		switch {
		case begin >= s.written && !skip:
			if rest == 0 {
				at++
			}
			kept = appendRange(kept, spans, at-1, rest, w.i-1, len(w.rest), start != begin)
			if f.EndsMessage() {
				kept[len(kept)-1].n++
				n++
			}
		case f.EndsMessage() && begin < s.written && pos > s.written && !skip:
			lost++
		}
		if f.EndsMessage() {
			begin = pos
		}
	}
}

// skips reports whether the message that f is the first frame of is left out.
func (s sieve) skips(f *Frame) bool {
	if s.restated && (f.Flags&zmtp.FlagCommand != 0 ||
		s.subscriber && f.EndsMessage() && len(f.Body) > 0 && f.Body[0] <= 1) {
		return true
	}
	return s.unwanted != nil && s.unwanted(f)
}

// appendRange appends the octets of one frame, which begins in spans[from] with
// fromRest octets of it ahead (0: all) and ends in spans[to] with toRest octets
// behind it, as spans with references of their own.
func appendRange(kept, spans []Span, from, fromRest, to, toRest int, mid bool) []Span {
	for i := from; i <= to; i++ {
		s := spans[i]
		s.n = 0
		s.flags &^= spanMid
		if mid || i > from {
			s.flags |= spanMid
		}
		if s.flags&spanWhole == 0 {
			if i == from && fromRest > 0 {
				s.off = s.end - uint32(fromRest)
			}
			if i == to {
				s.end -= uint32(toRest)
			}
			if k := len(kept) - 1; k >= 0 && kept[k].chunk == s.chunk && (kept[k].flags|s.flags)&(spanWhole|spanBody) == 0 && kept[k].end == s.off {
				kept[k].end = s.end
				continue
			}
		}
		s.chunk.Retain()
		kept = append(kept, s)
	}
	return kept
}
