package pipe

import "runtime"

// This file is about two ends of one pipe that run at the same time on two
// cores. Memory that one core has just used is slow for the other, the more so
// as every message brings a lock, which waits for all that is under way. So it
// is moved some thousand octets at a time, when many accesses overlap.

const (
	// window is how much of a chunk is moved at once, in octets.
	window = 4 << 10
	// cacheLine is the step in which a processor moves memory.
	cacheLine = 64
	// busyFrom is how many messages must wait for it to be worth while.
	busyFrom = 32
)

// claim makes free memory this core's own.
func claim(b []byte) {
	for i := 0; i < len(b); i += cacheLine {
		b[i] = 0
	}
}

// fetch brings the next octets that are to be read to this core. While it is not
// known who sent them every message takes the longer way.
func (c *cursor) fetch() {
	if c.peer == nil {
		return
	}
	c.near = min(c.at+window, len(c.buf))
	c.fetched = bring(c.buf[c.at:c.near])
}

// bring brings b to this core. What it returns is of no interest, but must go
// somewhere, or else the compiler leaves it all out.
func bring(b []byte) (x byte) {
	for i := 0; i < len(b); i += cacheLine {
		x |= b[i]
	}
	return x
}

const (
	// pauses and pauseSteps bound how long a writer stays for room, to about a
	// hundred microseconds: what being woken takes.
	pauses     = 200
	pauseSteps = 500
)

// stay waits a little for room, once, when the reader is a neighbour who is
// reading: he makes room before long, and nobody must be woken for it. One who
// was told and has not come yet may be waiting for this very processor. q.mu is
// held, and given up meanwhile.
func (q *queue) stay() {
	if q.reader.hub == nil || q.newest || q.told || !q.marks.reached(q.n+q.inflight) || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	for i, x := 0, 0; i < pauses && !q.idle && !q.full && !q.ended && q.marks.reached(q.n+q.inflight); i++ {
		q.mu.Unlock()
		x = pause(x)
		q.lock()
	}
}

// pause takes some hundred nanoseconds, and no memory.
//
//go:noinline
func pause(x int) int {
	for i := range pauseSteps {
		x = x*1664525 + i
	}
	return x
}
