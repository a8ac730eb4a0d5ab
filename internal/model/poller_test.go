package model

import "testing"

// This is a poller: two sockets and a descriptor, somebody who waits for them, and
// whoever has a reason to make him look up. The queue of each socket has one reader, the
// socket itself, and is a number of messages.

// pollQueue is a socket as its poller sees it.
type pollQueue struct {
	n       uint8 // messages in the queue of its pipe
	idle    bool  // queue.idle: the reader found nothing, and is to be told
	listed  bool  // the pipe is in side.ends
	turns   bool  // the pipe is in the rotation
	watched bool  // the poller is in side.watchers
	mark    bool  // watch.mark: there is word of it
	ended   bool  // watch.ended
	near    bool  // in Poller.near
	gone    bool  // watch.gone

	yet    uint8 // messages that the peer may send yet
	heard  bool  // the peer has read side.watchers with the poller in it
	peer   place
	waking pollWaking // what the peer has to do yet as marks.wake
}

// pollWaking is what marks.wake has read, of whom it wakes.
type pollWaking uint8

const (
	wakesNobody pollWaking = iota
	wakesBell
	wakesFiles
)

type pollState struct {
	sockets [2]pollQueue
	file    bool // the descriptor is readable

	mu bool // Poller.mu is held while something is done under it by steps

	asleep bool // marks.asleep
	atFile bool // marks.at: files
	roused bool // marks.roused
	bell   bool // marks.bell holds a signal

	turn   uint8 // who has the turn, by number from one
	queue  bool  // Poller.queue
	nudged bool  // Poller.nudged

	ends     bool         // the context of the call is over
	late     bool         // the time of the call has come
	due      pollDeadline // of files.nest
	edge     bool         // the Go runtime has seen the descriptor of the Mux become ready
	woken    bool         // mux.woken
	armed    bool         // files.armed, all of it
	watching bool         // the end of the context calls files.waking
	found    bool         // files.found
	have     bool         // the look has found the descriptor ready
	ready    bool         // the look has found something

	caller, second, context, nudger, hurrier, changer place
	wakes                                             [4]pollWaking // what these have to do yet as marks.wake
	nudges, hurries, changes                          uint8         // how often they may come yet
}

// pollDeadline is the one for reading that an os.File has.
type pollDeadline uint8

const (
	noDeadline pollDeadline = iota
	atUntil
	longAgo
)

// poll is what varies.
type poll struct {
	messages [2]uint8
	files    bool // there is a descriptor
	blocks   bool // a wait holds a thread: the Mux has no descriptor of its own
	ends     bool // the context of a call may end
	times    bool // calls have a time
	two      bool // there is a second caller
	nudges   uint8
	hurries  uint8
	removes  bool // socket 0 is taken off
	adds     bool // socket 1 comes later
	broken   string
}

func (c poll) is(fault string) bool { return c.broken == fault }
func (c poll) fault() string        { return c.broken }

// Those who wake have a number in pollState.wakes.
const (
	byNudger = iota
	byHurrier
	byContext
	byChanger
)

// wake is marks.wake up to the release of marks.mu.
func (s *pollState) wake() pollWaking {
	asleep := s.asleep
	s.asleep = false
	switch {
	case !asleep:
		return wakesNobody
	case s.atFile:
		return wakesFiles
	}
	return wakesBell
}

// stir is the rest of marks.wake.
func (c poll) stir(s *pollState, w pollWaking) {
	switch {
	case w == wakesBell:
		s.bell = true
	case w == wakesFiles && c.blocks:
		s.woken = true
	case w == wakesFiles:
		s.due = longAgo
	}
}

// rouse is marks.rouse up to the release of marks.mu.
func (c poll) rouse(s *pollState) pollWaking {
	if !c.is("who rouses somebody who is awake leaves no word") {
		s.roused = !s.asleep
	}
	return s.wake()
}

// notice is marks.notice up to the release of marks.mu.
func (c poll) notice(s *pollState, q *pollQueue) pollWaking {
	if q.ended && !c.is("word of what is gone is kept") {
		return wakesNobody
	}
	q.mark = true
	return s.wake()
}

func (c poll) model() *model[pollState] {
	m := &model[pollState]{}
	m.start.turn, m.start.nudges, m.start.hurries = 0, c.nudges, c.hurries
	for i := range m.start.sockets {
		q := &m.start.sockets[i]
		q.yet, q.idle = c.messages[i], true
		if !c.adds || i == 0 {
			q.watched, q.mark = true, true
		} else {
			q.ended = true // there is no watch of it
		}
	}
	if c.removes || c.adds {
		m.start.changes = 1
	}
	for i := range m.start.sockets {
		c.peer(m, i)
	}
	c.caller(m.actor("caller", func(s *pollState) *place { return &s.caller }), 1)
	if c.two {
		c.caller(m.actor("second caller", func(s *pollState) *place { return &s.second }), 2)
	}
	c.world(m)
	c.rousers(m)
	c.changer(m)
	m.always = c.always
	m.atRest = c.atRest
	m.forget = func(s *pollState) {
		if !s.asleep {
			s.atFile = false
		}
	}
	return m
}

// peer adds who sends to a socket.
func (c poll) peer(m *model[pollState], i int) {
	name := []string{"peer 1", "peer 2"}[i]
	const (
		home place = iota
		list
		hear
		tell
		push
	)
	a := m.actor(name, func(s *pollState) *place { return &s.sockets[i].peer })
	a.world(home, "a message comes", func(s *pollState) place {
		q := &s.sockets[i]
		if q.yet == 0 {
			return blocked
		}
		q.yet--
		q.n++
		if !q.idle {
			return home
		}
		q.idle = false
		if c.is("pollers hear of a pipe before it is on the list") {
			return hear
		}
		return list
	})
	a.at(list, "side.announce", "the pipe is on the list", func(s *pollState) place {
		q := &s.sockets[i]
		q.listed, q.heard = true, q.watched
		if c.is("pollers hear of a pipe before it is on the list") {
			return home
		}
		return tell
	})
	a.at(hear, "side.announce", "reads who is to be told", func(s *pollState) place {
		s.sockets[i].heard = s.sockets[i].watched
		return tell
	})
	a.at(tell, "marks.notice", "leaves word", func(s *pollState) place {
		q := &s.sockets[i]
		if !q.heard {
			return home
		}
		q.heard = false
		if c.is("nobody is woken by word of a socket") {
			q.mark = true
			return home
		}
		q.waking = c.notice(s, q)
		return push
	})
	a.at(push, "marks.wake", "wakes who sleeps", func(s *pollState) place {
		q := &s.sockets[i]
		c.stir(s, q.waking)
		q.waking = wakesNobody
		if c.is("pollers hear of a pipe before it is on the list") {
			return list
		}
		return home
	})
}

// world adds the descriptor, the time and the end of the context.
func (c poll) world(m *model[pollState]) {
	if c.files {
		m.happens("descriptor", "becomes readable", func(s *pollState) bool {
			if s.file {
				return false
			}
			s.file, s.edge = true, true
			return true
		})
	}
	if c.times {
		m.happens("clock", "the time of the call has come", func(s *pollState) bool {
			if s.late || s.caller == pollHome {
				return false
			}
			s.late = true
			if s.due == atUntil {
				s.due = longAgo
			}
			return true
		})
	}
	if !c.ends {
		return
	}
	// The goroutine of context.AfterFunc.
	a := m.actor("context", func(s *pollState) *place { return &s.context })
	a.world(0, "the context of the call ends", func(s *pollState) place {
		if s.ends || s.caller == pollHome {
			return blocked
		}
		s.ends = true
		return 1
	})
	a.at(1, "marks.rouse", "looks up who waits for descriptors", func(s *pollState) place {
		if s.caller == pollHome { // and is not called any more
			return 0
		}
		if !s.watching {
			return blocked
		}
		if c.is("the end of a context stirs and leaves no word") {
			s.wakes[byContext] = wakesFiles
		} else {
			s.wakes[byContext] = c.rouse(s)
		}
		s.watching = false
		return 2
	})
	a.at(2, "marks.wake", "wakes who sleeps", func(s *pollState) place {
		c.stir(s, s.wakes[byContext])
		s.wakes[byContext] = wakesNobody
		return 0
	})
}

// rousers add who wants the wait to return, and who wants the turn.
func (c poll) rousers(m *model[pollState]) {
	a := m.actor("nudger", func(s *pollState) *place { return &s.nudger })
	a.world(0, "is about to nudge", func(s *pollState) place {
		if s.nudges == 0 {
			return blocked
		}
		s.nudges--
		return 1
	})
	a.at(1, "Poller.nudge", "says so", func(s *pollState) place {
		s.nudged = true
		return 2
	})
	a.at(2, "marks.rouse", "rouses", func(s *pollState) place {
		s.wakes[byNudger] = c.rouse(s)
		return 3
	})
	a.at(3, "marks.wake", "wakes who sleeps", func(s *pollState) place {
		c.stir(s, s.wakes[byNudger])
		s.wakes[byNudger] = wakesNobody
		return 0
	})

	a = m.actor("who tries", func(s *pollState) *place { return &s.hurrier })
	a.world(0, "is about to look without waiting", func(s *pollState) place {
		if s.hurries == 0 {
			return blocked
		}
		s.hurries--
		return 1
	})
	a.at(1, "Poller.hurry", "takes the turn, if it is free", func(s *pollState) place {
		if s.turn == 0 {
			s.turn = 3
			return 5
		}
		return 2
	})
	a.at(2, "Poller.hurry", "says that it wants the turn", func(s *pollState) place {
		s.queue = !c.is("who wants the turn does not say so")
		return 3
	})
	a.at(3, "marks.rouse", "rouses", func(s *pollState) place {
		s.wakes[byHurrier] = c.rouse(s)
		return 4
	})
	a.at(4, "marks.wake", "wakes who sleeps", func(s *pollState) place {
		c.stir(s, s.wakes[byHurrier])
		s.wakes[byHurrier] = wakesNobody
		return 9
	})
	a.at(9, "Poller.hurry", "gets the turn", func(s *pollState) place {
		if s.turn != 0 {
			return blocked
		}
		s.turn, s.queue = 3, false
		return 5
	})
	c.looks(a, 5, func(s *pollState) place {
		s.turn = 0
		return 0
	})
}

// changer adds who takes socket 0 off, or adds socket 1.
func (c poll) changer(m *model[pollState]) {
	a := m.actor("who changes it", func(s *pollState) *place { return &s.changer })
	a.world(0, "is about to", func(s *pollState) place {
		if s.changes == 0 {
			return blocked
		}
		s.changes--
		if c.adds {
			return 4
		}
		return 1
	})
	a.at(1, "Poller.forget", "socket 1 is gone", func(s *pollState) place {
		if s.mu {
			return blocked
		}
		s.mu = true
		s.sockets[0].gone, s.sockets[0].watched = true, false
		return 2
	})
	a.at(2, "marks.forget", "takes back what there is word of", func(s *pollState) place {
		s.sockets[0].ended = true
		if !c.is("what there is word of is not taken back") {
			s.sockets[0].mark = false
		}
		s.mu = false
		return 0
	})
	a.at(4, "Poller.listen", "socket 2 tells the poller", func(s *pollState) place {
		if s.mu {
			return blocked
		}
		s.mu = true
		s.sockets[1].watched, s.sockets[1].ended = true, false
		return 5
	})
	a.at(5, "marks.notice", "leaves word of it", func(s *pollState) place {
		if !c.is("nobody looks at a socket that is added") {
			s.wakes[byChanger] = c.notice(s, &s.sockets[1])
		}
		return 6
	})
	a.at(6, "marks.wake", "wakes who sleeps", func(s *pollState) place {
		c.stir(s, s.wakes[byChanger])
		s.wakes[byChanger], s.mu = wakesNobody, false
		return 0
	})
}

func (c poll) always(s *pollState) string {
	for i := range s.sockets {
		if q := &s.sockets[i]; q.mark && q.ended && (i == 0 || !c.adds) {
			return "there is word of what is gone"
		}
	}
	return ""
}

func (c poll) atRest(s *pollState) string {
	for p, who := range map[*place]string{&s.nudger: "nudges", &s.hurrier: "wants the turn", &s.changer: "changes it"} {
		if *p != 0 {
			return "somebody who " + who + " is held up"
		}
	}
	at := s.caller
	if c.two && s.turn == 2 {
		at = s.second
	}
	if at != pollBell && at != pollParked && at != pollBlocked {
		if at == pollTurn {
			return "nobody has the turn, or somebody who does not wait"
		}
		return ""
	}
	for i := range s.sockets {
		if q := &s.sockets[i]; q.n > 0 && !q.gone && (i == 0 || !c.adds || q.watched) {
			return "a message has come, and who waits for it sleeps"
		}
	}
	mine := at == s.caller && s.turn == 1
	switch {
	case s.file && at != pollBell:
		return "the descriptor is readable, and who waits for it sleeps"
	case mine && s.ends:
		return "the context is over, and the call sleeps"
	case mine && s.late:
		return "the time has come, and the call sleeps"
	case s.nudged:
		return "somebody was nudged, and sleeps"
	}
	return ""
}

func TestPoller(t *testing.T) {
	holds(t, []held{
		{always, "two sockets", poll{messages: [2]uint8{2, 2}}.model()},
		{always, "a socket and a descriptor", poll{messages: [2]uint8{2, 0}, files: true}.model()},
		{always, "a descriptor, and a wait holds a thread", poll{messages: [2]uint8{1, 0}, files: true, blocks: true, ends: true}.model()},
		{usually, "all that ends a wait for sockets", poll{messages: [2]uint8{1, 0}, ends: true, times: true, nudges: 1, hurries: 1}.model()},
		{usually, "context and time end a wait for descriptors", poll{messages: [2]uint8{1, 0}, files: true, ends: true, times: true}.model()},
		{usually, "others end a wait for descriptors", poll{files: true, nudges: 1, hurries: 1}.model()},
		{usually, "context and time end a wait that holds a thread", poll{messages: [2]uint8{1, 0}, files: true, blocks: true, ends: true, times: true}.model()},
		{usually, "others end a wait that holds a thread", poll{files: true, blocks: true, nudges: 1, hurries: 1}.model()},
		{usually, "two wait for sockets", poll{messages: [2]uint8{2, 1}, two: true, hurries: 1}.model()},
		{usually, "a socket goes", poll{messages: [2]uint8{2, 1}, removes: true}.model()},
		{usually, "a socket comes", poll{messages: [2]uint8{1, 2}, adds: true}.model()},
		{usually, "a socket comes beside a descriptor", poll{messages: [2]uint8{1, 2}, adds: true, files: true}.model()},
		{deeply, "all that ends a wait for descriptors", poll{messages: [2]uint8{1, 0}, files: true, ends: true, times: true, nudges: 1, hurries: 1}.model()},
		{deeply, "all that ends a wait that holds a thread", poll{messages: [2]uint8{1, 0}, files: true, blocks: true, ends: true, times: true, nudges: 1, hurries: 1}.model()},
	})
}

func TestFaultsOfThePollerAreFound(t *testing.T) {
	one, two := [2]uint8{1, 0}, [2]uint8{2, 0}
	fails(t, []poll{
		{messages: two, broken: "a mark is taken down after the socket was asked"},
		{messages: two, broken: "who is about to sleep does not look for word"},
		{messages: two, broken: "who asks and finds nothing is not told of the next message"},
		{messages: two, broken: "a socket that was found ready is looked at no more"},
		{messages: two, broken: "nobody is woken by word of a socket"},
		{messages: one, broken: "pollers hear of a pipe before it is on the list"},
		{messages: one, broken: "that somebody sleeps is noted after he has looked for word"},
		{messages: one, files: true, broken: "the deadline is lifted after the look"},
		{messages: one, files: true, blocks: true, ends: true, broken: "the end of a context stirs and leaves no word"},
		{nudges: 1, broken: "who rouses somebody who is awake leaves no word"},
		{hurries: 1, broken: "who wants the turn does not say so"},
		{messages: one, removes: true, broken: "word of what is gone is kept"},
		{messages: one, removes: true, broken: "what there is word of is not taken back"},
		{messages: [2]uint8{0, 1}, adds: true, broken: "nobody looks at a socket that is added"},
	})
}
