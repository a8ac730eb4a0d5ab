package zmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"zeromux/internal/engine"
	"zeromux/iomux"
)

// This file is the descriptors of a poller. They are in a Mux of package iomux, made
// for the first of them. Where its own descriptor can be waited for by the poller of
// the Go runtime, who waits is parked there; elsewhere he holds a thread.

// noFD stands in for the descriptor where there is none.
const noFD = -1

// longAgo is a deadline that makes who is parked look up.
var longAgo = time.Unix(1, 0)

// files are the descriptors of one poller.
type files struct {
	mux    iomux.Mux
	nest   *os.File        // the descriptor of mux, in the hands of the Go runtime; nil: a wait holds a thread
	raw    syscall.RawConn // of nest
	waking func()          // marks.rouse; a field, so that it is made once
	try    func(fd uintptr) bool

	count int    // descriptors in mux that something is waited for of; Poller.mu
	looks uint64 // how often it was looked; Poller.mu

	// Of who has the turn.
	ready  []iomux.Event
	found  int         // in ready, by a wait that held a thread
	armed  bool        // the call's context and time end the parking
	disarm func() bool // nil: nothing is to be taken back
}

// backend is what the descriptors are to be waited for with: what the context of a
// socket names that is there by then, the one that was added first, or the environment.
// Empty: the best there is. p.mu is held.
func (p *Poller) backend() iomux.Backend {
	name, place := os.Getenv(multiplexerVariable), p.places+1
	for s, w := range p.sockets {
		if of := s.ctx.config.Multiplexer; of != "" && w.place < place {
			name, place = of, w.place
		}
	}
	if name == engine.Runtime || name == engine.Stream { // how connections are driven, and no back end
		return ""
	}
	return iomux.Backend(name)
}

// openFiles makes the Mux, on a back end or, without a name, the best there is.
func (p *Poller) openFiles(backend iomux.Backend) error {
	mux, err := iomux.New(backend)
	if err != nil {
		return err
	}
	f := &files{mux: mux, nest: iomux.File(mux)}
	if f.nest != nil {
		if f.raw, err = f.nest.SyscallConn(); err != nil {
			return errors.Join(err, f.close())
		}
	}
	f.waking = p.marks.rouse // and not stir alone: a look that does not wait takes a wake-up of the Mux away
	f.try = func(uintptr) bool { return p.parked(f) }
	p.files = f
	return nil
}

func (f *files) close() error {
	if f == nil {
		return nil
	}
	var err error
	if f.nest != nil {
		err = f.nest.Close() // before the Mux that it belongs to
	}
	return errors.Join(err, f.mux.Close())
}

// stir makes who is parked look up.
func (f *files) stir() {
	if f.nest != nil {
		_ = f.nest.SetReadDeadline(longAgo) // on failure nobody is parked
		return
	}
	_ = f.mux.Wake() // on failure nobody waits
}

func (p *Poller) addFD(fd int, events PollEvents, user any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.admit(events, p.fds[fd] != nil); err != nil {
		return err
	}
	if p.files == nil {
		if err := p.openFiles(p.backend()); err != nil {
			return err
		}
	}
	err := p.files.mux.Add(fd, p.places+1, interest(events))
	plain := errors.Is(err, iomux.ErrRefused) && events&(PollErr|PollPri) == 0 && alwaysReady(fd)
	if err != nil && !plain {
		return unsupported(err)
	}
	w := p.register(events, user)
	w.fd, w.plain = fd, plain
	p.fds[fd] = w
	p.files.enter(w, 0)
	p.marks.notice(w)
	return nil
}

func (p *Poller) modifyFD(fd int, events PollEvents) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.fds[fd]
	if err := p.known(w, events); err != nil {
		return err
	}
	if w.plain {
		if events&(PollErr|PollPri) != 0 {
			return fmt.Errorf("a file has neither %v nor %v: %w", PollErr, PollPri, errors.ErrUnsupported)
		}
	} else if err := p.files.mux.Modify(fd, w.place, interest(events)); err != nil {
		return unsupported(err)
	}
	before := w.events
	p.change(w, events)
	p.files.enter(w, before)
	p.marks.notice(w)
	return nil
}

func (p *Poller) removeFD(fd int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.fds[fd]
	if err := p.known(w, 0); err != nil {
		return err
	}
	if !w.plain {
		if err := p.files.mux.Remove(fd); err != nil {
			return err
		}
	}
	delete(p.fds, fd)
	before := w.events
	p.forget(w)
	p.files.enter(w, before)
	return nil
}

// enter counts a descriptor whose events have changed. Poller.mu is held.
func (f *files) enter(w *watch, before PollEvents) {
	if w.plain {
		return
	}
	if before != 0 {
		f.count--
	}
	if w.events != 0 {
		f.count++
	}
}

// unsupported says so of what the system cannot wait for.
func unsupported(err error) error {
	if errors.Is(err, iomux.ErrRefused) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}

func interest(events PollEvents) (i iomux.Interest) {
	if events&PollIn != 0 {
		i |= iomux.Read
	}
	if events&PollOut != 0 {
		i |= iomux.Write
	}
	if events&PollErr != 0 {
		i |= iomux.Failure
	}
	if events&PollPri != 0 {
		i |= iomux.Priority
	}
	return i
}

// eventsOf is what an event of a Mux says.
func eventsOf(e *iomux.Event) (have PollEvents) {
	if e.Readable {
		have |= PollIn
	}
	if e.Writable {
		have |= PollOut
	}
	if e.Error || e.Hangup || e.Invalid {
		have |= PollErr
	}
	if e.Priority {
		have |= PollPri
	}
	return have
}

// waiting returns the descriptors if there are any to wait for.
func (p *Poller) waiting() *files {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.files == nil || p.files.count == 0 {
		return nil
	}
	return p.files
}

// lookAtFiles takes up the descriptors that are ready. p.mu is held, and the caller
// has the turn.
func (p *Poller) lookAtFiles() error {
	f := p.files
	f.looks++
	f.makeRoom(max(f.count, 1))
	n := f.found
	f.found = 0
	if n == 0 && f.count > 0 {
		var err error
		if n, err = f.mux.Wait(f.ready, 0); err != nil {
			return err
		}
	}
	for i := range f.ready[:n] {
		e := &f.ready[i]
		if w := p.fds[e.FD]; w != nil && w.place == e.Token {
			w.have, w.seen = eventsOf(e), f.looks
			p.approach(w)
		}
	}
	return nil
}

// makeRoom makes room for so many events.
func (f *files) makeRoom(n int) {
	if len(f.ready) < n {
		f.ready = make([]iomux.Event, max(n, 2*len(f.ready)))
	}
}

// park looks, and waits for the descriptors until the call is over, also when there
// is none any more: sockets wake it as well. The caller has the turn.
func (p *Poller) park(f *files) {
	defer f.rest()
	if f.nest == nil {
		p.block(f)
		return
	}
	for {
		err := f.raw.Read(f.try)
		switch {
		case err == nil:
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			_ = f.nest.SetReadDeadline(p.call.deadline()) // on failure Read fails as well
		default:
			p.call.err = p.fail("wait", nil, noFD, err)
			return
		}
	}
}

// deadline is what is left of until for who parks: none when it has come. Read does not
// begin under a deadline that is past, and so nobody would see that the call is over.
func (c *pollCall) deadline() time.Time {
	if time.Now().Before(c.until) {
		return c.until
	}
	return time.Time{}
}

// parked is called by the Go runtime before it parks the caller, and when something
// has happened. It reports whether the call is over. Whoever wants it to look up
// leaves word first and stirs then; so word is looked for when a deadline is past.
func (p *Poller) parked(f *files) bool {
	for {
		p.marks.rise()
		if p.attempt() {
			return true
		}
		if !f.armed {
			f.arm(&p.call)
		}
		if p.marks.rest(f) {
			return false
		}
	}
}

// arm lets the call's context and its time end the parking: the time first, for it
// must not take the place of a deadline that the end of the context has set.
func (f *files) arm(c *pollCall) {
	f.armed = true
	if f.nest != nil && !c.until.IsZero() {
		_ = f.nest.SetReadDeadline(c.until) // on failure Read fails as well
	}
	if c.ctx.Done() != nil {
		f.disarm = context.AfterFunc(c.ctx, f.waking)
	}
}

// rest takes back what arm did, and forgets what nobody has looked at: it may not be
// true any more at the next call.
func (f *files) rest() {
	if f.disarm != nil {
		f.disarm()
	}
	f.armed, f.disarm, f.found = false, nil, 0
}

// block is park where a wait holds a thread.
func (p *Poller) block(f *files) {
	for {
		p.marks.rise()
		if p.attempt() {
			return
		}
		if !f.armed {
			f.arm(&p.call)
		}
		if !p.marks.rest(f) {
			continue
		}
		timeout := time.Duration(-1)
		if !p.call.until.IsZero() {
			timeout = max(time.Until(p.call.until), 0)
		}
		n, err := f.mux.Wait(f.ready, timeout)
		if err != nil {
			p.call.err = p.fail("wait", nil, noFD, err)
			return
		}
		f.found = n
	}
}
