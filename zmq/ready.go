package zmq

import (
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

// This file is whether a socket could send or receive now, for who asks and for
// pollers.

// CanSend and CanRecv tell whether the socket could send or receive now without
// waiting: some message, for a ROUTER with Mandatory has room for one peer and not for
// another, and an XPUB with NoDrop for one topic and not for another. libzmq:
// ZMQ_EVENTS.
func (s *Socket) CanSend() bool {
	can := false
	s.both(func() {
		s.hub.Writable(s.pattern.Writable)
		can = s.pattern.CanSend()
	})
	return can
}

// CanRecv is CanSend for receiving.
func (s *Socket) CanRecv() bool {
	can := false
	s.both(func() {
		s.hub.Readable(s.pattern.Readable)
		can = s.back.waits || s.pattern.CanRecv()
	})
	return can
}

// CanSendTo tells whether a ROUTER could send to the peer with this routing id now
// without waiting or losing the message. libzmq: zmq_socket_get_peer_state.
//
// The error wraps ErrHostUnreachable when no peer has the routing id,
// ErrUnsupported for other types, ErrClosed or ErrTerminated.
func (s *Socket) CanSendTo(routingID string) (bool, error) {
	const op = "ask for the peer"
	p, ok := s.pattern.(pattern.Asked)
	if !ok {
		return false, s.fail(op, "", pattern.ErrUnsupported)
	}
	can := false
	var err error
	if !s.both(func() { can, err = p.CanSendTo([]byte(routingID)) }) {
		err = s.death()
	}
	if err != nil {
		return false, s.fail(op, "", err)
	}
	return can, nil
}

// ready tells which of some events the socket is ready for, or why it is dead.
func (s *Socket) ready(want PollEvents) (have PollEvents, dead error) {
	alive := s.both(func() {
		if want&PollIn != 0 {
			s.hub.Readable(s.pattern.Readable)
			if s.back.waits || s.pattern.CanRecv() {
				have |= PollIn
			}
		}
		if want&PollOut != 0 {
			s.hub.Writable(s.pattern.Writable)
			if s.pattern.CanSend() {
				have |= PollOut
			}
		}
	})
	if !alive {
		return 0, s.death()
	}
	if want&^have&PollIn != 0 {
		s.hub.Received(false)
		if only := s.direct.Load(); only != nil {
			only.Attend()
		}
	}
	return have, nil
}

// turned lets pollers look at a socket that sends and receives by turns: whose turn
// it is may have changed.
func (s *Socket) turned() {
	if s.row.Lockstep {
		s.hub.Turned()
	}
}

// behind reports whether a socket that has received from an end without waiting is
// behind with receiving. Who polls has waited before, and is behind if there is more.
// recvMu is held.
func (s *Socket) behind(from *pipe.End) bool {
	return !s.hub.Watched() || from != nil && from.Left()
}
