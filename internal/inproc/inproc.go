// Package inproc joins sockets of one context by pipes: the transport that is
// none. Names are bound and connected to in any order; a pipe to a name that
// nobody has bound yet queues messages until somebody does.
//
// It imports pipe and message, and knows a socket only as a Side.
package inproc

import (
	"errors"
	"slices"
	"sync"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// ErrInUse: the name is bound already. libzmq: EADDRINUSE.
var ErrInUse = errors.New("inproc name in use")

// A Side is a socket as its neighbours see it. The methods are called with no
// lock held.
type Side interface {
	// Peer is what a neighbour learns of the socket.
	Peer() *message.Peer
	// Pipe tells how the socket wants its pipes.
	Pipe() pipe.Config
	// Attach takes one end of l; false: the socket is closed, or its pattern
	// takes no further pipe.
	Attach(e *pipe.End, l *Link) bool
	// Online says that the neighbour is there.
	Online(e *pipe.End, peer *message.Peer) bool
	// Detach says that the neighbour has gone. What it sent can be read.
	Detach(e *pipe.End, l *Link)
}

// Registry holds the inproc names of one context. The zero value is ready.
type Registry struct {
	mu      sync.Mutex // guards all below
	bound   map[string]Side
	waiting map[string][]*Link
}

// A Link is a pipe between two sockets, or one that waits for its second.
type Link struct {
	name      string
	registry  *Registry
	connecter Side
	near, far *pipe.End // the connecter's and the binder's
	// Guarded by the registry's mu.
	settled bool        // it was joined or dropped: it must not wait
	stop    func() bool // ends the timer of DropLater; nil: none is set

	mu         sync.Mutex // guards all below
	binder     Side       // nil: nobody has bound the name yet, or taken the far end
	joining    bool       // join is under way, and will say who has closed meanwhile
	nearClosed bool
	farClosed  bool
}

// Bind gives name to side and joins whoever waits for it.
func (r *Registry) Bind(name string, side Side) error { return r.Rebind(name, nil, side) }

// Rebind is Bind that also takes name from the side that may have it, nil for none. The
// pipes of that live on, and at no time is the name anybody else's.
func (r *Registry) Rebind(name string, from, side Side) error {
	r.mu.Lock()
	if of := r.bound[name]; of != nil && of != from {
		r.mu.Unlock()
		return ErrInUse
	}
	if r.bound == nil {
		r.bound = make(map[string]Side)
	}
	r.bound[name] = side
	waiting := r.waiting[name]
	delete(r.waiting, name)
	for _, l := range waiting {
		l.settle()
	}
	r.mu.Unlock()
	for _, l := range waiting {
		l.join(side)
	}
	return nil
}

// Unbind takes name back from side and reports whether it had it. Pipes live on.
func (r *Registry) Unbind(name string, side Side) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bound[name] != side {
		return false
	}
	delete(r.bound, name)
	return true
}

// Connect makes a pipe from side to whoever has bound name, or will. wantID is
// the routing id that side's application chose for the peer, or empty. It
// returns nil when side takes no further pipe.
func (r *Registry) Connect(name string, side Side, wantID []byte) *Link {
	l := r.link(name, side, wantID)
	if l == nil {
		return nil
	}
	r.mu.Lock()
	binder := r.bound[name]
	switch {
	case binder != nil:
		l.settle()
	case !l.settled:
		if r.waiting == nil {
			r.waiting = make(map[string][]*Link)
		}
		r.waiting[name] = append(r.waiting[name], l)
	}
	r.mu.Unlock()
	if binder != nil {
		l.join(binder)
	}
	return l
}

// ConnectBound is Connect that does not wait: it returns nil when nobody has bound name,
// or nobody whom may finds right.
func (r *Registry) ConnectBound(name string, side Side, may func(*message.Peer) bool) *Link {
	r.mu.Lock()
	binder := r.bound[name]
	r.mu.Unlock()
	if binder == nil || !may(binder.Peer()) {
		return nil
	}
	l := r.link(name, side, nil)
	if l != nil {
		r.mu.Lock()
		l.settle()
		r.mu.Unlock()
		l.join(binder)
	}
	return l
}

// link makes a pipe of which side has one end.
func (r *Registry) link(name string, side Side, wantID []byte) *Link {
	l := &Link{name: name, registry: r, connecter: side}
	c := side.Pipe()
	c.SendMarkPeer, c.RecvMarkPeer = -1, -1
	l.near, l.far = pipe.New(c)
	l.near.Connecting, l.near.WantID = true, wantID
	if !side.Attach(l.near, l) {
		return nil
	}
	return l
}

// join gives the far end to the socket that has bound the name. A side that does
// not want the other closes its end. Whoever had to do with an end that is of no
// use hears so, once, unless he closed it himself.
func (l *Link) join(binder Side) {
	c := binder.Pipe()
	l.far.SetSendMark(c.SendMark)
	l.far.SetRecvMark(c.RecvMark)
	if c.Conflate {
		l.far.Conflate()
	}
	l.mu.Lock()
	l.joining = true
	l.mu.Unlock()
	l.far.Peer = l.connecter.Peer() // he may read as soon as he has it
	attached := binder.Attach(l.far, l)
	wanted := attached && binder.Online(l.far, l.connecter.Peer())
	served := wanted && (l.over() || l.connecter.Online(l.near, binder.Peer()))

	l.mu.Lock()
	l.joining = false
	if attached {
		l.binder = binder
	}
	tellBinder := attached && !l.farClosed && (l.nearClosed || !served)
	tellConnecter := !l.nearClosed && (l.farClosed || !served)
	var refused *pipe.End
	switch {
	case !wanted && !l.farClosed:
		refused, l.farClosed = l.far, true
	case wanted && !served && !l.nearClosed:
		refused, l.nearClosed = l.near, true
	}
	l.mu.Unlock()
	if tellBinder {
		binder.Detach(l.far, l)
	}
	if tellConnecter {
		l.connecter.Detach(l.near, l)
	}
	if refused != nil {
		refused.CloseWrite()
		refused.CloseRead()
	}
}

// Name is the inproc name that the link was connected to.
func (l *Link) Name() string { return l.name }

// over reports whether the connecter has closed its end.
func (l *Link) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nearClosed
}

// Close ends the link from the side of e, one of its two ends, which must not
// be read any more. The other side can read what waits. A link that nobody has
// joined keeps waiting, if something was sent, until somebody does or the context
// ends.
func (l *Link) Close(e *pipe.End) {
	l.mu.Lock()
	other, side, closed, otherClosed := l.far, l.binder, &l.nearClosed, l.farClosed
	if e == l.far {
		other, side, closed, otherClosed = l.near, l.connecter, &l.farClosed, l.nearClosed
	}
	first := !*closed
	*closed = true
	joining := l.joining
	l.mu.Unlock()
	if !first {
		return
	}
	e.CloseWrite()
	e.CloseRead()
	switch {
	case side == nil && e == l.near && e.Drained():
		l.Drop() // nobody will ever miss it
	case side != nil && !otherClosed && !joining:
		side.Detach(other, l)
	}
}

// settle says that l waits for nobody any more, and never will. The registry's mu is
// held.
func (l *Link) settle() {
	l.settled = true
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

// DropLater has Drop called when the timer runs out that after sets, unless the link is
// joined before: nothing is left of the timer then. One that does not wait needs none.
func (l *Link) DropLater(after func(f func()) (stop func() bool)) {
	l.registry.mu.Lock()
	defer l.registry.mu.Unlock()
	if !l.settled && l.stop == nil {
		l.stop = after(l.Drop)
	}
}

// Drop takes a link that nobody has joined off the list; what was sent is lost.
func (l *Link) Drop() {
	if l.registry.forget(l) {
		l.far.CloseRead()
	}
}

// forget takes l off the list of those that wait, and keeps it off, and reports
// whether it was there.
func (r *Registry) forget(l *Link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.settle()
	list := r.waiting[l.name]
	i := slices.Index(list, l)
	if i < 0 {
		return false
	}
	if len(list) == 1 {
		delete(r.waiting, l.name)
	} else {
		r.waiting[l.name] = slices.Delete(list, i, i+1)
	}
	return true
}
