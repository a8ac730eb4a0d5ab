package zmq

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// PollEvents is what a socket or a descriptor is ready for, or what is waited for:
// a set of bits, libzmq's. None at all is allowed, and never comes.
type PollEvents uint16

// What may be waited for. Of a socket only PollIn and PollOut ever come.
const (
	// PollIn: a message can be received, or something read, without waiting.
	// libzmq: ZMQ_POLLIN.
	PollIn PollEvents = 1
	// PollOut: a message can be sent, or something written, without waiting.
	// libzmq: ZMQ_POLLOUT.
	PollOut PollEvents = 2
	// PollErr: the descriptor has an error, or the other side is gone. It also comes
	// unasked, with anything that is waited for, but not where select waits, which
	// cannot tell: then PollIn or PollOut comes, and what is done next meets it.
	// libzmq: ZMQ_POLLERR.
	PollErr PollEvents = 4
	// PollPri: the descriptor has urgent data. libzmq: ZMQ_POLLPRI.
	PollPri PollEvents = 8

	pollAll = PollIn | PollOut | PollErr | PollPri
)

// String names the events: "in|out", or "none".
func (e PollEvents) String() string {
	text := ""
	for _, bit := range []struct {
		event PollEvents
		name  string
	}{{PollIn, "in"}, {PollOut, "out"}, {PollErr, "err"}, {PollPri, "pri"}} {
		if e&bit.event != 0 {
			text += "|" + bit.name
		}
	}
	if rest := e &^ pollAll; rest != 0 {
		text += fmt.Sprintf("|%#x", uint16(rest))
	}
	if text == "" {
		return "none"
	}
	return text[1:]
}

// A PollEvent tells of a socket or a descriptor that is ready. libzmq:
// zmq_poller_event_t.
type PollEvent struct {
	Socket *Socket // nil: a descriptor
	FD     int     // -1: a socket
	Events PollEvents
	User   any // as it was given when it was added
}

// A Poller waits for many sockets and descriptors at once, of any contexts. Its cost
// follows what happens and not what is there: a socket tells its pollers when it has
// become ready, and one that is idle is not looked at. libzmq: zmq_poller_new.
//
// Every method may be called from any goroutine at any time; a change counts at
// once, for a Wait under way too. The same socket may be in several pollers.
//
// A socket or descriptor is reported by each Wait for as long as it is ready, so
// nothing is lost when less is received than there was. That it is ready does not
// bind it: somebody else may receive first, so that TryRecv is the call to make
// where somebody else receives.
//
// Remove a socket or a descriptor before it is closed. When a socket is closed, or its
// context shut down, Wait returns a *PollError that names it, until it is removed or
// nothing is waited for of it. A descriptor that is closed may fall silent.
//
// The zero Poller is a closed one.
type Poller struct {
	marks marks
	turn  chan struct{} // holds something while a goroutine waits; others wait for it
	queue atomic.Int32  // goroutines that want the turn at once

	nudged atomic.Bool // the wait under way is to return

	mu      sync.Mutex // guards all to the next blank line
	sockets map[*Socket]*watch
	fds     map[int]*watch
	places  uint64   // how many registrations there have been
	active  int      // registrations with events
	near    []*watch // those that may be ready, in the order of registration
	files   *files   // nil: there has been no descriptor
	closed  bool

	spare []*watch // an empty list

	call  pollCall // of who has the turn, as the timer
	timer *time.Timer
}

// watch is one registration. Its fields without a word are guarded by Poller.mu.
type watch struct {
	poller *Poller // does not change, as the next four
	place  uint64  // the order of registration
	socket *Socket // nil: a descriptor
	fd     int
	user   any

	events PollEvents
	sides  PollEvents // of the hub that tell it: PollIn, PollOut
	near   bool       // in Poller.near
	gone   bool       // removed
	plain  bool       // a descriptor that is always ready: a file

	have PollEvents // a descriptor: what the look of number seen has found
	seen uint64

	mark  int  // its place in marks.list, from one on; 0: not there. Guarded by marks.mu
	ended bool // nobody wants word of it any more; guarded by marks.mu
}

// Noticed implements pipe.Watcher.
func (w *watch) Noticed() { w.poller.marks.notice(w) }

// NewPoller makes a poller. It owns no descriptor and no goroutine until one is added
// to it. Close it when it is done with.
func NewPoller() *Poller {
	return &Poller{
		marks:   marks{bell: make(chan struct{}, 1)},
		turn:    make(chan struct{}, 1),
		sockets: make(map[*Socket]*watch),
		fds:     make(map[int]*watch),
	}
}

// Add waits for events of s from now on, which Wait reports with user. libzmq:
// zmq_poller_add.
//
// The error wraps ErrInvalid for a socket that is there already and for events that
// are none, ErrClosed, ErrTerminated or ErrPollerClosed.
func (p *Poller) Add(s *Socket, events PollEvents, user any) error {
	return p.fail("add", s, noFD, p.add(s, events, user))
}

func (p *Poller) add(s *Socket, events PollEvents, user any) error {
	if s == nil {
		return fmt.Errorf("%w: no socket", ErrInvalid)
	}
	if err := s.death(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.admit(events, p.sockets[s] != nil); err != nil {
		return err
	}
	w := p.register(events, user)
	w.socket, w.fd = s, noFD
	p.sockets[s] = w
	p.listen(w)
	p.marks.notice(w)
	return nil
}

// admit checks what the ways to add have in common. p.mu is held.
func (p *Poller) admit(events PollEvents, there bool) error {
	switch {
	case p.isClosed():
		return ErrPollerClosed
	case events&^pollAll != 0:
		return errPollEvents(events)
	case there:
		return fmt.Errorf("%w: it is in the poller already", ErrInvalid)
	}
	return nil
}

func errPollEvents(events PollEvents) error {
	return fmt.Errorf("%w: events %v, must be of %v", ErrInvalid, events, pollAll)
}

// isClosed reports whether there is no poller any more, or never was. p.mu is held.
func (p *Poller) isClosed() bool { return p.closed || p.turn == nil }

// register makes the next registration. p.mu is held.
func (p *Poller) register(events PollEvents, user any) *watch {
	p.places++
	if events != 0 {
		p.active++
	}
	return &watch{poller: p, place: p.places, events: events, user: user}
}

// Modify waits for other events of s. libzmq: zmq_poller_modify.
//
// The error wraps ErrInvalid for a socket that is not there and for events that are
// none, or ErrPollerClosed.
func (p *Poller) Modify(s *Socket, events PollEvents) error {
	return p.fail("modify", s, noFD, p.modify(s, events))
}

func (p *Poller) modify(s *Socket, events PollEvents) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.sockets[s]
	if err := p.known(w, events); err != nil {
		return err
	}
	p.change(w, events)
	p.listen(w)
	p.marks.notice(w)
	return nil
}

// known checks what the ways to modify and remove have in common. p.mu is held.
func (p *Poller) known(w *watch, events PollEvents) error {
	switch {
	case p.isClosed():
		return ErrPollerClosed
	case events&^pollAll != 0:
		return errPollEvents(events)
	case w == nil:
		return fmt.Errorf("%w: it is not in the poller", ErrInvalid)
	}
	return nil
}

// change enters the new events of w. p.mu is held.
func (p *Poller) change(w *watch, events PollEvents) {
	if w.events != 0 {
		p.active--
	}
	if events != 0 {
		p.active++
	}
	w.events = events
}

// Remove waits for s no more; no Wait that begins afterwards reports it. libzmq:
// zmq_poller_remove.
//
// The error wraps ErrInvalid for a socket that is not there, or ErrPollerClosed.
func (p *Poller) Remove(s *Socket) error {
	return p.fail("remove", s, noFD, p.remove(s))
}

func (p *Poller) remove(s *Socket) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.sockets[s]
	if err := p.known(w, 0); err != nil {
		return err
	}
	delete(p.sockets, s)
	p.forget(w)
	return nil
}

// forget ends a registration. p.mu is held.
func (p *Poller) forget(w *watch) {
	p.change(w, 0)
	w.gone = true
	p.listen(w)
	p.marks.forget(w)
}

// listen has the hub of a socket tell w what it must know. The end of a socket is
// told on both sides, so that one is enough where nothing else is waited for. p.mu
// is held.
func (p *Poller) listen(w *watch) {
	if w.socket == nil {
		return
	}
	sides := w.events & (PollIn | PollOut)
	if w.events != 0 && sides == 0 {
		sides = PollIn
	}
	h := &w.socket.hub
	if more := sides &^ w.sides; more != 0 {
		if more&PollIn != 0 {
			h.WatchReceive(w)
		}
		if more&PollOut != 0 {
			h.WatchSend(w)
		}
	}
	if less := w.sides &^ sides; less != 0 {
		if less&PollIn != 0 {
			h.IgnoreReceive(w)
		}
		if less&PollOut != 0 {
			h.IgnoreSend(w)
		}
	}
	w.sides = sides
}

// AddFD is Add of a descriptor, which stays the caller's. A file or directory is
// always ready. libzmq: zmq_poller_add_fd.
//
// The first one settles what the poller waits for descriptors with: the back end that
// ContextConfig.Multiplexer names of the first socket there that has such a context,
// or ZEROMUX_MULTIPLEXER; without either, and with "runtime" and "stream", which are for
// connections, the best that the system has.
//
// The error wraps what that of Add does, EBADF for a descriptor that is none, or
// errors.ErrUnsupported where the system has no call to wait for it, or for these
// events, or not the back end.
func (p *Poller) AddFD(fd int, events PollEvents, user any) error {
	return p.fail("add", nil, fd, p.addFD(fd, events, user))
}

// AddConn is AddFD of the descriptor of a file or connection, whose number it returns
// for ModifyFD and RemoveFD. Unlike Fd of an os.File, it leaves the file as it is.
func (p *Poller) AddConn(c syscall.Conn, events PollEvents, user any) (fd int, err error) {
	fd = noFD
	if c == nil {
		return fd, p.fail("add", nil, fd, fmt.Errorf("%w: no connection", ErrInvalid))
	}
	var failed error
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(func(number uintptr) {
			fd = int(number)
			failed = p.addFD(fd, events, user)
		})
	}
	if err != nil {
		failed = fmt.Errorf("%w: %w", syscall.EBADF, err)
	}
	return fd, p.fail("add", nil, fd, failed)
}

// ModifyFD is Modify of a descriptor. libzmq: zmq_poller_modify_fd.
func (p *Poller) ModifyFD(fd int, events PollEvents) error {
	return p.fail("modify", nil, fd, p.modifyFD(fd, events))
}

// RemoveFD is Remove of a descriptor. libzmq: zmq_poller_remove_fd.
func (p *Poller) RemoveFD(fd int) error {
	return p.fail("remove", nil, fd, p.removeFD(fd))
}

// Len is the number of sockets and descriptors in the poller. libzmq:
// zmq_poller_size.
func (p *Poller) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sockets) + len(p.fds)
}

// Wait fills ready with what is ready, as much of it as there is room for, in the
// order in which it was added, and returns how many. It waits until there is one. Of
// several goroutines that wait one is told; the others look when it has returned.
// libzmq: zmq_poller_wait_all.
//
// When ctx ends first it returns ctx's error. Other errors wrap ErrInvalid when ready
// has no room, ErrEmptyPoller, ErrClosed or ErrTerminated for a socket that has come
// to its end, or ErrPollerClosed. With an error nothing is reported.
func (p *Poller) Wait(ctx context.Context, ready []PollEvent) (int, error) {
	return p.waitUntil(ctx, ready, time.Time{})
}

// TryWait is Wait that does not wait: ErrWouldBlock says that nothing is ready.
func (p *Poller) TryWait(ready []PollEvent) (int, error) {
	if err := p.begin(context.Background(), ready, longAgo); err != nil {
		return 0, p.fail("wait", nil, noFD, err)
	}
	p.hurry()
	n, err := p.look(ready)
	<-p.turn
	if n == 0 && err == nil {
		err = p.fail("wait", nil, noFD, ErrWouldBlock)
	}
	return n, err
}

// Close ends the poller: a Wait under way returns ErrPollerClosed, and so does every
// later call. Sockets and descriptors stay as they are. A second Close does nothing.
// libzmq: zmq_poller_destroy.
func (p *Poller) Close() error {
	p.mu.Lock()
	if p.isClosed() {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	for _, of := range []iter.Seq[*watch]{maps.Values(p.sockets), maps.Values(p.fds)} {
		for w := range of {
			p.forget(w)
		}
	}
	clear(p.sockets)
	clear(p.fds)
	p.near = nil
	p.mu.Unlock()
	p.hurry() // nobody waits any more
	err := p.files.close()
	<-p.turn
	return p.fail("close", nil, noFD, err)
}
