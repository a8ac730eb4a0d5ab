package zmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"zeromux/iomux"
)

// This file is how a poller finds out what is ready, and how it sleeps.
//
// What may be ready stands in Poller.near. A socket stays there as long as each look
// finds it ready; when one does not, it is off until its hub tells of it. The hub
// does so after whatever may have made it ready (pipe.Watcher), and that a look has
// found nothing makes the queues tell of the next message or room. A mark is taken
// down before the socket is looked at: so what comes while it is, is marked anew.

// marks is where the hubs leave word, and where who waits sleeps.
type marks struct {
	bell chan struct{} // it holds one signal

	mu     sync.Mutex // a leaf; guards all below
	list   []*watch   // of which there is word
	asleep bool       // somebody sleeps, and is to be woken
	at     *files     // there; nil: at the bell
	roused bool       // somebody was to be woken who had not fallen asleep yet
}

// notice leaves word of w.
func (m *marks) notice(w *watch) {
	m.mu.Lock()
	if w.ended { // its hub has come late
		m.mu.Unlock()
		return
	}
	if w.mark == 0 {
		m.list = append(m.list, w)
		w.mark = len(m.list)
	}
	m.wake()
}

// forget takes back what there is word of w, now and later: registrations that come
// and go leave nothing behind, though nobody looks.
func (m *marks) forget(w *watch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.ended = true
	if w.mark == 0 {
		return
	}
	last := len(m.list) - 1
	m.list[w.mark-1] = m.list[last]
	m.list[w.mark-1].mark = w.mark
	m.list[last] = nil
	m.list, w.mark = m.list[:last], 0
}

// rouse has whoever sleeps look up, or who is about to.
func (m *marks) rouse() {
	m.mu.Lock()
	m.roused = !m.asleep
	m.wake()
}

// wake wakes who sleeps, and releases m.mu.
func (m *marks) wake() {
	asleep, at := m.asleep, m.at
	m.asleep = false
	m.mu.Unlock()
	switch {
	case !asleep:
	case at != nil:
		at.stir()
	default:
		push(m.bell)
	}
}

// rest notes that the caller is about to sleep, unless there is word.
func (m *marks) rest(at *files) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) > 0 || m.roused {
		m.roused = false
		return false
	}
	m.asleep, m.at = true, at
	return true
}

// rise notes that the caller sleeps no more.
func (m *marks) rise() {
	m.mu.Lock()
	m.asleep = false
	m.mu.Unlock()
	select {
	case <-m.bell:
	default:
	}
}

// take returns what there is word of, and puts spare in its place.
func (m *marks) take(spare []*watch) []*watch {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = spare
	for _, w := range list {
		w.mark = 0
	}
	return list
}

// fail wraps err with the call that it ends.
func (p *Poller) fail(op string, s *Socket, fd int, err error) error {
	if err == nil {
		return nil
	}
	return &PollError{Op: op, Socket: s, FD: fd, Err: err}
}

// push signals; the channel holds one signal.
func push(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// look fills events with what is ready now.
func (p *Poller) look(events []PollEvent) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, p.fail("wait", nil, noFD, ErrPollerClosed)
	}
	var orphan error // counts for nothing beside what is ready
	if p.files != nil {
		switch failed := p.lookAtFiles(); {
		case errors.Is(failed, iomux.ErrOrphan):
			orphan = p.fail("wait", nil, noFD, failed)
		case failed != nil:
			return 0, p.fail("wait", nil, noFD, failed)
		}
	}
	p.gather()
	kept := p.near[:0]
	for i, w := range p.near {
		if n == len(events) || err != nil {
			kept = append(kept, p.near[i:]...)
			break
		}
		var have PollEvents
		have, err = p.ask(w)
		if have == 0 && err == nil {
			w.near = false
			continue
		}
		kept = append(kept, w)
		if err == nil {
			events[n] = PollEvent{Socket: w.socket, FD: w.fd, Events: have, User: w.user}
			n++
		}
	}
	clear(p.near[len(kept):])
	p.near = kept
	if err != nil {
		clear(events[:n])
		n = 0
	}
	if n == 0 && err == nil {
		err = orphan
	}
	return n, err
}

// ask tells what w is ready for, or what ends a wait. p.mu is held.
func (p *Poller) ask(w *watch) (PollEvents, error) {
	switch {
	case w.gone || w.events == 0:
		return 0, nil
	case w.plain:
		return w.events & (PollIn | PollOut), nil
	case w.socket == nil:
		if w.seen != p.files.looks {
			return 0, nil
		}
		return w.have & (w.events | PollErr), nil // Modify may have come after the wait that found it
	}
	have, dead := w.socket.ready(w.events)
	if dead != nil {
		return 0, &PollError{Op: "wait", Socket: w.socket, FD: noFD, User: w.user, Err: dead}
	}
	return have, nil
}

// gather takes up what there is word of. p.mu is held.
func (p *Poller) gather() {
	list := p.marks.take(p.spare)
	for _, w := range list {
		p.approach(w)
	}
	clear(list)
	p.spare = list[:0]
	p.near = slices.DeleteFunc(p.near, func(w *watch) bool { return w.gone }) // beyond what look comes to
	if !slices.IsSortedFunc(p.near, byPlace) {
		slices.SortFunc(p.near, byPlace)
	}
}

func byPlace(a, b *watch) int {
	if a.place < b.place {
		return -1
	}
	return 1
}

// approach takes up w as one that may be ready. p.mu is held.
func (p *Poller) approach(w *watch) {
	if !w.near && !w.gone && w.events != 0 {
		w.near = true
		p.near = append(p.near, w)
	}
}

// pollCall is a wait under way.
type pollCall struct {
	ctx    context.Context // the call's own, for as long as the call lasts
	events []PollEvent
	until  time.Time // zero: for ever

	n   int
	err error
}

// waitUntil is Wait until a time, zero for ever. When that comes it returns 0 and no
// error.
func (p *Poller) waitUntil(ctx context.Context, events []PollEvent, until time.Time) (int, error) {
	if err := p.begin(ctx, events, until); err != nil {
		return 0, p.fail("wait", nil, noFD, err)
	}
	for {
		n, err := p.waitOnce(ctx, events, until)
		if n > 0 || err != nil || !until.IsZero() && !time.Now().Before(until) {
			return n, err
		}
	}
}

// begin returns what ends a wait before it has begun.
func (p *Poller) begin(ctx context.Context, events []PollEvent, until time.Time) error {
	endless := ctx.Done() == nil && until.IsZero() // a nil context panics here, where nobody has the turn
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(events) == 0:
		return fmt.Errorf("%w: no room for an event", ErrInvalid)
	case p.isClosed():
		return ErrPollerClosed
	case p.active == 0 && endless:
		return ErrEmptyPoller
	}
	return nil
}

// waitOnce waits for its turn and then for something to be ready. It also returns 0
// and no error when it was nudged, when somebody else wants the turn, and when until
// has come.
func (p *Poller) waitOnce(ctx context.Context, events []PollEvent, until time.Time) (int, error) {
	select {
	case p.turn <- struct{}{}:
	default:
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return 0, p.fail("wait", nil, noFD, ctx.Err())
		}
	}
	p.call = pollCall{ctx: ctx, events: events, until: until}
	for over := false; !over; {
		if files := p.waiting(); files != nil {
			p.park(files)
			over = true
		} else if over = p.attempt(); !over && p.marks.rest(nil) {
			p.sleep()
			p.marks.rise()
		}
	}
	n, err := p.call.n, p.call.err
	p.call = pollCall{}
	<-p.turn
	return n, err
}

// hurry gets the turn soon, from whoever waits.
func (p *Poller) hurry() {
	select {
	case p.turn <- struct{}{}:
		return
	default:
	}
	p.queue.Add(1)
	p.marks.rouse()
	p.turn <- struct{}{}
	p.queue.Add(-1)
}

// nudge makes the wait under way return, or else the next one.
func (p *Poller) nudge() {
	p.nudged.Store(true)
	p.marks.rouse()
}

// attempt looks, and reports whether the call is over. The caller has the turn.
func (p *Poller) attempt() bool {
	c := &p.call
	if err := c.ctx.Err(); err != nil {
		c.err = p.fail("wait", nil, noFD, err)
		return true
	}
	c.n, c.err = p.look(c.events)
	return c.n > 0 || c.err != nil || p.nudged.Swap(false) || p.queue.Load() > 0 ||
		!c.until.IsZero() && !time.Now().Before(c.until)
}

// sleep waits for the bell, or for the end of the call.
func (p *Poller) sleep() {
	c := &p.call
	var late <-chan time.Time
	if !c.until.IsZero() {
		left := time.Until(c.until)
		if p.timer == nil {
			p.timer = time.NewTimer(left)
		} else {
			p.timer.Reset(left)
		}
		defer p.timer.Stop()
		late = p.timer.C
	}
	select {
	case <-p.marks.bell:
	case <-c.ctx.Done():
	case <-late:
	}
}
