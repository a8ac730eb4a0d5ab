package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// addressed is what ROUTER and STREAM share: peers that the application knows
// by routing id, and notices of their coming and going.
type addressed struct {
	env  *Env
	book routing.AddressBook
	in   routing.FairQueue
	out  message.Message // what Send writes, without the id; sendMu
}

// A caller is the State of an end that has a routing id, or will have one.
type caller struct {
	known     bool     // it has an id, so that it may be read; both locks
	detached  bool     // nothing is written any more; both locks
	generated bool     // its id is not one that anybody chose; both locks
	closing   bool     // the application has closed it; sendMu
	read      uint64   // messages read; recvMu
	notices   []notice // oldest first; recvMu
}

// A notice says that a connection came up or is lost. It is due when all that
// arrived before it has been read.
type notice struct {
	after uint64
	peer  *message.Peer
}

func callerOf(e *pipe.End) *caller {
	c, _ := e.State.(*caller)
	return c
}

// Naming is what ROUTER and STREAM have beyond Pattern. Called with both locks
// held.
type Naming interface {
	// Knows reports whether a peer has this routing id.
	Knows(id []byte) bool
}

func (a *addressed) Knows(id []byte) bool { return a.book.Find(id) != nil }

// notify makes a notice of what has just become of e.
func (a *addressed) notify(e *pipe.End) {
	c := callerOf(e)
	c.notices = append(c.notices, notice{c.read + uint64(e.Waiting()), e.Peer})
	a.in.Add(e)
	a.env.ReceiversLook()
}

// forget is Discard.
func (a *addressed) forget(e *pipe.End) {
	e.State = nil
	a.in.Remove(e)
}

// find returns the pipe that the first frame of m names, or nil.
func (a *addressed) find(m *message.Message) *pipe.End {
	e := a.book.Find(m.Frames[0])
	if e == nil || callerOf(e).closing {
		return nil
	}
	return e
}

// write sends m without its first frame.
func (a *addressed) write(e *pipe.End, m *message.Message) pipe.Status {
	a.out.Frames, a.out.Owned, a.out.Lender = m.Frames[1:], m.Owned, m.Lender
	st := e.Write(&a.out)
	a.out = message.Message{}
	return st
}

func (a *addressed) Recv(m *message.Message) (*pipe.End, error) {
	for e := a.in.Turn(); e != nil; e = a.in.Turn() {
		c := callerOf(e)
		if len(c.notices) > 0 && c.read >= c.notices[0].after {
			m.Kind, m.Peer = message.Data, c.notices[0].peer
			m.Empty()
			m.Frames = append(m.Frames, e.ID, empty)
			c.drop()
			a.in.Done()
			return nil, nil
		}
		if e.Read(m) != pipe.OK {
			a.in.Remove(e)
			continue
		}
		c.read++
		a.in.Done()
		if m.Kind != message.Data {
			continue
		}
		m.Frames = append(m.Frames, nil)
		copy(m.Frames[1:], m.Frames)
		m.Frames[0] = e.ID
		return e, nil
	}
	return nil, ErrWouldBlock
}

// drop takes the oldest notice off.
func (c *caller) drop() {
	if c.notices = c.notices[1:]; len(c.notices) == 0 {
		c.notices = nil
	}
}

func (a *addressed) Readable(e *pipe.End) {
	if c := callerOf(e); c != nil && c.known {
		a.in.Add(e)
	}
}

func (a *addressed) CanRecv() bool {
	for e := a.in.Turn(); e != nil; e = a.in.Turn() {
		if len(callerOf(e).notices) > 0 || e.CanRead() == pipe.OK {
			return true
		}
		a.in.Remove(e)
	}
	return false
}

// Asked is what ROUTER has beyond Pattern. Called with both locks held.
type Asked interface {
	// CanSendTo reports whether the peer with this routing id has room, or returns
	// ErrHostUnreachable. libzmq: zmq_socket_get_peer_state.
	CanSendTo(id []byte) (bool, error)
}

func (a *addressed) canSendTo(id []byte) (bool, error) {
	st := pipe.Closed
	if e := a.book.Find(id); e != nil {
		st = e.CanWrite()
	}
	if st == pipe.Closed {
		return false, ErrHostUnreachable
	}
	return st == pipe.OK, nil
}

// canRoute is CanSend of a ROUTER: always true, unless routing is mandatory; then some
// peer must have room.
func (a *addressed) canRoute() bool {
	if !a.env.Options.RouterMandatory {
		return true
	}
	room := false
	a.book.All(func(e *pipe.End) bool {
		room = e.CanWrite() == pipe.OK
		return !room
	})
	return room
}
