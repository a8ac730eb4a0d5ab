package model

// Where an application stands.
const (
	appAway place = iota // not in a call
	appTries
	appNotes
	appAwaits
	appAsks
	appWaits // for its signal alone
	appResult
	appGivesUp
	appEnds
	appRoomy                        // thirteen places
	appPassesOn   = appRoomy + 13   // five places
	appPasses     = appPassesOn + 5 // five places
	appRegisters  = appPasses + 5
	appLeads      = appRegisters // from here to appLeaves it reads
	appWakes      = appRegisters + 1
	appLooks      = appWakes + 1
	appCalms      = appLooks + 1 // two places
	appChecks     = appCalms + 2
	appReads      = appChecks + 1 // three places
	appStirred    = appReads + 3
	appHandles    = appStirred + 1 // eight places
	appHandled    = appHandles + 8
	appAborts     = appHandled + 1 // five places
	appFails      = appAborts + 5
	appUnwakes    = appFails + 1
	appLeaves     = appUnwakes + 1
	appTells      = appLeaves + 1
	appUnregister = appTells + 1
	appTurn       = appUnregister + 1
)

// application adds a goroutine that receives when the world wants it to.
func (c direct) application(m *model[directState], i int) {
	app := m.actor([]string{"application 1", "application 2"}[i], func(s *directState) *place { return &s.app[i] })
	hasContext, hasTimeout := c.times && i == 0, c.times && i == 1
	over := func(s *directState) bool { return hasContext && s.done || hasTimeout && s.late }
	left := appResult
	if hasContext {
		left = appUnregister
	}
	to := func(yes bool, a, b place) place {
		if yes {
			return a
		}
		return b
	}

	app.world(appAway, "calls Recv", func(s *directState) place {
		if s.closed || over(s) {
			return blocked
		}
		s.waited[i] = false
		return appTries
	})
	tried := func(s *directState) place {
		s.recvMu = false
		switch {
		case s.got[i]:
			return to(s.waited[i], appEnds, appAway)
		case s.waited[i]:
			return appAwaits
		}
		return appNotes
	}
	app.at(appTries, "Socket.next", "looks for a message", func(s *directState) place {
		if s.recvMu {
			return blocked
		}
		if s.closed {
			return to(s.waited[i], appEnds, appAway)
		}
		got, room := c.take(s)
		s.got[i] = got
		if room {
			s.recvMu = true
			return appRoomy
		}
		return tried(s)
	})
	c.roomy(app, appRoomy, tried)
	app.at(appNotes, "waiting.now", "notes how much was announced", func(s *directState) place {
		if s.hub.lock {
			return blocked
		}
		s.waited[i], s.hub.stale[i] = true, false
		return appTries
	})
	app.at(appAwaits, "side.await", "queues, unless something was announced", func(s *directState) place {
		if s.hub.lock {
			return blocked
		}
		if c.is("the count is not compared") {
			s.hub.stale[i] = false
		}
		return to(s.hub.await(i), to(c.moves, appAsks, appTurn), appNotes)
	})

	app.at(appAsks, "parked.lead", "looks whether the connection is to move", func(s *directState) place {
		return to(s.move.wanted, appWaits, appTurn)
	})
	app.at(appTurn, "turn.lead", "asks to read", func(s *directState) place {
		if (s.state != unread || s.urgent) && !c.is("the turn is given to who asks") {
			s.want = true
			return appWaits
		}
		s.state, s.moved = led, true
		return to(hasContext, appRegisters, appWakes)
	})
	app.at(appRegisters, "parked.lead", "asks to hear of its context", func(s *directState) place {
		s.after = 1
		if s.done {
			s.after = 2
		}
		return appWakes
	})
	app.at(appWakes, "Waiter.WokenBy", "says how to wake it", func(s *directState) place {
		s.hub.rouse[i] = true
		return to(c.is("the signal is looked for before the deadline is lifted"), appChecks, appLooks)
	})
	app.at(appLooks, "parked.leadOn", "looks whether somebody stirred", func(s *directState) place {
		return to(s.stirred || hasTimeout, appCalms, appChecks)
	})
	app.at(appCalms, "parked.calm", "notes whether there is a deadline", func(s *directState) place {
		s.stirred = hasTimeout
		return appCalms + 1
	})
	app.at(appCalms+1, "parked.calm", "sets its own deadline", func(s *directState) place {
		switch {
		case !hasTimeout:
			s.deadline = never
		case s.late:
			s.deadline = past
		default:
			s.deadline = later
		}
		return to(c.is("the signal is looked for before the deadline is lifted"), appReads, appChecks)
	})
	app.at(appChecks, "parked.leadOn", "looks for its signal and the time", func(s *directState) place {
		switch {
		case s.move.wanted && !c.is("who leads does not look whether the connection is to move"):
			s.result[i] = notOurs
			return appUnwakes
		case s.hub.sig[i]:
			s.result[i] = signalled
			return appUnwakes
		case over(s):
			s.result[i] = gaveUp
			return appUnwakes
		case s.waiting:
			return appHandles
		}
		if c.is("the signal is looked for before the deadline is lifted") && s.stirred {
			return appCalms
		}
		return appReads
	})
	c.pollRead(app, appReads, appHandles, appStirred, appAborts)
	app.at(appStirred, "parked.leadOn", "notes that the deadline was past", func(s *directState) place {
		s.stirred = !c.is("a past deadline is met and not noted")
		return to(c.is("the signal is looked for before the deadline is lifted"), appChecks, appLooks)
	})
	c.handles(app, appHandles, appHandled)
	app.at(appHandled, "parked.leadOn", "looks whether it has to wait for room", func(s *directState) place {
		s.waiting = s.paused
		if s.waiting && !s.hub.sig[i] {
			s.result[i] = notOurs
			return appUnwakes
		}
		return to(c.is("the signal is looked for before the deadline is lifted"), appChecks, appLooks)
	})
	c.aborts(app, appAborts, appFails)
	app.at(appFails, "parked.leadOn", "has met an error", func(s *directState) place {
		s.result[i] = notOurs
		return appUnwakes
	})
	app.at(appUnwakes, "Waiter.WokenBy", "need not be roused", func(s *directState) place {
		s.hub.rouse[i] = false
		return appLeaves
	})
	app.at(appLeaves, "turn.leave", "lets go", func(s *directState) place {
		s.state = unread
		s.urgent = s.urgent || s.result[i] == notOurs
		tell := s.rests && !c.is("who leaves tells nobody") || s.urgent
		s.rests = false
		return to(tell, appTells, left)
	})
	app.at(appTells, "turn.leave", "wakes the background", func(s *directState) place {
		s.wake = true
		return left
	})
	app.at(appUnregister, "parked.lead", "need not hear of its context", func(s *directState) place {
		if s.after == 1 {
			s.after = 0
		}
		return appResult
	})
	app.at(appResult, "waiting.lead", "sees what came of it", func(s *directState) place {
		r := s.result[i]
		s.result[i] = signalled
		switch r {
		case notOurs:
			return appWaits
		case gaveUp:
			return appGivesUp
		}
		if !s.hub.sig[i] {
			return blocked
		}
		s.hub.sig[i] = false
		return appNotes
	})

	app.at(appWaits, "waiting.sleep", "is signalled", func(s *directState) place {
		if !s.hub.sig[i] {
			return blocked
		}
		s.hub.sig[i] = false
		return appNotes
	})
	app.at(appWaits, "waiting.sleep", "gives up", func(s *directState) place { return to(over(s), appGivesUp, blocked) })
	app.at(appGivesUp, "side.leave", "leaves the queue", func(s *directState) place {
		if s.hub.lock {
			return blocked
		}
		return to(s.hub.leave(i), appPassesOn, appEnds)
	})
	c.announces(app, appPassesOn, false, false, func(*directState) place { return appEnds })
	app.at(appEnds, "waiting.end", "looks whether others wait", func(s *directState) place {
		if s.hub.lock {
			return blocked
		}
		return to(s.hub.queue[0] != 0 && !c.is("who has received passes nothing on"), appPasses, appAway)
	})
	c.announces(app, appPasses, false, false, func(*directState) place { return appAway })
}
