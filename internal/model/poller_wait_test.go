package model

// This file is who waits with a poller: how he looks, and how he falls asleep.

// Where a caller stands.
const (
	pollHome place = iota
	pollTurn
	pollRead
	pollLift
	pollRise
	pollAttempt
	pollLook // and three more
)

const (
	pollVerdict = pollLook + 4 + iota
	pollQueued
	pollArm
	pollWatch
	pollRest
	pollNaps // a fault
	pollLate // a fault
	pollBell
	pollParked
	pollBlocked
	pollHomeward
	pollAgain
	pollYield
	pollYieldAgain
)

// looks adds Poller.look, in four steps under Poller.mu.
func (c poll) looks(a *actor[pollState], from place, then func(*pollState) place) {
	a.at(from, "Poller.lookAtFiles", "looks at the descriptor", func(s *pollState) place {
		if s.mu {
			return blocked
		}
		s.mu, s.ready, s.have = true, false, false
		if c.files {
			if s.have = s.found || s.file; !s.found {
				s.woken = false // mux.Wait answers, though it does not wait
			}
			s.found = false
		}
		return from + 1
	})
	a.at(from+1, "Poller.gather", "takes up what there is word of", func(s *pollState) place {
		for i := range s.sockets {
			q := &s.sockets[i]
			q.near = (q.near || q.mark) && !q.gone
			if !c.is("a mark is taken down after the socket was asked") {
				q.mark = false
			}
		}
		return from + 2
	})
	for i := range place(2) {
		a.at(from+2+i, "Poller.ask", []string{"asks socket 1", "asks socket 2"}[i], func(s *pollState) place {
			if q := &s.sockets[i]; q.near && c.ask(q) {
				s.ready = true
				q.near = !c.is("a socket that was found ready is looked at no more")
			} else {
				q.near = false
			}
			if i == 0 {
				return from + 3
			}
			if c.is("a mark is taken down after the socket was asked") {
				s.sockets[0].mark, s.sockets[1].mark = false, false
			}
			s.ready = s.ready || s.have
			s.mu = false
			return then(s)
		})
	}
}

// ask is Socket.ready, for messages.
func (c poll) ask(q *pollQueue) bool {
	q.turns, q.listed = q.turns || q.listed, false
	if q.turns && q.n == 0 {
		q.turns = false
		q.idle = !c.is("who asks and finds nothing is not told of the next message")
	}
	return q.turns
}

// deadline is pollCall.deadline.
func (c poll) deadline(s *pollState, who uint8) pollDeadline {
	if !c.times || who != 1 || s.late {
		return noDeadline
	}
	return atUntil
}

// caller adds a goroutine that waits, and what it does between its calls. The context and
// the time are those of the first.
func (c poll) caller(a *actor[pollState], who uint8) {
	c.between(a, who)
	a.at(pollTurn, "Poller.waitOnce", "takes the turn", func(s *pollState) place {
		switch {
		case s.turn != 0:
			return blocked
		case !c.files:
			s.turn = who
			return pollAttempt
		case c.blocks:
			s.turn = who
			return pollRise
		}
		s.turn = who
		return pollRead
	})
	a.at(pollTurn, "Poller.waitOnce", "is over before it has the turn", func(s *pollState) place {
		if who != 1 || !s.ends {
			return blocked
		}
		return pollHome
	})
	a.at(pollRead, "Poller.park", "begins to read", func(s *pollState) place {
		if s.due == longAgo {
			return pollLift
		}
		s.edge = false
		return pollRise
	})
	a.at(pollLift, "pollCall.deadline", "lifts the deadline", func(s *pollState) place {
		s.due = c.deadline(s, who)
		return pollRead
	})
	a.at(pollRise, "marks.rise", "sleeps no more", func(s *pollState) place {
		s.asleep, s.bell = false, false
		return pollAttempt
	})
	a.at(pollAttempt, "Poller.attempt", "looks whether its context is over", func(s *pollState) place {
		if who == 1 && s.ends {
			return pollHomeward
		}
		return pollLook
	})
	c.looks(a, pollLook, func(*pollState) place { return pollVerdict })
	a.at(pollVerdict, "Poller.attempt", "looks whether it was nudged", func(s *pollState) place {
		if s.ready {
			s.ready = false
			return pollHomeward
		}
		if s.nudged {
			s.nudged = false
			return pollHomeward
		}
		return pollQueued
	})
	a.at(pollQueued, "Poller.attempt", "looks whether the turn is wanted", func(s *pollState) place {
		switch {
		case who == 1 && s.late:
			return pollHomeward
		case s.queue:
			return pollAgain
		case c.files && !s.armed:
			return pollArm
		}
		return pollRest
	})
	c.arms(a, who)
	c.sleeps(a, who)
	leaves := func(from, then place) {
		a.at(from, "files.rest", "takes back what ends the parking", func(s *pollState) place {
			if c.files {
				s.armed, s.watching, s.found = false, false, false
			}
			return then
		})
	}
	leaves(pollHomeward, pollYield)
	leaves(pollAgain, pollYieldAgain)
	a.at(pollYield, "Poller.waitOnce", "gives the turn back", func(s *pollState) place {
		s.turn = 0
		return pollHome
	})
	a.at(pollYieldAgain, "Poller.waitOnce", "gives the turn back, and wants it again", func(s *pollState) place {
		s.turn = 0
		return pollTurn
	})
}

// between adds what the application does between its calls.
func (c poll) between(a *actor[pollState], who uint8) {
	a.world(pollHome, "waits", func(s *pollState) place {
		if who == 1 {
			s.ends, s.late = false, false
			if s.context == 1 { // it was the last call's
				s.context = 0
			}
		}
		return pollTurn
	})
	for i := range 2 {
		a.world(pollHome, []string{"receives from socket 1", "receives from socket 2"}[i], func(s *pollState) place {
			q := &s.sockets[i]
			if !c.ask(q) {
				return blocked
			}
			q.n--
			return pollHome
		})
	}
	a.world(pollHome, "reads the descriptor", func(s *pollState) place {
		if !s.file {
			return blocked
		}
		s.file = false
		return pollHome
	})
}

// arms adds files.arm.
func (c poll) arms(a *actor[pollState], who uint8) {
	a.at(pollArm, "files.arm", "sets the time", func(s *pollState) place {
		if s.armed = true; c.times && who == 1 && !c.blocks {
			if s.due = atUntil; s.late {
				s.due = longAgo
			}
		}
		return pollWatch
	})
	a.at(pollWatch, "files.arm", "has the end of the context tell", func(s *pollState) place {
		s.watching = c.ends && who == 1
		return pollRest
	})
}

// sleeps adds how the caller falls asleep, and what wakes him.
func (c poll) sleeps(a *actor[pollState], who uint8) {
	asleep := func(s *pollState) place {
		s.asleep, s.atFile = true, c.files
		switch {
		case !c.files:
			return pollBell
		case c.blocks:
			return pollBlocked
		case c.is("the deadline is lifted after the look"):
			return pollLate
		}
		return pollParked
	}
	a.at(pollRest, "marks.rest", "falls asleep, unless there is word", func(s *pollState) place {
		word := s.sockets[0].mark || s.sockets[1].mark
		if word && !c.is("who is about to sleep does not look for word") || s.roused {
			s.roused = false
			if c.files {
				return pollRise
			}
			return pollAttempt
		}
		if c.is("that somebody sleeps is noted after he has looked for word") {
			return pollNaps
		}
		return asleep(s)
	})
	a.at(pollNaps, "marks.rest", "notes that he sleeps", asleep)
	a.at(pollLate, "pollCall.deadline", "lifts the deadline", func(s *pollState) place {
		s.due = c.deadline(s, who)
		return pollParked
	})
	over := func(s *pollState) bool { return who == 1 && c.times && s.late }
	a.at(pollBell, "Poller.sleep", "is woken", func(s *pollState) place {
		if !s.bell && !over(s) && (who != 1 || !s.ends) {
			return blocked
		}
		s.bell = false
		return pollRise
	})
	a.at(pollParked, "Poller.park", "is woken", func(s *pollState) place {
		switch {
		case s.due == longAgo && c.is("the deadline is lifted after the look"):
			return pollRise
		case s.due == longAgo:
			return pollLift
		case s.edge:
			s.edge = false
			return pollRise
		}
		return blocked
	})
	a.at(pollBlocked, "Poller.block", "is woken", func(s *pollState) place {
		if !s.file && !s.woken && !over(s) {
			return blocked
		}
		s.found, s.woken = s.file, false
		return pollRise
	})
}
