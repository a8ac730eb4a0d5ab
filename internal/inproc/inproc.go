// Package inproc joins sockets of one context by pipes: the transport that is
// none. Names are bound and connected to in any order; a pipe to a name that
// nobody has bound yet queues messages until somebody does.
//
// It imports pipe and message, and knows a socket only as a Side.
package inproc

import (
	"errors"
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

	mu         sync.Mutex // guards all below
	binder     Side       // nil: nobody has bound the name yet
	nearClosed bool
	farClosed  bool
}

// Bind gives name to side and joins whoever waits for it.
func (r *Registry) Bind(name string, side Side) error {
	r.mu.Lock()
	if r.bound[name] != nil {
		r.mu.Unlock()
		return ErrInUse
	}
	if r.bound == nil {
		r.bound = make(map[string]Side)
	}
	r.bound[name] = side
	waiting := r.waiting[name]
	delete(r.waiting, name)
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
	l := &Link{name: name, registry: r, connecter: side}
	c := side.Pipe()
	c.SendMarkPeer, c.RecvMarkPeer = -1, -1
	l.near, l.far = pipe.New(c)
	l.near.Connecting, l.near.WantID = true, wantID
	if !side.Attach(l.near, l) {
		return nil
	}
	r.mu.Lock()
	binder := r.bound[name]
	if binder == nil {
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

// join gives the far end to the socket that has bound the name.
func (l *Link) join(binder Side) {
	c := binder.Pipe()
	l.far.SetSendMark(c.SendMark)
	l.far.SetRecvMark(c.RecvMark)
	l.mu.Lock()
	l.binder = binder
	l.mu.Unlock()
	switch {
	case !binder.Attach(l.far, l), !binder.Online(l.far, l.connecter.Peer()):
		l.Close(l.far)
	case l.over(), !l.connecter.Online(l.near, binder.Peer()):
		l.Close(l.near)
		binder.Detach(l.far, l) // the connecter may have closed before the far end was attached
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
// joined keeps waiting, with what was sent, until somebody does or the context
// ends.
func (l *Link) Close(e *pipe.End) {
	l.mu.Lock()
	other, side, closed, otherClosed := l.far, l.binder, &l.nearClosed, l.farClosed
	if e == l.far {
		other, side, closed, otherClosed = l.near, l.connecter, &l.farClosed, l.nearClosed
	}
	first := !*closed
	*closed = true
	l.mu.Unlock()
	if !first {
		return
	}
	e.CloseWrite()
	e.CloseRead()
	if side != nil && !otherClosed {
		side.Detach(other, l)
	}
}

// Drop takes a link that nobody has joined off the list; what was sent is lost.
func (l *Link) Drop() {
	r := l.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.waiting[l.name]
	for i := range list {
		if list[i] == l {
			r.waiting[l.name] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(r.waiting[l.name]) == 0 {
		delete(r.waiting, l.name)
	}
}
