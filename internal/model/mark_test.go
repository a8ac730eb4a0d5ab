package model

// This is the reader of a connection in a loop, in place of the background of direct
// mode: it reads while the mark is not reached, and is told of room by a post. How
// the loop sleeps is loop_test.go's; here it hears of whatever there is.

// Where the loop stands.
const (
	loopWaits   place = iota
	loopRoom          // eight places: handles what was held back
	loopReads   = loopRoom + 8
	loopHandles = loopReads + 1 // eight places
	loopHandled = loopHandles + 8
	loopLooks   = loopHandled + 1
	loopEnds    = loopLooks + 1
	loopLost    = loopEnds + 1 // five places
)

// loop adds the goroutine of a loop. Here waiting is connection.held, and room says that
// room was posted. One that a connection moves to is told of all that.
func (c direct) loop(m *model[directState]) {
	pc := func(s *directState) *place { return &s.bg }
	room := func(s *directState) *bool { return &s.room }
	given := func(s *directState) bool { return s.dead } // up
	if c.moves {
		pc = func(s *directState) *place { return &s.move.loop }
		room = func(s *directState) *bool { return &s.move.room }
		given = func(s *directState) bool { return s.move.told }
	}
	l := m.actor("loop", pc)
	l.at(loopWaits, "looped.asked", "hears of room", func(s *directState) place {
		if !*room(s) || given(s) {
			return blocked
		}
		*room(s) = false
		switch {
		case s.waiting:
			return loopRoom
		case c.moves && !s.move.started && !c.is("room has the loop begin"):
			return loopWaits
		}
		return loopLooks
	})
	c.handles(l, loopRoom, loopHandled)
	l.at(loopWaits, "looped.read", "reads", func(s *directState) place {
		switch {
		case !s.interest || given(s) || s.octets == 0 && !(s.fin && s.unsent == 0):
			return blocked
		case s.octets == 0:
			return loopEnds
		}
		s.held += s.octets
		s.octets = 0
		return loopHandles
	})
	c.handles(l, loopHandles, loopHandled)
	l.at(loopHandled, "looped.handled", "notes whether the mark is reached", func(s *directState) place {
		if s.waiting = s.paused; s.waiting {
			s.interest = false
			*room(s) = *room(s) && !c.is("room that comes before the mark is noted is forgotten")
			return loopWaits
		}
		return loopLooks
	})
	l.at(loopLooks, "looped.asked", "goes on reading, unless the mark is reached", func(s *directState) place {
		s.interest = !s.waiting
		return loopWaits
	})
	l.at(loopWaits, "looped.asked", "hears that the connection was given up", func(s *directState) place {
		if !given(s) {
			return blocked
		}
		return loopEnds
	})
	l.at(loopEnds, "looped.end", "ends", func(s *directState) place {
		if c.moves {
			if s.aborted == 1 {
				return blocked // sync.Once
			}
			s.aborted, s.move.told = 2, true
			return loopLost
		}
		s.dead = true
		return loopLost
	})
	c.announces(l, loopLost, true, false, func(s *directState) place { return backOver })
}
