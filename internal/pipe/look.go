package pipe

import "zeromux/internal/message"

// CanRead tells what Read would return, and reads nothing. Empty is a promise
// as it is from Read: the end's owner is told when something waits. Called with
// recvMu held.
func (e *End) CanRead() Status {
	if e.Left() {
		return OK
	}
	used := 0
	if e.cur != nil {
		used, e.cur.used = e.cur.used, 0
	}
	st, room := e.in.look(used)
	if room {
		e.in.writer.writable()
	}
	return st
}

// Left reports whether messages are left of those that were taken off the queue.
// Called with recvMu held.
func (e *End) Left() bool {
	c := e.cur
	return c != nil && (c.at < len(c.buf) || c.i < len(c.spans))
}

// look tells what take would, takes nothing, and acknowledges what the reader
// has used up before.
func (q *queue) look(used int) (st Status, room bool) {
	q.lock()
	defer q.mu.Unlock()
	room = q.acknowledge(used)
	switch {
	case len(q.spans) > 0:
		return OK, room
	case q.ended, q.gone:
		return Closed, room
	}
	q.idle = true
	return Empty, room
}

// CanWrite tells what Write of a message of the application would return, and
// writes nothing. Full is a promise as it is from Write: the end's owner is
// told when there is room. Called with sendMu held.
func (e *End) CanWrite() Status {
	q := e.out
	st := OK
	q.mu.Lock()
	if q.run.left == 0 { // room in a run is no reason to end it
		q.settle()
		st = q.admit(message.Data)
	}
	q.mu.Unlock()
	return st
}
