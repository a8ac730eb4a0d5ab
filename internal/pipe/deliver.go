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

// Append queues a message of one frame for this side itself, behind all that the
// other side has written, as if that had written it; also when it may write no more.
// The mark does not count, and it counts as neither written nor arrived. It does nothing
// when this side reads no more. This side is told by Announce, which may come later,
// under no lock.
func (e *End) Append(body []byte) {
	q := e.in
	q.lock()
	if q.gone {
		q.mu.Unlock()
		return
	}
	if q.newest {
		q.forget()
	}
	q.appendBlock(0, body)
	q.finish()
	q.skip(body)
	q.idle, q.told = false, true
	q.mu.Unlock()
}

// Announce tells this side of what Append has queued: it may have read to the end, and
// then waits for nothing. Called with no lock held.
func (e *End) Announce() { e.readable(false) }
