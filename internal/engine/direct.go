package engine

import (
	"sync"
	"time"
)

// This file is direct mode: the connection of a socket that has no other is read
// by the application that waits for a message. Nobody has to be woken but the
// application itself, by the system.
//
// Somebody must read while no application does: the background, a goroutine of the
// driver. It takes over once nobody has led for a tick, and gives way when an
// application has waited and now has something to read: it will come again. It looks at the clock only while applications come and
// go: one that waits for long is left alone until it leaves.

// tick is how long applications may stay away before the background reads.
const tick = time.Millisecond

// reading is who reads a connection.
type reading uint8

const (
	unread       reading = iota // nobody
	inBackground                // the background
	led                         // an application
)

// A turn says who reads a connection, and passes from one to the other. It begins
// in the background.
type turn struct {
	wake chan struct{} // the background is to look; it holds one signal

	mu     sync.Mutex // a leaf; guards what follows
	state  reading
	want   bool   // an application came while somebody else was reading
	urgent bool   // the background is to read without waiting for a tick
	rests  bool   // the background waits until the application leaves
	times  uint64 // how often an application has led
}

// lead makes the calling application the reader, if nobody is.
func (t *turn) lead() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != unread || t.urgent {
		t.want = true
		return false
	}
	t.state = led
	t.times++
	return true
}

// leave ends leading. With urgent the background reads at once.
func (t *turn) leave(urgent bool) {
	t.mu.Lock()
	t.state = unread
	t.urgent = t.urgent || urgent
	tell := t.rests || t.urgent
	t.rests = false
	t.mu.Unlock()
	if tell {
		push(t.wake)
	}
}

// hurry makes the background read as soon as nobody else does.
func (t *turn) hurry() {
	t.mu.Lock()
	t.urgent = true
	t.mu.Unlock()
	push(t.wake)
}

// attend is hurry, unless the background reads already: an application that polls
// waits for what comes, and does not read.
func (t *turn) attend() {
	t.mu.Lock()
	away := t.state != inBackground
	t.urgent = t.urgent || away
	t.mu.Unlock()
	if away {
		push(t.wake)
	}
}

// giveWay reports whether the background, which is reading, has let go because an
// application came.
func (t *turn) giveWay() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.want || t.urgent {
		return false
	}
	t.want, t.state = false, unread
	return true
}

// takeOver makes the background the reader once nobody has led for a tick.
func (t *turn) takeOver(clock *time.Timer) {
	seen, rest, now := t.look(0, true)
	for !now {
		if rest {
			<-t.wake
		} else {
			clock.Reset(tick)
			select {
			case <-t.wake:
			case <-clock.C:
			}
		}
		seen, rest, now = t.look(seen, rest)
	}
}

// look takes over, if nobody reads and nobody has led since times was seen. It
// reports what it saw, and whether the background need not look again before it is
// told. What was seen before a rest does not count.
func (t *turn) look(seen uint64, fresh bool) (times uint64, rest, now bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	still := !fresh && t.times == seen
	switch {
	case t.state == unread && (still || t.urgent):
		t.state, t.want, t.urgent = inBackground, false, false
		return t.times, false, true
	case t.state == led && still:
		t.rests = true
	}
	return t.times, t.rests, false
}
