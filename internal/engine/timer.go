package engine

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// Clock is where a wheel takes its time from. Neither method blocks, and AfterFunc
// does not call f itself.
type Clock interface {
	// Now returns the time. It never goes back.
	Now() time.Time

	// AfterFunc has f called on a goroutine of its own once d has passed, which
	// may be zero. A stop that returns true means that f will not be called; one
	// that returns false, that it was or will be, or that it was stopped before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// SystemClock returns the clock of the time package, which in a bubble of
// testing/synctest is the bubble's.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

// The shape of a wheel. A level has a slot for each value of digitBits bits of a
// tick, and there are enough levels for the longest time.Duration: 48 bits of
// milliseconds.
const (
	wheelTick   = time.Millisecond
	digitBits   = 6
	wheelSlots  = 1 << digitBits
	wheelLevels = 8
)

// Where a timer can be, beyond the slots of the levels.
const (
	dueNow = wheelLevels * wheelSlots // taken out of its slot, about to be called
	notSet = -1
)

// lastMoment is the latest time on a wheel, in nanoseconds: some 292 years after it
// was made. Whatever is due later is due then. The tick after it still is a time.
const lastMoment = (math.MaxInt64/int64(wheelTick) - 1) * int64(wheelTick)

// Wheel keeps the timers of many connections: heartbeats, back-off, linger. To set
// and to stop one takes the same short time however many there are, and there is
// one system timer for all of them, which is set only while one of them is.
//
// It is a hierarchical timing wheel. A timer that is due at a certain tick lies in
// the level of the highest digit, of digitBits bits, in which that tick differs
// from the wheel's own, and there in the slot of the digit's value. So within a
// level slots come in the order of time, everything in a lower level comes before
// everything in a higher, and when the wheel reaches a slot its timers move down,
// each by at least one level, until they are due.
//
// All methods may be called from any goroutine at any time.
type Wheel struct {
	clock Clock
	start time.Time // tick zero

	mu      sync.Mutex // a leaf; guards what follows, and the timers
	now     int64      // the tick that the wheel has reached
	count   int        // timers that are set
	seq     uint64     // how often one was set
	slots   [wheelLevels*wheelSlots + 1]wheelSlot
	filled  [wheelLevels]uint64 // a bit for each slot that is not empty
	batch   []*Timer            // memory for expire
	running bool                // a goroutine calls what is due, and then arms
	closed  bool

	stop    func() bool // of the system timer, nil while there is none
	armed   int64       // the tick for which it is set
	pending int         // system timers set, and goroutines of theirs not yet back
	settled sync.Cond   // pending has become zero
}

// wheelSlot is a list of timers in no order.
type wheelSlot struct {
	head  *Timer
	first int64 // no timer in it is due before this tick
}

// Timer is one call to come. It is made by [Wheel.After] and can be set again when
// it was called or stopped.
type Timer struct {
	wheel *Wheel
	f     func()

	// Guarded by the wheel's mutex.
	when       int64  // nanoseconds after the wheel's start, as asked for
	seq        uint64 // order among timers of the same moment
	due        int64  // the tick in which it is called, never before when
	at         int    // index of the slot, or notSet
	next, prev *Timer
}

// NewWheel returns a wheel without timers. It holds no goroutine and no system
// timer until one is set.
func NewWheel(c Clock) *Wheel {
	w := &Wheel{clock: c, start: c.Now()}
	w.settled.L = &w.mu
	return w
}

// After has f called once, when d has passed and the tick is over in which it has:
// up to a millisecond later, never sooner. A d of zero or less means the next tick.
//
// The wheel calls one f at a time, under no lock, in the order in which they are
// due, and those of the same moment in the order in which they were set. An f must
// be short and not block, for the others wait. It may use the wheel, but for Close.
//
// After Close f is never called.
func (w *Wheel) After(d time.Duration, f func()) *Timer {
	t := &Timer{wheel: w, f: f, at: notSet}
	t.Reset(d)
	return t
}

// Reset sets the timer anew, as if it were stopped and made by After with d. That
// it was called, or is being called right now, makes no difference.
func (t *Timer) Reset(d time.Duration) {
	w := t.wheel
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.at != notSet {
		w.remove(t)
	}
	if w.closed {
		return
	}
	now := w.elapsed()
	reached := max(w.now, now/int64(wheelTick))
	if w.count == 0 {
		w.now = reached
	}
	t.when = now + min(max(int64(d), 0), lastMoment-now)
	t.due = max((t.when+int64(wheelTick)-1)/int64(wheelTick), reached+1)
	t.seq = w.seq
	w.seq++
	w.insert(t)
	if !w.running && (w.stop == nil || t.due < w.armed) {
		w.arm(now)
	}
}

// Stop unsets the timer. When it returns true f will not be called. It returns
// false when the timer was not set: f was called or is being called, the timer was
// stopped before, or the wheel is closed.
func (t *Timer) Stop() bool {
	w := t.wheel
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.at == notSet {
		return false
	}
	w.remove(t)
	// The system timer of a timer that was not the last is left alone. At worst it
	// finds nothing to do, and is armed again.
	if w.count == 0 {
		w.disarm()
	}
	return true
}

// Close stops all timers, and waits for an f that is being called: when it returns
// none is called any more. It may be called again, but never by an f.
func (w *Wheel) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.disarm()
	for i := range w.slots {
		for w.slots[i].head != nil {
			w.remove(w.slots[i].head)
		}
	}
	for w.pending > 0 {
		w.settled.Wait()
	}
}

// elapsed returns the nanoseconds since the wheel's start.
func (w *Wheel) elapsed() int64 {
	return int64(w.clock.Now().Sub(w.start))
}

// insert puts a timer that is due after w.now where it belongs.
func (w *Wheel) insert(t *Timer) {
	level := (bits.Len64(uint64(t.due^w.now)) - 1) / digitBits
	digit := int(t.due>>(level*digitBits)) & (wheelSlots - 1)
	w.filled[level] |= 1 << digit
	w.push(level*wheelSlots+digit, t)
}

// push puts a timer at the head of a slot.
func (w *Wheel) push(at int, t *Timer) {
	s := &w.slots[at]
	if s.head == nil || t.due < s.first {
		s.first = t.due
	}
	t.at, t.prev, t.next = at, nil, s.head
	if s.head != nil {
		s.head.prev = t
	}
	s.head = t
	w.count++
}

// remove takes a timer out of its slot.
func (w *Wheel) remove(t *Timer) {
	if t.next != nil {
		t.next.prev = t.prev
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slots[t.at].head = t.next
		if t.next == nil && t.at != dueNow {
			w.filled[t.at/wheelSlots] &^= 1 << (t.at % wheelSlots)
		}
	}
	t.at, t.prev, t.next = notSet, nil, nil
	w.count--
}

// next returns the level and digit of the slot that comes first; ok is false when
// all are empty.
func (w *Wheel) next() (level, digit int, ok bool) {
	for level, filled := range w.filled {
		if filled != 0 {
			return level, bits.TrailingZeros64(filled), true
		}
	}
	return 0, 0, false
}

// expire turns the wheel until the first tick that has timers, no further than to
// now, and puts these in the order of their calls into the slot of those about to
// be called. It returns false when there are none.
func (w *Wheel) expire(now int64) bool {
	for {
		level, digit, ok := w.next()
		begin := w.now>>((level+1)*digitBits)<<((level+1)*digitBits) | int64(digit)<<(level*digitBits)
		if !ok || begin > now {
			w.now = max(w.now, now)
			return false
		}
		w.now = begin
		s := &w.slots[level*wheelSlots+digit]
		for s.head != nil {
			t := s.head
			w.remove(t)
			if t.due > begin {
				w.insert(t)
			} else {
				w.batch = append(w.batch, t)
			}
		}
		if len(w.batch) == 0 {
			continue
		}
		slices.SortFunc(w.batch, func(a, b *Timer) int {
			return cmp.Or(cmp.Compare(b.when, a.when), cmp.Compare(b.seq, a.seq))
		})
		for _, t := range w.batch { // the latest first, as each is put at the head
			w.push(dueNow, t)
		}
		clear(w.batch)
		w.batch = w.batch[:0]
		return true
	}
}

// run is what the system timer calls.
func (w *Wheel) run() {
	w.mu.Lock()
	if !w.running {
		w.running = true
		for w.expire(w.elapsed() / int64(wheelTick)) {
			for t := w.slots[dueNow].head; t != nil; t = w.slots[dueNow].head {
				w.remove(t)
				w.mu.Unlock()
				t.f()
				w.mu.Lock()
			}
		}
		w.running = false
		w.arm(w.elapsed())
	}
	w.pending--
	if w.pending == 0 {
		w.settled.Broadcast()
	}
	w.mu.Unlock()
}

// arm sets the system timer for the first tick in which a timer may be due.
func (w *Wheel) arm(now int64) {
	w.disarm()
	level, digit, ok := w.next()
	if !ok {
		return
	}
	w.armed = w.slots[level*wheelSlots+digit].first
	w.pending++
	w.stop = w.clock.AfterFunc(time.Duration(w.armed*int64(wheelTick)-now), w.run)
}

// disarm stops the system timer if there is one. If it is too late for that, run
// is on its way, and will find nothing to do.
func (w *Wheel) disarm() {
	if w.stop != nil && w.stop() {
		w.pending--
	}
	w.stop = nil
}
