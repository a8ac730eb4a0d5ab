package pipe

import "sync/atomic"

// Drops is how many messages to or from one peer, or of a whole socket, were thrown
// away, by the causes of package pattern. The zero value is none.
type Drops [4]atomic.Uint64

// Drop counts a message to or from the peer of e that was thrown away. Called with
// sendMu or recvMu held.
func (e *End) Drop(cause uint8) {
	d := e.drops.Load()
	if d == nil {
		e.drops.CompareAndSwap(nil, new(Drops)) // both sides may drop their first
		d = e.drops.Load()
	}
	d[cause].Add(1)
}

// Dropped is how many messages were thrown away, by cause, and are not counted in
// all, which is the socket's.
func (e *End) Dropped(all *Drops) (counts [len(Drops{})]uint64) {
	d := e.drops.Load()
	if d == nil || d == all {
		return counts
	}
	for i := range counts {
		counts[i] = d[i].Load()
	}
	return counts
}

// RetireDrops adds to all what Dropped tells, and has whatever is dropped from now on
// counted there: a pipe that has ended is still read. Called with sendMu and recvMu
// held.
func (e *End) RetireDrops(all *Drops) {
	old := e.drops.Swap(all)
	if old == nil || old == all {
		return
	}
	for i := range all {
		all[i].Add(old[i].Load())
	}
}
