package pipe

import (
	"sync/atomic"

	"zeromux/internal/message"
)

// A Lease is the fastest way out of a queue: one goroutine may take the short
// messages that it covers without recvMu, which is two locked instructions less a
// message. Whoever locks recvMu ends it first, and knows then how many were taken,
// so that no message is received twice or lost.
//
// What was taken can still be read when the lease has ended: it holds a reference on
// the memory, which Drop gives back. The zero Lease covers nothing.
type Lease struct {
	taken atomic.Uint64 // octets, messages << 32, leaseOver

	// These belong to the goroutine that takes.
	buf   []byte // the messages, and what comes behind them
	at    int    // how much of it was taken
	near  int    // how much of it is known to be in this processor's cache
	left  int    // how many more messages may be taken
	chunk *message.Chunk

	end *End // whose cursor learns of what was taken

	fetched byte // of no interest
}

const (
	// leaseOver is set when a lease has ended.
	leaseOver = 1 << 63
	// leaseLeast is how many octets must lie ahead for a lease to be worth making.
	leaseLeast = 256
)

// Lease makes l cover what was taken off the queue and not read yet, as far as it is
// short messages between two acknowledgements. It reports false when that is too
// little. l must have ended, and been dropped. Called with recvMu held.
func (e *End) Lease(l *Lease) bool {
	c := e.cur
	if c == nil || len(c.buf)-c.at < leaseLeast || c.peer == nil || c.first != c.i-1 {
		return false
	}
	left := c.step - c.used - 1
	if left <= 0 {
		return false
	}
	l.taken.Store(0)
	l.buf, l.at, l.near, l.left, l.end = c.buf[c.at:], 0, c.near-c.at, left, e
	if l.chunk = c.spans[c.first].chunk; l.chunk != nil { // nil: given away, and there for good
		l.chunk.Retain()
	}
	return true
}

// Take takes the next message if it is one short frame of at most most octets. It
// reports false, for this and every further call, when something else comes next or
// the lease has ended.
func (l *Lease) Take(most int) (body []byte, ok bool) {
	at := l.at + 2
	if at > l.near && !l.fetch(at) {
		return nil, false
	}
	size := int(l.buf[at-1])
	if l.buf[at-2] != 0 || size > most || l.left == 0 {
		return nil, false
	}
	if l.taken.Add(1<<32|uint64(2+size))&leaseOver != 0 {
		return nil, false
	}
	l.left--
	l.at = at + size
	return l.buf[at:l.at], true
}

// fetch brings the next octets to this core, and reports whether there are any up to
// to.
func (l *Lease) fetch(to int) bool {
	if to > len(l.buf) {
		return false
	}
	l.near = min(l.at+window, len(l.buf))
	l.fetched = bring(l.buf[l.at:l.near])
	return true
}

// End ends the lease. Called with recvMu held, once for each Lease.
func (l *Lease) End() {
	taken := l.taken.Swap(leaseOver)
	c := l.end.cur
	c.at += int(uint32(taken))
	c.used += int(taken >> 32)
}

// Drop gives the memory back, which may not be read any more.
func (l *Lease) Drop() {
	l.buf, l.at, l.near, l.left = nil, 0, 0, 0
	if l.chunk != nil {
		l.chunk.Release()
		l.chunk = nil
	}
}
