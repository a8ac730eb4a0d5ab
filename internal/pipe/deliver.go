package pipe

// Room is how many more messages a session may deliver. None means that the
// session is told when there is room.
func (e *End) Room() int { return e.out.room() }

// Awaited reports whether the other side has found nothing to read, and nothing
// was delivered since.
func (e *End) Awaited() bool {
	q := e.out
	q.lock()
	defer q.mu.Unlock()
	return q.idle
}

// Deliver hands over spans of n whole messages in all, with their references.
// They are dropped when the socket reads no more.
func (e *End) Deliver(spans []Span, n int) Status {
	q := e.out
	q.lock()
	if q.gone || q.ended {
		q.mu.Unlock()
		ReleaseAll(spans)
		return Closed
	}
	if q.newest {
		q.deliverNewest(spans)
	} else {
		q.spans = append(q.spans, spans...)
		q.n += n
	}
	wake := q.wakeReader()
	q.mu.Unlock()
	if wake {
		q.reader.readable(false)
	}
	return OK
}
