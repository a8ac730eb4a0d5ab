package model

// This file is what the programs of direct mode have in common, each at as many places as
// it says.

// announces adds side.announce at five places, from one on. pipe says that the pipe of
// the connection is announced.
func (c direct) announces(a *actor[directState], from place, all, pipe bool, then func(*directState) place) {
	a.at(from, "side.announce", "counts, and signals who waits", func(s *directState) place {
		if s.hub.lock {
			return blocked
		}
		s.listed = s.listed || pipe
		before := s.hub.sig
		s.hub.announce(all)
		if c.is("who signals rouses first") {
			s.hub.sig = before
		}
		if !s.hub.lock {
			return then(s)
		}
		return from + 1
	})
	unlock := func(s *directState) place {
		if c.is("who signals rouses first") {
			return from + 4
		}
		s.hub.lock = false
		return then(s)
	}
	a.at(from+1, "Waiter.signal", "looks whether he must be roused", func(s *directState) place {
		if !s.hub.rouses() {
			return unlock(s)
		}
		return from + 2
	})
	a.at(from+2, "parked.interrupt", "sets stirred", func(s *directState) place {
		s.stirred = true
		return from + 3
	})
	a.at(from+3, "parked.interrupt", "sets a past deadline", func(s *directState) place {
		s.deadline = past
		return unlock(s)
	})
	a.at(from+4, "Waiter.signal", "signals only now", func(s *directState) place {
		s.hub.signal()
		s.hub.lock = false
		return then(s)
	})
}

// aborts adds connection.abort at four places, and for a connection that may move at a
// fifth.
func (c direct) aborts(a *actor[directState], from, then place) {
	a.at(from, "connection.abort", "gives the connection up", func(s *directState) place {
		switch s.aborted {
		case 1:
			return blocked // sync.Once
		case 2:
			return then
		}
		s.aborted = 1
		if c.moves {
			return from + 4
		}
		s.dead = true
		return from + 1
	})
	if c.moves {
		a.at(from+4, "mover.shut", "looks whether the connection has moved", func(s *directState) place {
			s.move.ended = true
			if s.move.moved {
				s.move.told, s.aborted = true, 2 // looped.close
				return then
			}
			s.dead = true
			return from + 1
		})
	}
	a.at(from+1, "parked.close", "closes the descriptor", func(s *directState) place {
		s.shut = true
		return from + 2
	})
	a.at(from+2, "turn.hurry", "has the background read", func(s *directState) place {
		s.urgent = true
		return from + 3
	})
	a.at(from+3, "turn.hurry", "wakes the background", func(s *directState) place {
		s.wake, s.aborted = true, 2
		return then
	})
}

// pollRead adds RawConn.Read with parked.readOnce at three places. It leads to got with
// what was read in held, to stirred when the deadline is past, and to failed.
func (c direct) pollRead(a *actor[directState], from place, got, stirred, failed place) {
	wrong := func(s *directState) (place, bool) {
		switch {
		case s.shut:
			return failed, true
		case s.deadline == past:
			return stirred, true
		}
		return 0, false
	}
	a.at(from, "parked.readOnce", "begins to read", func(s *directState) place {
		if to, ok := wrong(s); ok {
			return to
		}
		s.ready = false
		return from + 1
	})
	a.at(from+1, "parked.readOnce", "reads what is there", func(s *directState) place {
		switch {
		case s.octets > 0:
			s.held += s.octets
			s.octets = 0
			return got
		case s.fin && s.unsent == 0:
			return failed
		}
		return from + 2
	})
	a.at(from+2, "parked.readOnce", "is woken in the poller", func(s *directState) place {
		if to, ok := wrong(s); ok {
			return to
		}
		if !s.ready {
			return blocked
		}
		s.ready = false
		return from + 1
	})
}

// handles adds connection.handle at eight places: what was read is handed on until the
// mark is reached.
func (c direct) handles(a *actor[directState], from, then place) {
	const (
		take place = iota
		parse
		announce
		let = announce + 5
	)
	next, end := from+parse, from+let
	if c.mark == 0 { // nobody else wants the receiving half
		next, end = from+take, then
	} else {
		a.at(from+take, "connection.handle", "takes the receiving half", func(s *directState) place {
			if s.inMu {
				return blocked
			}
			s.inMu, s.paused = true, false
			return next
		})
	}
	a.at(next, "zmtpIn.parse", "hands on what there is room for", func(s *directState) place {
		if s.held == 0 {
			return end
		}
		room := c.room(s)
		if room == 0 {
			s.paused = true
			return end
		}
		if s.deliver(min(s.held, room)) {
			return from + announce
		}
		return next
	})
	c.announces(a, from+announce, false, true, func(*directState) place { return next })
	a.at(from+let, "connection.handle", "lets go of the receiving half", func(s *directState) place {
		s.inMu = false
		return then
	})
}
