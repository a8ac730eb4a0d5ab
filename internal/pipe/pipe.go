// Package pipe joins a socket to one peer: two queues back to back, one for
// each direction, with an end for either side. A socket of the same process
// holds the other end, or a session that carries the messages over a
// connection; neither side can tell, and there is one path for both.
//
// A queue holds spans of frames encoded as ZMTP 3.1 writes them. Messages are
// encoded once, where they enter, and decoded once, where they leave; between
// the two they move by the thousand.
//
// The package imports message and zmtp and knows neither patterns nor
// connections. docs/locking.md has the order of locks.
package pipe

import (
	"sync/atomic"

	"zeromux/internal/message"
)

// An End is one side of a pipe: it writes into one queue and reads from the
// other. An end that belongs to a socket has a Hub and a Seat; one that belongs to
// a session has a Carrier.
//
// Write and what it calls run under the socket's sendMu, Read under its recvMu. Who
// reads the connection delivers, or a consumer in his place, one at a time; who
// writes it takes. WriteAlone, WriteBody, Close and SetMarks run anywhere.
type End struct {
	in, out *queue

	hub     *Hub    // of the socket that holds this end; nil: a session's. The other end looks at it under in.mu
	carrier Carrier // the session that holds it
	cur     *cursor // where reading stands; nil: nothing is left of what was taken. recvMu

	// Peer is the connection that is up, the last one, or nil before the
	// first. Written under sendMu and recvMu, read under either.
	Peer *message.Peer

	*Seat // nil: a session's
}

// A Seat is what a socket and its pattern know of an end that is theirs. The first
// end of a pipe has one from the beginning, the other from Join on.
type Seat struct {
	// SendRing and RecvRing are the places of the end in the rotations of
	// package routing; guarded by sendMu and recvMu.
	SendRing, RecvRing Ring

	// ID is the routing id under which a pattern knows the peer. Written
	// under sendMu and recvMu, read under either.
	ID []byte
	// State is the pattern's own; guarded as the pattern says.
	State any
	// Link is what stands behind the pipe in the eyes of the socket: a session
	// or a neighbour. Set before Attach.
	Link any
	// Online says that a connection is up, or a neighbour there; guarded by
	// sendMu.
	Online bool
	// Connecting says that the end belongs to an endpoint that the socket
	// connected to, not to one that it bound. Set before Attach.
	Connecting bool
	// Notices tells what the pattern is to make known of the peer, as the endpoint
	// wants it: 1 its coming, 2 its going. Set before Attach. libzmq:
	// ZMQ_ROUTER_NOTIFY, ZMQ_STREAM_NOTIFY.
	Notices uint8
	// WantID is the routing id that the application chose for the peer
	// beforehand; empty: none. Set before Attach. libzmq: ZMQ_CONNECT_ROUTING_ID.
	WantID []byte

	drops atomic.Pointer[Drops] // nil: nothing was dropped; the socket's when the pipe has ended
}

// Ring is the place of an End in a rotation.
type Ring struct{ Next, Prev *End }

// Config is what a pipe is made with. Marks are in messages, zero is none, and
// a share of -1 does not take part.
type Config struct {
	Pool *message.Pool
	// SendMark and SendMarkPeer are the two shares of the mark on what the
	// first end writes, RecvMark and RecvMarkPeer of what it reads.
	SendMark, SendMarkPeer int
	RecvMark, RecvMarkPeer int
	// Conflate makes both directions queues of one message, the newest.
	Conflate bool
}

// whole is all of a pipe, in one piece: a server has one for every client. The
// queues stand first, so that what is used of each for every message lies in a line
// of the cache, and nothing of an end in the same one.
type whole struct {
	ab, ba queue
	a, b   End
	seat   Seat // of a
}

// New makes a pipe and returns its ends. The first is for a socket, the other for
// another socket or a session.
func New(c Config) (a, b *End) {
	w := new(whole)
	w.ab = queue{pool: c.Pool, writer: &w.a, reader: &w.b, newest: c.Conflate}
	w.ba = queue{pool: c.Pool, writer: &w.b, reader: &w.a, newest: c.Conflate}
	w.ab.marks.set(c.SendMark, c.SendMarkPeer)
	w.ba.marks.set(c.RecvMarkPeer, c.RecvMark)
	w.a = End{in: &w.ba, out: &w.ab, Seat: &w.seat}
	w.b = End{in: &w.ab, out: &w.ba}
	return &w.a, &w.b
}

// Join gives the end to a socket. Called once, before the end is used; the other
// one may be in use already.
func (e *End) Join(h *Hub) {
	if e.Seat == nil {
		e.Seat = new(Seat)
	}
	e.in.mu.Lock()
	e.hub = h
	e.in.mu.Unlock()
}

// A Carrier is a session in the eyes of its end.
type Carrier interface {
	// OutReady is called when something waits to be taken, from any goroutine and
	// with no lock held, and must not block. alone says that it is an application
	// that calls, that nobody else waits to be told, and that it is not behind with
	// receiving.
	OutReady(alone bool)
	// InRoom is called when there is room again, also under locks of the socket,
	// and must only signal.
	InRoom()
}

// Carry gives the end to a session. Called once, before the end is used.
func (e *End) Carry(c Carrier) { e.carrier = c }

// readable tells the end's owner that something waits, or that the other side
// has ended. Called with no lock held. alone is a session's: see Carrier.
func (e *End) readable(alone bool) {
	if e.hub != nil {
		e.hub.activate(e)
	} else if e.carrier != nil {
		e.carrier.OutReady(alone)
	}
}

// writable tells the end's owner that there is room, or that the other side has
// gone. Called with no queue lock held; the owner only takes note.
func (e *End) writable() {
	if e.hub != nil {
		e.hub.announce(e)
	} else if e.carrier != nil {
		e.carrier.InRoom()
	}
}

// SetSendMark changes this side's share of the mark on what it writes, in
// messages; zero is none.
func (e *End) SetSendMark(n int) { e.out.setMarks(n, -1) }

// SetRecvMark changes this side's share of the mark on what it reads.
func (e *End) SetRecvMark(n int) { e.in.setMarks(-1, n) }

// CloseWrite ends what this side writes: the other side reads what waits, then
// Closed. Called with no lock held.
func (e *End) CloseWrite() {
	if e.out.end() {
		e.out.reader.readable(false)
	}
}

// CloseRead lets go of everything that waits to be read and tells the other
// side that nothing more will be. The reader itself must have stopped, or be
// stopped by the lock that it reads under. A second call does nothing.
func (e *End) CloseRead() {
	if e.in.leave() && e.cur != nil {
		e.cur.release(len(e.cur.spans))
		e.cur = nil
	}
}

// Drained reports whether the other side has taken and acknowledged all that
// this side wrote.
func (e *End) Drained() bool { return e.out.depth() == 0 }

// Unsent is how many messages that this side wrote the other side has not
// acknowledged: those that wait, and those in its hands. It acknowledges what it has
// read at an eighth of the mark, and when it finds nothing more.
func (e *End) Unsent() int { return e.out.depth() }

// Waiting is how many messages wait to be read. Called with recvMu held.
func (e *End) Waiting() int {
	n := e.in.depth()
	if e.cur != nil {
		n -= e.cur.used // read, and not acknowledged yet
	}
	return max(n, 0) // nothing is left of a queue that nobody will read
}

// Marks are the high-water marks on what this side writes and reads, in messages;
// zero is none.
func (e *End) Marks() (out, in int) { return e.out.mark(), e.in.mark() }

// Written is what this side ever wrote, but for what TakeWritten has told.
func (e *End) Written() Tally { return e.out.totals(writers, false) }

// Arrived is what was ever written for this side, but for what TakeArrived has told.
func (e *End) Arrived() Tally { return e.in.totals(readers, false) }

// TakeWritten is Written, and begins to count anew. What the other side counts as
// arrived stays.
func (e *End) TakeWritten() Tally { return e.out.totals(writers, true) }

// TakeArrived is Arrived, and begins to count anew.
func (e *End) TakeArrived() Tally { return e.in.totals(readers, true) }
