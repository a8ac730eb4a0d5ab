package model

// hubState is the receiving side of a pipe.Hub with two receivers.
type hubState struct {
	lock   bool // side.mu; held while a waiter is signalled and woken
	popped uint8
	queue  [2]uint8 // side.waiters: receivers by number from one, first come first served
	stale  [2]bool  // something was announced since the receiver noted side.count
	sig    [2]bool  // Waiter.C holds a signal
	rouse  [2]bool  // Waiter.rouse is set
}

// await is side.await. It reports false when something was announced meanwhile.
func (h *hubState) await(i int) bool {
	if h.stale[i] {
		return false
	}
	if h.queue[0] == 0 {
		h.queue[0] = uint8(i + 1)
	} else {
		h.queue[1] = uint8(i + 1)
	}
	return true
}

// leave is side.leave. It reports whether the receiver had been signalled.
func (h *hubState) leave(i int) bool {
	if h.queue[0] == uint8(i+1) {
		h.queue[0], h.queue[1] = h.queue[1], 0
		return false
	}
	if h.queue[1] == uint8(i+1) {
		h.queue[1] = 0
		return false
	}
	signalled := h.sig[i]
	h.sig[i] = false
	return signalled
}

// announce is the first half of side.announce: the waiters are off the queue and
// signalled, but not woken from what else they do, and the lock is held.
func (h *hubState) announce(all bool) {
	h.stale = [2]bool{true, true}
	h.popped = 0
	for h.queue[0] != 0 {
		h.popped |= h.queue[0]
		h.queue[0], h.queue[1] = h.queue[1], 0
		if !all {
			break
		}
	}
	h.lock = h.popped != 0
	h.signal()
}

// signal is the first half of Waiter.signal, for all that were taken off the queue.
func (h *hubState) signal() {
	for i := range h.sig {
		h.sig[i] = h.sig[i] || h.popped&uint8(i+1) != 0
	}
}

// rouses reports whether one of those that were signalled must be woken from
// something else.
func (h *hubState) rouses() bool {
	return h.popped&1 != 0 && h.rouse[0] || h.popped&2 != 0 && h.rouse[1]
}
