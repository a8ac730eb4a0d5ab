package model

// This file is the queue from the reader of a connection to the applications, and what a
// consumer does who makes room in it.

// has is what counts against the mark.
func (s *directState) has() uint8 { return s.n + s.taken + s.used }

// room is End.Room: how many messages more may be handed on.
func (c direct) room(s *directState) uint8 {
	if c.mark == 0 || s.gone {
		return 255
	}
	if s.full || s.has() >= c.mark {
		s.full = true
		return 0
	}
	return c.mark - s.has()
}

// deliver is End.Deliver. It reports whether the pipe must be announced.
func (s *directState) deliver(k uint8) (wake bool) {
	s.held -= k
	if s.gone {
		return false
	}
	s.n += k
	wake, s.idle = s.idle, false
	return wake
}

// acknowledge is queue.acknowledge. It reports whether there is room again.
func (c direct) acknowledge(s *directState) bool {
	s.used = 0
	if s.full && s.has() <= c.mark/2 {
		s.full = false
		return true
	}
	return false
}

// take is what Socket.next does: it adopts the pipes that were announced and takes a
// message. room says that the reader of the connection must be told of room.
func (c direct) take(s *directState) (got, room bool) {
	if s.other > 0 {
		s.other--
		return true, false
	}
	s.turns, s.listed = s.turns || s.listed, false
	if !s.turns {
		return false, false
	}
	if s.taken == 0 { // End.advance
		room = c.acknowledge(s)
		if s.taken, s.n = s.n, 0; s.taken == 0 {
			s.idle, s.turns = true, false
			return false, room
		}
	}
	s.taken--
	if s.used++; s.used >= max(c.step, 1) {
		room = c.acknowledge(s) || room
	}
	return true, room
}

// roomy adds connection.roomy, called by a consumer under recvMu, at thirteen
// places.
func (c direct) roomy(a *actor[directState], from place, then func(*directState) place) {
	const (
		try place = iota
		on
		announce
		again  = announce + 5
		leave  = again + 1
		pass   = leave + 1
		resume = pass + 1
		tell   = resume + 1
		post   = tell + 1
	)
	a.at(from+try, "connection.roomy", "tries to take the receiving half", func(s *directState) place {
		if s.inMu {
			if c.is("who makes room and cannot have the receiving half tells nobody") {
				return then(s)
			}
			return from + resume
		}
		s.inMu = true
		return from + on
	})
	a.at(from+on, "zmtpIn.readOn", "hands on in the reader's place", func(s *directState) place {
		if !s.paused {
			return from + pass
		}
		room := c.room(s)
		switch {
		case room == 0:
			return from + leave
		case s.held == 0:
			return from + pass
		case s.deliver(min(s.held, room)):
			return from + announce
		}
		return from + again
	})
	c.announces(a, from+announce, false, true, func(*directState) place { return from + again })
	a.at(from+again, "zmtpIn.readOn", "looks whether the mark is reached again", func(s *directState) place {
		if c.room(s) == 0 {
			return from + leave
		}
		return from + pass
	})
	a.at(from+leave, "connection.roomy", "lets go: the mark is reached again", func(s *directState) place {
		s.inMu = false
		return then(s)
	})
	a.at(from+pass, "connection.roomy", "lets go: the rest is the reader's", func(s *directState) place {
		s.inMu = false
		return from + resume
	})
	if !c.moves {
		a.at(from+resume, "gate.resume", "tells the reader", func(s *directState) place {
			s.room = true
			return then(s)
		})
		return
	}
	a.at(from+resume, "parked.resume", "looks where the reader is", func(s *directState) place {
		if s.move.moved {
			return from + post
		}
		return from + tell
	})
	a.at(from+tell, "gate.resume", "tells the reader", func(s *directState) place {
		s.room = true
		return then(s)
	})
	a.at(from+post, "looped.resume", "tells the loop", func(s *directState) place {
		s.move.room = true
		return then(s)
	})
}
