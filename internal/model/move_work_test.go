package model

// Where the background stands.
const (
	moveLooks place = iota
	moveAwaits
	moveCalms
	moveSettles // from here to moveLeaves it writes, too
	movePublishes
	moveTakes
	moveDeparts
	movePosts
	moveGivesIn
	moveStays
	moveLeaves
	moveRests
	moveAborts                  // four places
	moveStops  = moveAborts + 4 // three places
	moveCounts = moveStops + 3  // of writing, of a connection that has moved
	moveOver   = moveCounts + 1
)

// givesUp adds connection.abort, with parked.close, at four places.
func (c flush) givesUp(a *actor[flushState], from, then place) {
	a.at(from, "connection.abort", "gives the connection up", func(s *flushState) place {
		switch s.move.given {
		case 1:
			return blocked // sync.Once
		case 2:
			return then
		}
		s.move.given, s.aborted = 1, true
		return from + 1
	})
	a.at(from+1, "mover.shut", "looks whether the connection has moved", func(s *flushState) place {
		s.move.ended = true
		if s.move.moved && !c.is("who gives up does not look whether the connection has moved") {
			return from + 3
		}
		return from + 2
	})
	a.at(from+2, "parked.close", "closes the descriptor", func(s *flushState) place {
		s.move.shut, s.move.given = true, 2
		return then
	})
	a.at(from+3, "looped.close", "tells the loop", func(s *flushState) place {
		s.move.told, s.move.given = true, 2
		return then
	})
}

// endsReading adds the end of the reading side at three places.
func (c flush) endsReading(a *actor[flushState], from, then place) {
	a.at(from, "flusher.stopWriting", "stops writing", func(s *flushState) place {
		s.noMore = true
		if s.state == resting || s.state == stuck {
			s.state = over
			return from + 1
		}
		return from + 2
	})
	a.at(from+1, "flusher.endWriting", "counts writing off", func(s *flushState) place {
		c.through(s)
		return from + 2
	})
	a.at(from+2, "connection.through", "counts reading off", func(s *flushState) place {
		c.through(s)
		return then
	})
}

// mover adds the background.
func (c flush) mover(m *model[flushState]) {
	hasty := c.is("the original is closed before it is said where the connection goes on")
	late := c.is("writing is left before the loop is to write")
	bg := m.actor("background", func(s *flushState) *place { return &s.move.background })
	bg.at(moveLooks, "flusher.claim", "looks whether it is to move, and can", func(s *flushState) place {
		switch {
		case !s.move.wanted:
			return moveAwaits
		case s.state != resting && !c.is("the move does not look who writes"):
			s.move.asked = s.state != over && !c.is("who finds somebody writing does not ask to be told")
			return moveAwaits
		}
		s.state, s.again = busy, false
		return moveSettles
	})
	bg.at(moveAwaits, "parked.await", "reads", func(s *flushState) place {
		switch {
		case s.move.shut, s.broken:
			return moveAborts
		case s.move.past:
			return moveCalms
		}
		return blocked
	})
	bg.at(moveCalms, "parked.calm", "sets no deadline", func(s *flushState) place {
		s.move.past = false
		return moveLooks
	})
	if c.scarce {
		bg.at(moveSettles, "leaveNet", "finds no descriptor", func(*flushState) place { return moveGivesIn })
	}
	bg.at(moveSettles, "leaveNet", "doubles the descriptor", func(s *flushState) place {
		if s.move.shut {
			return moveGivesIn
		}
		s.move.other = open
		if hasty {
			return moveDeparts
		}
		return movePublishes
	})
	bg.at(movePublishes, "parked.settle", "says where it goes on, unless the connection is given up", func(s *flushState) place {
		if s.move.ended && !c.is("the move does not look whether the connection is given up") {
			s.move.close()
			s.move.other = notMade
			return moveGivesIn
		}
		s.move.moved = true
		if late {
			return moveDeparts
		}
		return moveTakes
	})
	bg.at(moveTakes, "parked.settle", "has the loop write", func(s *flushState) place {
		s.looped = true
		switch {
		case late:
			return moveOver
		case hasty:
			return movePosts
		}
		return moveDeparts
	})
	bg.at(moveDeparts, "looped.depart", "closes the original descriptor", func(s *flushState) place {
		s.move.shut, s.move.departed = true, true
		if hasty {
			return movePublishes
		}
		return movePosts
	})
	bg.at(movePosts, "parked.move", "has the loop start", func(s *flushState) place {
		s.move.started = true
		return moveLeaves
	})
	bg.at(moveGivesIn, "parked.move", "cannot", func(s *flushState) place {
		s.move.wanted = false
		return moveStays
	})
	leave := func(from, then, counts place) {
		bg.at(from, "flusher.leave", "leaves writing", func(s *flushState) place {
			switch {
			case s.noMore:
				s.state = over
				return counts
			case s.again && !c.is("who has moved does not look whether it was asked for"):
				s.again = false
				s.handOver()
				return then
			}
			s.again, s.state = false, resting
			if late && s.move.moved {
				return moveTakes
			}
			return then
		})
	}
	leave(moveStays, moveAwaits, moveCounts)
	leave(moveLeaves, moveOver, moveCounts)
	bg.at(moveCounts, "flusher.endWriting", "counts writing off", func(s *flushState) place {
		c.through(s)
		return moveOver
	})
	c.givesUp(bg, moveAborts, moveStops)
	c.endsReading(bg, moveStops, moveOver)
}

// ownLoop adds the goroutine of the loop. What it reads is in other models.
func (c flush) ownLoop(m *model[flushState]) {
	l := m.actor("loop", func(s *flushState) *place { return &s.move.loop })
	l.at(loopIdle, "looped.asked", "hears that the connection was given up", func(s *flushState) place {
		if !s.move.told {
			return blocked
		}
		return loopStops
	})
	l.at(loopIdle, "looped.read", "meets an error", func(s *flushState) place {
		if !s.move.started || !s.broken {
			return blocked
		}
		return loopAborts
	})
	c.looksOut(l, loopIdle)
	c.givesUp(l, loopAborts, loopStops)
	c.endsReading(l, loopStops, loopGone)
}
