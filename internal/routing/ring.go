// Package routing holds the strategies by which patterns choose a pipe: round
// robin over those with room, fair turns among those with messages, fan-out to
// many, and an address book of routing ids.
//
// It imports pipe and message. It has no locks: what concerns sending runs
// under the socket's sendMu, what concerns receiving under its recvMu.
package routing

import "zeromux/internal/pipe"

// A ring is a rotation of pipe ends: a circle with a cursor, in which joining,
// leaving and moving on take constant time and keep the order.
type ring struct {
	at   *pipe.End // whose turn it is; nil: nobody's
	size int
	recv bool // by the ends' RecvRing, not SendRing
}

// place is where e stands in the circle.
func (r *ring) place(e *pipe.End) *pipe.Ring {
	if r.recv {
		return &e.RecvRing
	}
	return &e.SendRing
}

// join puts e where its turn comes last. An end that is in already stays where
// it is.
func (r *ring) join(e *pipe.End) {
	p := r.place(e)
	if p.Next != nil {
		return
	}
	r.size++
	if r.at == nil {
		p.Next, p.Prev, r.at = e, e, e
		return
	}
	at := r.place(r.at)
	p.Next, p.Prev = r.at, at.Prev
	r.place(at.Prev).Next = e
	at.Prev = e
}

// leave takes e out; its successor's turn comes if it was e's.
func (r *ring) leave(e *pipe.End) {
	p := r.place(e)
	if p.Next == nil {
		return
	}
	r.size--
	if r.size == 0 {
		r.at = nil
	} else {
		r.place(p.Prev).Next = p.Next
		r.place(p.Next).Prev = p.Prev
		if r.at == e {
			r.at = p.Next
		}
	}
	p.Next, p.Prev = nil, nil
}

// step moves on to the next.
func (r *ring) step() {
	if r.size > 1 {
		r.at = r.place(r.at).Next
	}
}
