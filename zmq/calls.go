package zmq

import (
	"context"
	"encoding/binary"
	"sync/atomic"

	"zeromux/internal/pipe"
)

// This file is the calls of a Requester that are under way: who they are, and which of
// them the loss of a connection concerns.

// A call is a request that waits for its reply.
type call struct {
	id    uint64
	reply chan Message                       // has room for the one reply
	lost  chan struct{}                      // holds a signal when the connection is gone that the request was sent over last
	rouse atomic.Pointer[context.CancelFunc] // ends waiting for a peer; nil: it does not wait

	tried []*pipe.End // whom the request was sent to, since everybody was
	sent  []*pipe.End // whom it was sent to at all

	// Of the line of an end; guarded by Requester.mu.
	at         *pipe.End // nil: in none
	cut        bool      // the connection was lost since
	next, prev *call
}

// enter gives a call its id.
func (r *Requester) enter() (*call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	id := r.ids.Uint64()
	for r.calls[id] != nil {
		id = r.ids.Uint64()
	}
	c := &call{id: id, reply: make(chan Message, 1), lost: make(chan struct{}, 1)}
	r.calls[c.id] = c
	return c, nil
}

func (r *Requester) leave(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, c.id)
	r.unline(c)
}

// line puts a call into the line of the end that its request was sent to.
func (r *Requester) line(c *call, e *pipe.End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unline(c)
	c.at, c.cut, c.next = e, false, r.lines[e]
	if c.next != nil {
		c.next.prev = c
	}
	r.lines[e] = c
}

// unline takes a call out of its line, if it is in one. What was lost before does not
// concern it any more. r.mu is held.
func (r *Requester) unline(c *call) {
	if c.at == nil {
		return
	}
	switch {
	case c.prev != nil:
		c.prev.next = c.next
	case c.next != nil:
		r.lines[c.at] = c.next
	default:
		delete(r.lines, c.at)
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.at, c.next, c.prev = nil, nil, nil
	select {
	case <-c.lost:
	default:
	}
}

// wants reports whether a request, by its id, is to go out over the next connection to
// the peer that it was sent to: no more once one was lost, or its call has ended.
func (r *Requester) wants(e *pipe.End, id []byte) bool {
	if len(id) != requestID {
		return true // none of ours
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.calls[binary.BigEndian.Uint64(id)]
	return c != nil && c.at == e && !c.cut
}

// lost tells the calls that were sent to e last that its connection is gone. What has
// not gone out is asked for after that, by wants.
func (r *Requester) lost(e *pipe.End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := r.lines[e]; c != nil; c = c.next {
		c.cut = true
		push(c.lost)
	}
}
