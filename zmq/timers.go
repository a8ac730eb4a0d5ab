package zmq

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"sync"
	"time"
)

// TimerID names a timer of Timers or of a Reactor. They count from 1.
type TimerID int

// Timers are functions that are to be called again and again, each after its own
// interval, by who calls Execute and in his goroutine. The zero value has none and is
// ready for use. libzmq: zmq_timers_new.
//
// Every method may be called from any goroutine at any time, also by the functions.
type Timers struct {
	// Now is the clock. Nil is the default, time.Now. It is set before the first
	// call, and must not go back.
	Now func() time.Time

	mu    sync.Mutex // a leaf; guards all below
	queue timerQueue
	byID  map[TimerID]*timer
	last  TimerID
	batch []*timer // memory for Execute
}

// timer is one of them.
type timer struct {
	id       TimerID
	f        func(TimerID) error
	interval time.Duration
	left     int // calls; 0: no end of them
	due      time.Time
	at       int // in the queue; -1: cancelled
}

// Add has f called by Execute once interval has passed, and again each time that it
// has passed since. Zero is each time that Execute is called. The error wraps
// ErrInvalid: there is no f, or interval is below zero. libzmq: zmq_timers_add.
func (t *Timers) Add(interval time.Duration, f func(TimerID) error) (TimerID, error) {
	return t.add(interval, 0, f)
}

// AddTimes is Add of a function that is called so many times, and then forgotten.
// Less than once is ErrInvalid.
func (t *Timers) AddTimes(interval time.Duration, times int, f func(TimerID) error) (TimerID, error) {
	if times < 1 {
		return 0, fmt.Errorf("zmq: timers: %w: %d times, must be 1 or more", ErrInvalid, times)
	}
	return t.add(interval, times, f)
}

func (t *Timers) add(interval time.Duration, times int, f func(TimerID) error) (TimerID, error) {
	if f == nil {
		return 0, fmt.Errorf("zmq: timers: %w: no function", ErrInvalid)
	}
	if err := checkInterval(interval); err != nil {
		return 0, err
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	e := &timer{id: t.last, f: f, interval: interval, left: times, due: now.Add(interval)}
	if t.byID == nil {
		t.byID = make(map[TimerID]*timer)
	}
	t.byID[e.id] = e
	heap.Push(&t.queue, e)
	return e.id, nil
}

func checkInterval(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("zmq: timers: %w: interval %v, must be 0 or more", ErrInvalid, d)
	}
	return nil
}

func (t *Timers) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// Cancel forgets a timer; its function is not called any more. One that is not there
// is ErrInvalid. libzmq: zmq_timers_cancel.
func (t *Timers) Cancel(id TimerID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find(id)
	if err == nil {
		t.forget(e)
	}
	return err
}

// SetInterval gives a timer another interval, which begins now. libzmq:
// zmq_timers_set_interval.
func (t *Timers) SetInterval(id TimerID, interval time.Duration) error {
	if err := checkInterval(interval); err != nil {
		return err
	}
	return t.restart(id, func(e *timer) { e.interval = interval })
}

// Reset lets the interval of a timer begin anew, now. libzmq: zmq_timers_reset.
func (t *Timers) Reset(id TimerID) error { return t.restart(id, func(*timer) {}) }

func (t *Timers) restart(id TimerID, change func(*timer)) error {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find(id)
	if err == nil {
		change(e)
		t.set(e, now)
	}
	return err
}

// find returns a timer. t.mu is held, as in all below.
func (t *Timers) find(id TimerID) (*timer, error) {
	e := t.byID[id]
	if e == nil {
		return nil, fmt.Errorf("zmq: timers: %w: no timer %d", ErrInvalid, int(id))
	}
	return e, nil
}

func (t *Timers) forget(e *timer) {
	heap.Remove(&t.queue, e.at)
	delete(t.byID, e.id)
	e.at = -1
}

func (t *Timers) set(e *timer, now time.Time) {
	e.due = now.Add(e.interval)
	heap.Fix(&t.queue, e.at)
}

// Timeout is how long it takes until a timer is due, zero if one is; ok is false when
// there is none. libzmq: zmq_timers_timeout.
func (t *Timers) Timeout() (d time.Duration, ok bool) {
	now := t.now()
	due, ok := t.next()
	if !ok {
		return 0, false
	}
	return max(due.Sub(now), 0), true
}

// next is when the next timer is due, if there is one.
func (t *Timers) next() (due time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return time.Time{}, false
	}
	return t.queue[0].due, true
}

// Execute calls what is due, in the order in which it is, each function once: the next
// interval begins now, however late that is. It returns how many it called. When a
// function returns an error it ends with that error, and what it has not called yet
// stays due. A timer that another function has added is not called before the next
// Execute. libzmq: zmq_timers_execute.
func (t *Timers) Execute() (int, error) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := t.queue.due(0, now, t.batch)
	t.batch = nil
	slices.SortFunc(batch, func(a, b *timer) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	called := 0
	var err error
	for _, e := range batch {
		if e.at < 0 || e.due.After(now) { // another function has cancelled it, or set it anew
			continue
		}
		if e.left == 1 {
			t.forget(e)
		} else {
			e.left = max(e.left-1, 0)
			t.set(e, now)
		}
		called++
		if err = t.call(e); err != nil {
			break
		}
	}
	clear(batch)
	t.batch = batch[:0]
	return called, err
}

// call calls a function without the lock.
func (t *Timers) call(e *timer) error {
	t.mu.Unlock()
	defer t.mu.Lock()
	return e.f(e.id)
}

// timerQueue is a heap: who is due first stands first, and of two of the same moment
// the older.
type timerQueue []*timer

func (q timerQueue) Len() int { return len(q) }

func (q timerQueue) Less(i, j int) bool {
	if c := q[i].due.Compare(q[j].due); c != 0 {
		return c < 0
	}
	return q[i].id < q[j].id
}

func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *timerQueue) Push(x any) {
	e := x.(*timer)
	e.at = len(*q)
	*q = append(*q, e)
}

// Pop implements heap.Interface.
func (q *timerQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}

// due appends what is due below i of the heap, looking at nothing that is not.
func (q timerQueue) due(i int, now time.Time, list []*timer) []*timer {
	if i >= len(q) || q[i].due.After(now) {
		return list
	}
	list = append(list, q[i])
	return q.due(2*i+2, now, q.due(2*i+1, now, list))
}
