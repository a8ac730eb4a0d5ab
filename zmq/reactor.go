package zmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrStop is what a handler of a Reactor returns to end Run without an error.
var ErrStop = errors.New("stop")

// reactorEvents is for how many events a Run has room at first.
const reactorEvents = 64

// A Reactor calls handlers when sockets and descriptors are ready and when timers are
// due, all of them in the goroutine of Run, one after the other. It is a Poller and
// Timers in a loop. czmq: zloop.
//
// Every other method may be called from any goroutine at any time, also by handlers:
// a handler may take itself off, or others. One that is off is not called any more,
// though its event came together with that of the handler that took it off.
type Reactor struct {
	poller  *Poller
	timers  Timers
	running atomic.Bool

	mu      sync.Mutex // guards all below, and the fields of handlers but f
	sockets map[*Socket]*handler
	fds     map[int]*handler
}

// A handler is one registration.
type handler struct {
	f      func(PollEvent) error
	events PollEvents
	gone   bool
}

// NewReactor makes a reactor without handlers. Close it when it is done with.
func NewReactor() *Reactor {
	return &Reactor{poller: NewPoller(), sockets: make(map[*Socket]*handler), fds: make(map[int]*handler)}
}

// errNoHandler is what a handler without a function is refused with.
var errNoHandler = fmt.Errorf("zmq: reactor: %w: no function", ErrInvalid)

// Handle has f called whenever s is ready for one of the events. Take the handler off
// before s is closed, or Run ends with an error. Errors are those of Poller.Add.
// czmq: zloop_reader.
func (r *Reactor) Handle(s *Socket, events PollEvents, f func(PollEvent) error) error {
	if f == nil {
		return errNoHandler
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &handler{f: f, events: events}
	err := r.poller.Add(s, events, h)
	if err == nil {
		r.sockets[s] = h
	}
	return err
}

// Modify changes what the handler of s is called for. Errors are those of
// Poller.Modify.
func (r *Reactor) Modify(s *Socket, events PollEvents) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.poller.Modify(s, events)
	if err == nil {
		r.sockets[s].events = events
	}
	return err
}

// Remove takes the handler of s off. Errors are those of Poller.Remove. czmq:
// zloop_reader_end.
func (r *Reactor) Remove(s *Socket) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.poller.Remove(s)
	if err == nil {
		r.sockets[s].gone = true
		delete(r.sockets, s)
	}
	return err
}

// HandleFD is Handle of a descriptor. Errors are those of Poller.AddFD. czmq:
// zloop_poller.
func (r *Reactor) HandleFD(fd int, events PollEvents, f func(PollEvent) error) error {
	if f == nil {
		return errNoHandler
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &handler{f: f, events: events}
	err := r.poller.AddFD(fd, events, h)
	if err == nil {
		r.fds[fd] = h
	}
	return err
}

// HandleConn is HandleFD of the descriptor of a file or connection, whose number it
// returns for ModifyFD and RemoveFD. Errors are those of Poller.AddConn.
func (r *Reactor) HandleConn(c syscall.Conn, events PollEvents, f func(PollEvent) error) (fd int, err error) {
	if f == nil {
		return noFD, errNoHandler
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &handler{f: f, events: events}
	fd, err = r.poller.AddConn(c, events, h)
	if err == nil {
		r.fds[fd] = h
	}
	return fd, err
}

// ModifyFD is Modify of a descriptor.
func (r *Reactor) ModifyFD(fd int, events PollEvents) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.poller.ModifyFD(fd, events)
	if err == nil {
		r.fds[fd].events = events
	}
	return err
}

// RemoveFD is Remove of a descriptor. czmq: zloop_poller_end.
func (r *Reactor) RemoveFD(fd int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.poller.RemoveFD(fd)
	if err == nil {
		r.fds[fd].gone = true
		delete(r.fds, fd)
	}
	return err
}

// After has f called once, when d has passed. Errors are those of Timers.Add. czmq:
// zloop_timer.
func (r *Reactor) After(d time.Duration, f func(TimerID) error) (TimerID, error) {
	return r.Times(d, 1, f)
}

// Every has f called each time that interval has passed. Errors are those of
// Timers.Add.
func (r *Reactor) Every(interval time.Duration, f func(TimerID) error) (TimerID, error) {
	if err := r.over(); err != nil {
		return 0, err
	}
	id, err := r.timers.Add(interval, r.whileOpen(f))
	r.poller.nudge()
	return id, err
}

// Times is Every that ends when f has been called so many times. Errors are those of
// Timers.AddTimes.
func (r *Reactor) Times(interval time.Duration, times int, f func(TimerID) error) (TimerID, error) {
	if err := r.over(); err != nil {
		return 0, err
	}
	id, err := r.timers.AddTimes(interval, times, r.whileOpen(f))
	r.poller.nudge()
	return id, err
}

// whileOpen is a timer's f that is not called once the reactor is closed: others that
// are due at the same time may close it.
func (r *Reactor) whileOpen(f func(TimerID) error) func(TimerID) error {
	if f == nil {
		return nil // which is refused
	}
	return func(id TimerID) error {
		if err := r.over(); err != nil {
			return err
		}
		return f(id)
	}
}

// Cancel forgets a timer. One that is not there is ErrInvalid. czmq: zloop_timer_end.
func (r *Reactor) Cancel(id TimerID) error {
	if err := r.over(); err != nil {
		return err
	}
	return r.timers.Cancel(id)
}

// ResetTimer lets the interval of a timer begin anew, now. One that is not there is
// ErrInvalid.
func (r *Reactor) ResetTimer(id TimerID) error {
	if err := r.over(); err != nil {
		return err
	}
	err := r.timers.Reset(id)
	r.poller.nudge()
	return err
}

// Run calls handlers until one of them returns an error, which it returns; ErrStop
// stands for none. It also ends with the error of ctx, with that of Poller.Wait when a
// socket with a handler is closed or its context shut down, with ErrEmptyPoller when
// there is neither handler nor timer and ctx has no end, and with ErrState when it
// runs already. What was not handled is handled by the next Run. czmq: zloop_start.
func (r *Reactor) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return fmt.Errorf("zmq: reactor: %w: it runs already", ErrState)
	}
	defer r.running.Store(false)
	var ready []PollEvent
	var err error
	for err == nil {
		ready = r.makeRoom(ready)
		err = r.turn(ctx, ready)
	}
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

// makeRoom returns room for an event of each handler: a look begins with the first that
// was added, so that with less the last would starve beside others that are always ready.
func (r *Reactor) makeRoom(ready []PollEvent) []PollEvent {
	if n := max(r.poller.Len(), reactorEvents); len(ready) < n {
		return make([]PollEvent, max(n, 2*len(ready)))
	}
	return ready
}

// turn calls what is due and what is ready.
func (r *Reactor) turn(ctx context.Context, ready []PollEvent) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("zmq: reactor: %w", err)
	}
	if _, err := r.timers.Execute(); err != nil {
		return err
	}
	until, _ := r.timers.next() // zero: there is none
	if err := r.poller.begin(ctx, ready, until); err != nil {
		return fmt.Errorf("zmq: reactor: %w", err)
	}
	n, err := r.poller.waitOnce(ctx, ready, until)
	if err != nil {
		var e *PollError
		if errors.As(err, &e) {
			e.User = nil // the handler, as dispatch has it
		}
		return err
	}
	for i := range n {
		if err := r.dispatch(ready[i]); err != nil {
			return err
		}
	}
	clear(ready[:n]) // or a socket that is taken off would be held until others are ready
	return nil
}

// dispatch calls the handler of an event, unless it was taken off meanwhile or is to be
// called for something else. It ends with ErrPollerClosed when the reactor is closed.
func (r *Reactor) dispatch(e PollEvent) error {
	if err := r.over(); err != nil {
		return err
	}
	h := e.User.(*handler)
	r.mu.Lock()
	switch {
	case h.gone:
		e.Events = 0
	case e.Socket == nil && h.events != 0:
		e.Events &= h.events | PollErr
	default:
		e.Events &= h.events
	}
	r.mu.Unlock()
	if e.Events == 0 {
		return nil
	}
	e.User = nil
	return h.f(e)
}

// Close ends the reactor: what is being called is the last, Run returns ErrPollerClosed,
// and so does every later call. Sockets and descriptors stay as they are. A second
// Close does nothing.
func (r *Reactor) Close() error { return r.poller.Close() }

// over returns ErrPollerClosed when the reactor is closed.
func (r *Reactor) over() error {
	r.poller.mu.Lock()
	defer r.poller.mu.Unlock()
	if r.poller.isClosed() {
		return fmt.Errorf("zmq: reactor: %w", ErrPollerClosed)
	}
	return nil
}
