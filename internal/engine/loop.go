//go:build unix

package engine

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"zeromux/internal/message"
	"zeromux/iomux"
)

// A loop drives any number of connections with one goroutine, which waits for all
// of them at once and reads, and another that writes what their senders did not
// write themselves (writer.go). Where the descriptor of its Mux can itself be waited for by the
// poller of the Go runtime (iomux.File), the goroutine is parked there (nested); elsewhere it
// holds a thread in Wait (blocking).
type loop struct {
	mux    iomux.Mux
	budget int           // octets of one connection that are read in one round
	nest   *os.File      // the descriptor of mux, in the hands of the Go runtime; nil: blocking
	ended  chan struct{} // closed when the goroutine has ended

	writer writer

	// The loop's own.
	ready []iomux.Event
	again bool      // something may still be ready: look before waiting
	spent []*looped // a list of posts that were done
	lender

	mu     sync.Mutex // guards what follows; under it nothing is called
	member []*looped  // by token
	free   []uint64   // tokens that nobody has
	posted []*looped  // that want something
	asleep bool
	over   bool
	dead   error // why the loop waits for no descriptor any more

	bell chan struct{} // something was posted to a dead loop; it holds one signal
}

const (
	// loopEvents is how many ready descriptors are handed out at once.
	loopEvents = 128
	// loopBudget is the budget of a loop: one connection that floods leaves time for
	// its neighbours.
	loopBudget = 256 << 10
)

// newLoop makes a loop on a back end of iomux and starts it.
func newLoop(pool *message.Pool, backend iomux.Backend) (*loop, error) {
	mux, err := iomux.New(backend)
	if err != nil {
		return nil, err
	}
	l := makeLoop(pool, mux, loopBudget)
	l.nest = iomux.File(mux)
	go l.writer.run()
	go l.run()
	return l, nil
}

// makeLoop makes a loop that does nothing yet.
func makeLoop(pool *message.Pool, mux iomux.Mux, budget int) *loop {
	l := &loop{
		mux: mux, budget: budget, lender: lender{pool: pool},
		ready: make([]iomux.Event, loopEvents), ended: make(chan struct{}), bell: make(chan struct{}, 1),
	}
	l.writer.init()
	return l
}

// run is the loop's goroutine.
func (l *loop) run() {
	defer close(l.ended)
	var err error
	if l.nest == nil {
		for err == nil {
			err = l.round(-1)
		}
	} else {
		err = l.runNested()
		_ = l.nest.Close() // before the Mux that it belongs to
	}
	if err != errOver {
		l.die(err)
		for l.posts() {
			<-l.bell
		}
	}
	l.keep()
	_ = l.mux.Close() // nothing is registered any more
}

// errOver is the end of a loop that was closed.
var errOver = errors.New("loop closed")

// runNested parks in the poller of the Go runtime while nothing is ready. Rounds
// are made inside of Read: what becomes ready between a round and the parking ends
// the parking at once.
func (l *loop) runNested() error {
	raw, err := l.nest.SyscallConn()
	if err != nil {
		return err
	}
	var over error
	look := func(uintptr) bool {
		for {
			if over = l.round(0); over != nil {
				return true
			}
			if !l.again && l.rest() {
				return false
			}
		}
	}
	for over == nil {
		if err := raw.Read(look); errors.Is(err, os.ErrDeadlineExceeded) {
			_ = l.nest.SetReadDeadline(time.Time{}) // woken; on failure Read fails as well
		} else if err != nil {
			return err
		}
	}
	return over
}

// die gives up every connection that has started: the system does not let the loop
// wait for them. Those that are about to start, or to move here, end when they do.
func (l *loop) die(cause error) {
	l.mu.Lock()
	l.dead = cause
	all := slices.Clone(l.member)
	l.mu.Unlock()
	for _, d := range all {
		if d != nil && d.started {
			d.abort(cause)
			d.end()
		}
	}
}

// rest notes that the loop is about to wait, unless something was posted.
func (l *loop) rest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asleep = len(l.posted) == 0 && !l.over
	return l.asleep
}

// round does what was posted and what is ready. An error is the end: errOver, or the
// system's.
func (l *loop) round(timeout time.Duration) error {
	if !l.posts() {
		return errOver
	}
	if timeout != 0 && (l.again || !l.rest()) {
		timeout = 0
	}
	n, err := l.mux.Wait(l.ready, timeout)
	l.mu.Lock()
	l.asleep = false
	l.mu.Unlock()
	l.again = n == len(l.ready)
	if err != nil && !errors.Is(err, iomux.ErrOrphan) {
		return err
	}
	for _, e := range l.ready[:n] {
		if d := l.at(e.Token); d != nil {
			d.happened(e)
		}
	}
	return nil
}

// at returns who has a token.
func (l *loop) at(token uint64) *looped {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.member[token]
}

// posts does what was posted.
func (l *loop) posts() bool {
	l.mu.Lock()
	list, over := l.posted, l.over
	l.posted, l.asleep = l.spent[:0], false
	l.mu.Unlock()
	for i, d := range list {
		d.asked()
		list[i] = nil
	}
	l.spent = list
	return !over
}

// post lets the loop ask d what it wants. Called under whatever locks.
func (l *loop) post(d *looped, what uint8) {
	l.mu.Lock()
	if d.wants == 0 {
		l.posted = append(l.posted, d)
	}
	d.wants |= what
	l.rouse()
}

// rouse wakes the loop if it sleeps, and releases l.mu.
func (l *loop) rouse() {
	wake, dead := l.asleep, l.dead != nil
	l.asleep = false
	l.mu.Unlock()
	switch {
	case dead:
		push(l.bell)
	case !wake:
	case l.nest != nil:
		_ = l.nest.SetReadDeadline(longAgo) // on failure nobody is parked
	default:
		_ = l.mux.Wake() // on failure nobody waits
	}
}

// join gives d a token.
func (l *loop) join(d *looped) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil {
		return l.dead
	}
	if k := len(l.free); k > 0 {
		d.token, l.free = l.free[k-1], l.free[:k-1]
		l.member[d.token] = d
		return nil
	}
	d.token = uint64(len(l.member))
	l.member = append(l.member, d)
	return nil
}

// part takes the token back.
func (l *loop) part(d *looped) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.member[d.token] = nil
	l.free = append(l.free, d.token)
}

// close ends the loop, once no connection is left, and waits for it.
func (l *loop) close() {
	l.mu.Lock()
	l.over = true
	l.rouse()
	<-l.ended
	l.writer.close()
}

// load is how many connections the loop has, and whether it takes any.
func (l *loop) load() (n int, alive bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.member) - len(l.free), l.dead == nil
}

// loops are those of a context, made as they are needed.
type loops struct {
	mu    sync.Mutex // guards what follows
	list  []*loop    // by number; nil: not made yet
	spent []*loop    // dead ones, whose numbers others have
}

// pick returns the loop for the next connection, of at most so many, and of those
// whose bits affinity has, if it has any: a new one while there may be more, then
// the one that has least to do.
func (ls *loops) pick(pool *message.Pool, backend iomux.Backend, most int, affinity uint64) (*loop, error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if most = max(most, 1); len(ls.list) < most {
		ls.list = append(ls.list, make([]*loop, most-len(ls.list))...)
	}
	var best *loop
	free, least := -1, 0
	for i, l := range ls.list {
		if affinity != 0 && affinity>>i&1 == 0 {
			continue
		}
		if l != nil {
			n, alive := l.load()
			if alive {
				if best == nil || n < least {
					best, least = l, n
				}
				continue
			}
			ls.spent = append(ls.spent, l)
			ls.list[i] = nil
		}
		if free < 0 {
			free = i
		}
	}
	if free < 0 {
		if best == nil {
			return nil, errNoLoop
		}
		return best, nil
	}
	l, err := newLoop(pool, backend)
	switch {
	case err == nil:
		ls.list[free] = l
		return l, nil
	case best == nil:
		return nil, err
	}
	return best, nil
}

// errNoLoop is what becomes of an affinity for loops that there are not.
var errNoLoop = errors.New("no loop has one of these numbers")

// close ends all loops.
func (ls *loops) close() {
	ls.mu.Lock()
	list := append(ls.list, ls.spent...)
	ls.list, ls.spent = nil, nil
	ls.mu.Unlock()
	for _, l := range list {
		if l != nil {
			l.close()
		}
	}
}
