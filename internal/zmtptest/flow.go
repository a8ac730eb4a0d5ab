package zmtptest

import (
	"math"
	"net"
	"os"
	"sync"
	"time"
)

// Flow is one direction of a Flaky, as one side of it sees it, and the place where
// its faults are set. Octets are counted from the beginning of the connection. All
// methods may be called from any goroutine at any time.
type Flow struct {
	verb  string
	flaky *Flaky

	held []byte // came, but may not be read yet; belongs to the Read that has entered

	mu       sync.Mutex // guards what follows
	changed  chan struct{}
	busy     bool // a Read, or a Write, has entered
	count    int64
	size     int // the most octets that go through at once; zero: as many as there are
	breakAt  int64
	refuseAt int64
	stallAt  int64
	half     bool  // refuse the second half of the next Write
	stopped  error // the connection is closed or broken
	deadline time.Time
}

// never is how many octets go through before a fault that is not set.
const never = math.MaxInt64

func newFlow(verb string, f *Flaky) *Flow {
	return &Flow{
		verb: verb, flaky: f, changed: make(chan struct{}),
		breakAt: never, refuseAt: never, stallAt: never,
	}
}

// Count returns how many octets have gone through.
func (fl *Flow) Count() int64 {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.count
}

// BreakAfter breaks the connection, as Flaky.Break does, as soon as n octets have
// gone through; with as many already, at once.
func (fl *Flow) BreakAfter(n int64) {
	fl.set(func() { fl.breakAt = n })
	fl.pass(0)
}

// RefuseAfter lets n octets through and fails for good with ErrRefused where more
// would. The connection stays, and the other direction goes on.
func (fl *Flow) RefuseAfter(n int64) { fl.set(func() { fl.refuseAt = n }) }

// RefuseHalfWay is RefuseAfter half of the octets of the next Write.
func (fl *Flow) RefuseHalfWay() { fl.set(func() { fl.half = true }) }

// Split lets at most size octets through at once: a Write becomes several of the
// connection inside, a Read returns no more. Zero ends it.
func (fl *Flow) Split(size int) { fl.set(func() { fl.size = size }) }

// StallAfter lets n octets through and then nothing: Read or Write waits, for
// Release, the deadline or the end.
func (fl *Flow) StallAfter(n int64) { fl.set(func() { fl.stallAt = n }) }

// Stall is StallAfter as many octets as have gone through. A Write that the
// connection inside is busy with is not called back.
func (fl *Flow) Stall() { fl.set(func() { fl.stallAt = fl.count }) }

// Release ends Stall and StallAfter.
func (fl *Flow) Release() { fl.set(func() { fl.stallAt = never }) }

// set changes the flow and wakes whoever waits for that.
func (fl *Flow) set(change func()) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	change()
	close(fl.changed)
	fl.changed = make(chan struct{})
}

func (fl *Flow) setDeadline(t time.Time) { fl.set(func() { fl.deadline = t }) }

// stop ends the flow for a reason, of which the first stays.
func (fl *Flow) stop(reason error) {
	fl.set(func() {
		if fl.stopped == nil {
			fl.stopped = reason
		}
	})
}

// wait waits until ready says so, which is asked under the lock, and fails when the
// flow is stopped or the deadline passes.
func (fl *Flow) wait(ready func() bool) error {
	for {
		fl.mu.Lock()
		if fl.stopped != nil {
			defer fl.mu.Unlock()
			return fl.stopped
		}
		if ready() {
			fl.mu.Unlock()
			return nil
		}
		changed, deadline := fl.changed, fl.deadline
		fl.mu.Unlock()
		if err := waitUntil(changed, deadline); err != nil {
			return err
		}
	}
}

// waitUntil waits for a channel to be closed, until a deadline if there is one.
func waitUntil(changed <-chan struct{}, deadline time.Time) error {
	if deadline.IsZero() {
		<-changed
		return nil
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-changed:
		return nil
	case <-timer.C:
		return os.ErrDeadlineExceeded
	}
}

// enter waits until no other Read, or Write, is under way.
func (fl *Flow) enter() error {
	return fl.wait(func() bool {
		entered := !fl.busy
		fl.busy = true
		return entered
	})
}

func (fl *Flow) leave() { fl.set(func() { fl.busy = false }) }

// begin says that a Write of size octets begins.
func (fl *Flow) begin(size int) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.half {
		fl.half = false
		fl.refuseAt = min(fl.refuseAt, fl.count+int64(size)/2)
	}
}

// room waits until octets may go through, and returns how many at most.
func (fl *Flow) room() (n int, err error) {
	err = fl.wait(func() bool {
		if fl.count >= fl.refuseAt {
			return true
		}
		most := min(fl.breakAt, fl.refuseAt, fl.stallAt) - fl.count
		if fl.size > 0 {
			most = min(most, int64(fl.size))
		}
		n = int(min(most, math.MaxInt32))
		return n > 0
	})
	if err == nil && n <= 0 {
		err = ErrRefused
	}
	return n, err
}

// pass counts octets that have gone through, and breaks the connection if these
// were the last.
func (fl *Flow) pass(n int) {
	fl.mu.Lock()
	fl.count += int64(n)
	breaks := fl.count >= fl.breakAt && fl.stopped != net.ErrClosed
	fl.mu.Unlock()
	if breaks {
		fl.flaky.Break()
	}
}
