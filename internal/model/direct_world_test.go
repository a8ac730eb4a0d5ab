package model

// peer is the other side, and whatever else comes from outside.
func (c direct) peer(m *model[directState]) {
	m.happens("peer", "sends a message", func(s *directState) bool {
		if s.unsent == 0 {
			return false
		}
		s.unsent--
		s.octets++
		s.ready = true
		return true
	})
	if c.ends {
		m.happens("peer", "hangs up", func(s *directState) bool {
			if s.fin || s.unsent > 0 {
				return false
			}
			s.fin, s.ready = true, true
			return true
		})
	}
	if c.times {
		m.happens("time", "the timeout is over", func(s *directState) bool {
			if s.late {
				return false
			}
			s.late = true
			if s.deadline == later {
				s.deadline = past
			}
			return true
		})
		m.happens("time", "the context ends", func(s *directState) bool {
			if s.done {
				return false
			}
			s.done = true
			if s.after == 1 {
				s.after = 2
			}
			return true
		})
		timer := m.actor("timer", func(s *directState) *place { return &s.timer })
		timer.at(0, "parked.interrupt", "sets stirred", func(s *directState) place {
			if s.after != 2 {
				return blocked
			}
			s.after, s.stirred = 3, true
			return 1
		})
		timer.at(1, "parked.interrupt", "sets a past deadline", func(s *directState) place {
			s.after, s.deadline = 0, past
			return 0
		})
	}
	if c.other > 0 {
		other := m.actor("other pipe", func(s *directState) *place { return &s.feeder })
		other.world(0, "gets a message", func(s *directState) place {
			if s.yet == 0 || s.closed {
				return blocked
			}
			s.yet--
			s.other++
			return 1
		})
		c.announces(other, 1, false, false, func(*directState) place { return 0 })
	}
}

// closing adds the application that closes the socket.
func (c direct) closing(m *model[directState]) {
	if !c.closes {
		return
	}
	const (
		begins place = iota
		looks        // five places
		leaves = looks + 5
		roomy  = leaves + 1 // thirteen places
		aborts = roomy + 13 // five places
		over   = aborts + 5
	)
	closer := m.actor("application 3", func(s *directState) *place { return &s.closer })
	closer.world(begins, "closes the socket", func(s *directState) place {
		if s.recvMu {
			return blocked
		}
		s.closed = true
		return looks
	})
	c.announces(closer, looks, true, false, func(*directState) place { return leaves })
	closer.at(leaves, "queue.leave", "drops what waits", func(s *directState) place {
		room := s.full
		s.gone, s.full = true, false
		s.n, s.taken, s.used = 0, 0, 0
		if room {
			return roomy
		}
		return aborts
	})
	c.roomy(closer, roomy, func(*directState) place { return aborts })
	c.aborts(closer, aborts, over)
}
