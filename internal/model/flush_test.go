package model

import "testing"

// This is the sending side of a connection that is a descriptor: two senders, one who
// says a command, whoever writes what they did not write themselves, the wait for the
// system to take more, and the reading side, which ends. A message is two octets, a
// command one. Left out are how much is written at once, the mark, and how long a
// farewell lasts.

// writing is who writes, as in package engine.
type writing uint8

const (
	resting writing = iota
	busy
	stuck // blocked, in package engine
	over
)

// flushState is what they share.
type flushState struct {
	// The queue from the application, and what has been taken off it.
	n, have uint8 // messages that wait; octets that were taken and are not written
	idle    bool
	ended   bool // nothing more will come
	// Commands that wait, and octets of those that are being written.
	control, saying uint8

	// flusher
	state   writing
	again   bool
	noMore  bool // flusher.ended
	carried uint8
	looked  bool // of run
	done    bool // of write: it has written once

	// The system.
	space   uint8 // octets that it takes
	written uint8 // octets that it has taken
	broken  bool  // writing fails
	closed  bool  // the descriptor
	split   bool  // a command went out within a message

	looped  bool     // the sink is that of a loop
	jobs    [2]uint8 // connections that were handed over: to a goroutine for the purpose, to a loop
	watch   lookout  // for room
	aborted bool
	parting bool // the peer is waited for, and not for ever

	sender [2]place
	writer [2]place // the goroutine for the purpose, the loop's
	reader place
	once   [3]place // who says a command, closes, starts
	sends  [2]uint8 // messages that a sender has yet to send

	move moveState
}

// lookout is how the wait for room stands.
type lookout uint8

const (
	notWatched lookout = iota
	watchAsked
	watched
)

// flush is what varies.
type flush struct {
	messages [2]uint8 // of each sender
	space    uint8    // octets that the system takes while the peer reads none
	command  bool
	closes   bool // the application closes its end
	aborts   bool // the connection may be given up at any time
	looped   bool // the driver is looped, not parked
	moves    bool // it is parked, and to be looped
	scarce   bool // there may be no descriptor to move to
	broken   string
}

func (c flush) is(fault string) bool { return c.broken == fault }

func (c flush) fault() string { return c.broken }

// Where those who write stand, from some place on.
const (
	workCommands place = iota
	workSays
	workTakes
	workWrites
	workLeaves
	workBlocks
	workLooksOut
	workFails
	workCounts
	workRests
	workPlaces
)

func (c flush) model() *model[flushState] {
	m := &model[flushState]{start: flushState{carried: 2, space: c.space, sends: c.messages, looped: c.looped}}
	for i := range 2 {
		c.sender(m, i)
	}
	c.others(m)
	if !c.looped {
		c.writer(m, false)
	}
	if c.looped || c.moves {
		c.writer(m, true)
	}
	if c.moves {
		c.moving(m)
	} else {
		c.reader(m)
	}
	m.happens("peer", "reads an octet", func(s *flushState) bool {
		if s.space == c.space || s.closed {
			return false
		}
		s.space++
		return true
	})
	m.always = func(s *flushState) string {
		switch {
		case s.split:
			return "a command went out within a message"
		case s.jobs[0]+s.jobs[1] > 1:
			return "a connection was handed over twice"
		case s.carried > 2:
			return "a direction has ended twice"
		}
		all := 2 * (c.messages[0] + c.messages[1])
		left := 2*(s.sends[0]+s.sends[1]+s.n) + s.have + s.control + s.saying + s.written
		if c.command {
			all++
			if s.once[1] == sendRests {
				left++
			}
		}
		if left != all {
			return "an octet is lost"
		}
		writers := s.jobs[0] + s.jobs[1] + s.move.writers()
		for _, at := range []place{s.sender[0] - sendWorks, s.sender[1] - sendWorks, s.writer[0] - writerWorks, s.writer[1] - writerWorks, s.once[0] - sendWorks, s.once[1] - sendWorks, s.once[2] - sendWorks} {
			if at < workPlaces && at != workLooksOut && at != workCounts && at != workRests {
				writers++
				if s.closed || !s.looped && s.move.departed {
					return "somebody writes what is closed"
				}
			}
		}
		if writers > 1 {
			return "two write at once"
		}
		return s.move.always()
	}
	m.atRest = c.atRest
	m.forget = func(s *flushState) {
		if s.writer[0] < writerWorks {
			s.looked = false
		}
	}
	return m
}

func (c flush) atRest(s *flushState) string {
	waits := s.n > 0 || s.have > 0 || s.control > 0 || s.saying > 0
	switch {
	case s.noMore || s.aborted:
		if s.carried > 0 || !s.closed && s.looped {
			return "the connection was given up and has not ended"
		}
		if c.moves {
			return s.move.over()
		}
		return ""
	case s.state == over:
		return "everything is said and the connection is not given up"
	case s.state == busy && s.writer[0] != writerWorks+workWrites && s.writer[0] != writerWorks+workSays:
		return "nobody writes, and nobody else will"
	case s.state == stuck && (s.watch != watched || s.space > 0):
		return "there is room to write, and nobody looks"
	case s.state == resting && waits:
		return "something waits to be written"
	case s.state == resting && s.ended:
		return "the application has closed its end, and there was no farewell"
	case s.state == resting && s.move.wanted && !s.move.moved:
		return "the connection was to move and has not"
	}
	return ""
}

const (
	writerRests place = iota
	writerWorks       // places of work
)

// writer is who writes what was handed over: the goroutine of a loop, or one that is
// there for the purpose.
func (c flush) writer(m *model[flushState], looped bool) {
	k, who, where := 0, "goroutine", "parked.handOver"
	if looped {
		k, who, where = 1, "writer", "writer.take"
	}
	a := m.actor(who, func(s *flushState) *place { return &s.writer[k] })
	a.at(writerRests, where, "is handed the connection", func(s *flushState) place {
		if s.jobs[k] == 0 {
			return blocked
		}
		s.jobs[k]--
		return writerWorks
	})
	c.works(a, writerWorks, looped, writerRests)
}

// reader is the reading side, and in a loop the wait for room.
func (c flush) reader(m *model[flushState]) {
	const (
		reads place = iota
		stops
		counts // flusher.endWriting
		ends
		gone
	)
	a := m.actor("reader", func(s *flushState) *place { return &s.reader })
	if c.aborts {
		m.happens("peer", "breaks the connection", func(s *flushState) bool {
			if s.aborted {
				return false
			}
			s.aborted, s.broken = true, true
			return true
		})
	}
	a.at(reads, "connection.waitFarewell", "has waited for the farewell", func(s *flushState) place {
		if !s.parting || s.aborted {
			return blocked
		}
		s.aborted, s.broken = true, true
		return reads
	})
	a.at(reads, "looped.end", "ends reading", func(s *flushState) place {
		if !s.aborted {
			return blocked
		}
		return stops
	})
	a.at(stops, "flusher.stopWriting", "stops writing", func(s *flushState) place {
		s.noMore = true
		if s.state == resting || s.state == stuck || c.is("who stops writing does not look who writes") {
			s.state = over
			return counts
		}
		return ends
	})
	a.at(counts, "flusher.endWriting", "counts writing off", func(s *flushState) place {
		c.through(s)
		return ends
	})
	a.at(ends, "connection.through", "counts reading off", func(s *flushState) place {
		c.through(s)
		return gone
	})

	if c.looped {
		c.looksOut(a, reads)
	}
}

// looksOut is the wait of a loop for room.
func (c flush) looksOut(a *actor[flushState], at place) {
	a.at(at, "looped.asked", "watches for room", func(s *flushState) place {
		if s.watch != watchAsked {
			return blocked
		}
		s.watch = watched
		return at
	})
	a.at(at, "flusher.unblock", "finds room", func(s *flushState) place {
		if s.watch != watched || s.space == 0 && !s.broken {
			return blocked
		}
		s.watch = notWatched
		if s.takes(stuck) {
			s.handOver()
		}
		return at
	})
}

func TestFlusher(t *testing.T) {
	for _, looped := range []bool{false, true} {
		name := map[bool]string{true: "a writer goes round", false: "a goroutine for the purpose"}[looped]
		t.Run(name, func(t *testing.T) {
			holds(t, []held{
				{always, "two send", flush{messages: [2]uint8{2, 2}, space: 3, looped: looped}.model()},
				{always, "a command as well", flush{messages: [2]uint8{2, 1}, space: 3, command: true, looped: looped}.model()},
				{usually, "the application closes its end", flush{
					messages: [2]uint8{2, 1}, space: 3, command: true, closes: true, looped: looped,
				}.model()},
				{usually, "the connection breaks", flush{
					messages: [2]uint8{2, 1}, space: 3, command: true, closes: true, aborts: true, looped: looped,
				}.model()},
				{deeply, "many messages, and all that may happen", flush{
					messages: [2]uint8{3, 3}, space: 5, command: true, closes: true, aborts: true, looped: looped,
				}.model()},
			})
		})
	}
}

func TestFaultsOfTheFlusherAreFound(t *testing.T) {
	fails(t, []flush{
		{messages: [2]uint8{1, 0}, space: 3, command: true, broken: "who leaves does not look whether it was asked for again"},
		{messages: [2]uint8{2, 1}, space: 3, looped: true, broken: "who writes once leaves the rest"},
		{messages: [2]uint8{2, 0}, space: 3, aborts: true, looped: true, broken: "who has to wait does not look whether reading has ended"},
		{messages: [2]uint8{2, 0}, space: 3, aborts: true, broken: "who stops writing does not look who writes"},
		{messages: [2]uint8{2, 0}, space: 3, looped: true, broken: "room is looked out for before it is waited for"},
		{messages: [2]uint8{2, 0}, space: 3, command: true, broken: "commands go out anywhere"},
	})
}
