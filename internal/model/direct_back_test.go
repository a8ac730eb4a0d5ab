package model

// Where the background stands. Up to backGives it reads.
const (
	backBegins  place = iota           // three places
	backCalms         = backBegins + 3 // two places
	backHandles       = backCalms + 2  // eight places
	backHandled       = backHandles + 8
	backWaits         = backHandled + 1 // for room
	backAwaited       = backWaits + 1
	backTaken         = backAwaited + 1
	backGives         = backTaken + 1
	backLooks         = backGives + 1
	backRests         = backLooks + 1
	backTicks         = backRests + 1
	backAborts        = backTicks + 1  // five places
	backLost          = backAborts + 5 // five places
	backOver          = backLost + 5
	backMoves         = backOver + 1 // see move_read_test.go
)

// background adds the goroutine of the driver.
func (c direct) background(m *model[directState]) {
	top := backBegins // of readAll
	if c.moves {
		top = backMoves
	}
	bg := m.actor("background", func(s *directState) *place { return &s.bg })
	c.pollRead(bg, backBegins, backHandles, backCalms, backAborts)
	bg.at(backCalms, "parked.calm", "notes that there is no deadline", func(s *directState) place {
		s.stirred = false
		return backCalms + 1
	})
	bg.at(backCalms+1, "parked.calm", "sets no deadline", func(s *directState) place {
		s.deadline = never
		return top
	})
	c.handles(bg, backHandles, backHandled)
	bg.at(backHandled, "gate.receive", "looks whether it has to wait for room", func(s *directState) place {
		switch {
		case s.paused:
			return backWaits
		case s.fresh: // it has only just taken over
			s.fresh = false
			return top
		}
		return backAwaited
	})
	bg.at(backWaits, "gate.receive", "hears of room", func(s *directState) place {
		if !s.room {
			return blocked
		}
		s.room = false
		return backHandles
	})
	bg.at(backWaits, "gate.receive", "hears that the connection was given up", func(s *directState) place {
		if !s.dead {
			return blocked
		}
		return backAborts
	})
	bg.at(backAwaited, "End.Awaited", "looks whether there is something to receive", func(s *directState) place {
		if s.idle {
			return top
		}
		return backGives
	})
	bg.at(backGives, "turn.giveWay", "gives way if an application came", func(s *directState) place {
		if !s.want || s.urgent {
			return top
		}
		s.want, s.state, s.fresh = false, unread, true
		return backLooks
	})
	bg.at(backLooks, "turn.look", "looks who reads", func(s *directState) place {
		still := !s.fresh && !s.moved
		s.fresh, s.moved = false, false
		switch {
		case s.state == unread && (still || s.urgent):
			s.state, s.want, s.urgent = inBackground, false, false
			return backTaken
		case s.state == led && still:
			s.rests = true
		}
		if s.rests {
			s.fresh = true
			return backRests
		}
		return backTicks
	})
	woken := func(s *directState) place {
		if !s.wake {
			return blocked
		}
		s.wake = false
		return backLooks
	}
	bg.at(backRests, "turn.takeOver", "is woken", woken)
	bg.at(backTicks, "turn.takeOver", "is woken", woken)
	bg.at(backTicks, "turn.takeOver", "has waited for a tick", func(*directState) place { return backLooks })
	bg.at(backTaken, "parked.readAll", "has taken over", func(s *directState) place {
		switch {
		case s.dead:
			return backAborts
		case s.waiting && !c.is("who takes over forgets what is held back"):
			s.waiting, s.fresh = false, true
			return backHandles
		}
		return top
	})
	c.aborts(bg, backAborts, backLost)
	c.announces(bg, backLost, true, false, func(*directState) place { return backOver }) // Socket.detach
}
