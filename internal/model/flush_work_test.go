package model

// takes is flusher.take.
func (s *flushState) takes(from writing) bool {
	if s.state != from {
		s.again = s.state == busy
		return false
	}
	s.state, s.again = busy, false
	return true
}

// handOver is that of the sink.
func (s *flushState) handOver() {
	if s.looped {
		s.jobs[1]++
	} else {
		s.jobs[0]++
	}
}

// Where senders stand, and others who call flush.
const (
	sendRests place = iota
	sendFlushes
	sendChooses
	sendWorks // places of work
)

// flushes adds flusher.flush. alone says that the caller may write by itself.
func (c flush) flushes(a *actor[flushState], alone bool, then place) {
	a.at(sendFlushes, "flusher.flush", "wants to write", func(s *flushState) place {
		switch {
		case !s.takes(resting):
			return then
		case alone:
			return sendChooses
		}
		s.handOver()
		return then
	})
	a.at(sendChooses, "flusher.quiet", "hands over: something was written just now", func(s *flushState) place {
		s.handOver()
		return then
	})
	a.at(sendChooses, "flusher.quiet", "writes by itself", func(s *flushState) place {
		return sendWorks
	})
	c.works(a, sendWorks, true, then)
}

func (c flush) sender(m *model[flushState], i int) {
	a := m.actor([]string{"sender 1", "sender 2"}[i], func(s *flushState) *place { return &s.sender[i] })
	a.world(sendRests, "sends a message", func(s *flushState) place {
		if s.sends[i] == 0 || s.ended {
			return blocked
		}
		s.sends[i]--
		s.n++
		if wake := s.idle; wake {
			s.idle = false
			return sendFlushes
		}
		return sendRests
	})
	c.flushes(a, true, sendRests)
}

// others are the driver's start, who says a command, and who closes.
func (c flush) others(m *model[flushState]) {
	const end = sendWorks + workPlaces
	actor := func(who string, i int) *actor[flushState] {
		a := m.actor(who, func(s *flushState) *place { return &s.once[i] })
		c.flushes(a, false, end)
		return a
	}
	start := actor("driver", 0)
	start.at(sendRests, "looped.start", "starts", func(*flushState) place { return sendFlushes })
	if c.command {
		say := actor("heartbeat", 1)
		say.world(sendRests, "has a command", func(s *flushState) place {
			s.control++
			return sendFlushes
		})
	}
	if c.closes {
		say := actor("application", 2)
		say.world(sendRests, "closes its end", func(s *flushState) place {
			s.ended = true
			if wake := s.idle; wake {
				s.idle = false
				return sendFlushes
			}
			return end
		})
	}
}

// works adds flusher.turn, or flusher.run, from a place on.
func (c flush) works(a *actor[flushState], from place, turn bool, then place) {
	at := func(k place, where, what string, do func(s *flushState) place) { a.at(from+k, where, what, do) }
	// write is the system's.
	write := func(s *flushState, n *uint8) (all, none, failed bool) {
		if s.broken || !s.looped && s.move.shut {
			return false, false, true
		}
		k := min(*n, s.space)
		*n -= k
		s.space -= k
		s.written += k
		return *n == 0, k == 0, false
	}
	waits := func(s *flushState) bool { // in the poller of the Go runtime
		return !turn && s.space == 0 && !s.broken && !s.move.shut
	}
	at(workCommands, "flusher.commands", "looks for commands", func(s *flushState) place {
		if s.saying == 0 && (s.have%2 == 0 || c.is("commands go out anywhere")) {
			s.saying, s.control = s.control, 0
		}
		if s.saying == 0 {
			return from + workTakes
		}
		s.split = s.have%2 != 0
		return from + workSays
	})
	at(workSays, "flusher.commands", "writes commands", func(s *flushState) place {
		if waits(s) {
			return blocked
		}
		switch all, none, failed := write(s, &s.saying); {
		case failed:
			return from + workFails
		case all:
			return from + workCommands
		case none:
			return from + workBlocks
		}
		return from + workSays
	})
	at(workTakes, "Outgoing.Take", "takes what waits", func(s *flushState) place {
		switch {
		case s.have > 0:
		case s.n > 0:
			s.have, s.n = 2*s.n, 0
		case s.ended:
			s.parting, s.done = true, false
			return from + workFails // flusher.farewell
		default:
			s.idle, s.done = true, false
			return from + workLeaves
		}
		if turn && s.done { // more than one write: the others have a turn
			s.done = false
			if c.is("who writes once leaves the rest") {
				return from + workLeaves
			}
			s.handOver()
			return then
		}
		return from + workWrites
	})
	at(workWrites, "flusher.write", "writes", func(s *flushState) place {
		if waits(s) {
			return blocked
		}
		switch all, _, failed := write(s, &s.have); {
		case failed:
			s.done, s.parting = false, true
			return from + workFails
		case !all && turn:
			s.done = false
			return from + workBlocks
		case !all:
			return from + workWrites
		}
		s.done = turn
		return from + workCommands
	})
	at(workLeaves, "flusher.leave", "leaves", func(s *flushState) place {
		if !turn {
			if s.looked = !s.looked; s.looked {
				return from + workCommands
			}
		}
		switch {
		case s.noMore:
			s.state = over
			return from + workCounts
		case s.again && !c.is("who leaves does not look whether it was asked for again"):
			s.again = false
			if !turn {
				return from + workCommands
			}
			s.handOver()
			return then
		}
		s.again = false
		s.state = resting
		if s.move.rests(c) {
			return from + workRests
		}
		return then
	})
	at(workRests, "parked.rested", "sets a past deadline: a move was waiting", func(s *flushState) place {
		s.move.past = true
		return then
	})
	block := func(s *flushState) bool {
		s.state = stuck
		if s.noMore && !c.is("who has to wait does not look whether reading has ended") {
			s.state = over
		}
		return s.state == stuck
	}
	early := c.is("room is looked out for before it is waited for")
	at(workBlocks, "flusher.block", "has to wait for room", func(s *flushState) place {
		switch {
		case early:
			s.watch = watchAsked
		case !block(s):
			return from + workCounts
		}
		return from + workLooksOut
	})
	at(workLooksOut, "looped.lookout", "looks out for room", func(s *flushState) place {
		switch {
		case !s.looped: // parked.lookout
			if s.takes(stuck) {
				s.handOver()
			}
		case !early:
			s.watch = watchAsked
		case !block(s):
			return from + workCounts
		}
		return then
	})
	at(workFails, "flusher.finish", "ends writing", func(s *flushState) place {
		s.state = over
		return from + workCounts
	})
	at(workCounts, "flusher.endWriting", "counts writing off", func(s *flushState) place {
		c.through(s)
		return then
	})
}

// through is connection.through, and what follows the second call.
func (c flush) through(s *flushState) {
	if s.carried--; s.carried > 0 {
		return
	}
	if c.moves {
		s.move.through(s.looped)
	}
	s.closed = s.looped || !c.moves
}
