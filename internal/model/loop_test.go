package model

import "testing"

// This is the goroutine of a loop: how it waits for descriptors and for what is posted
// at once, either parked in the Go runtime's poller (nested) or in Wait (blocking). Two
// connections are in the loop, the second of them at the mark until a consumer posts
// that there is room. A peer may hang up behind its last message: then a read that
// brings less than there is space for was not the last. Left out are tokens and writing.

// loopState is what they share.
type loopState struct {
	unsent, octets [2]uint8 // of each connection: to come, and there to be read
	fin, gone      [2]bool  // the peer has hung up; the loop has seen it
	interest       [2]bool
	turn           uint8 // the connection that is handed out first

	// The Go runtime's poller, of the descriptor of the Mux.
	edge     bool // it has changed, and the runtime has yet to hear of it
	ready    bool // it changed since the loop last asked
	deadline deadline
	bell     bool // Mux.Wake was called, and no Wait has seen it

	posted [2]bool // what each connection wants is in the list
	wants  [2]bool
	list   [2]bool // the list that the loop is going through
	asleep bool
	over   bool
	again  bool
	events [2]bool // that Wait has handed out
	ended  [2]bool // and those of them that say that no more will come
	found  uint8   // how many they were

	room   [2]uint8 // how often a consumer has yet to make room
	loop   place
	poster [2]place
	closer place
}

// loop is what varies.
type loop struct {
	messages [2]uint8 // for each connection
	most     uint8    // events that Wait hands out
	budget   uint8    // octets that are read in one round
	nested   bool
	hangsUp  bool // the peer of the first
	closes   bool
	broken   string
}

func (c loop) is(fault string) bool { return c.broken == fault }
func (c loop) fault() string        { return c.broken }

// Where the loop's goroutine stands.
const (
	loopBegins  place = iota
	loopPosts         // takes the list
	loopAsks          // goes through it
	loopChooses       // blocking: whether it may wait
	loopMayWait
	loopCannotWait
	loopAwake
	loopHappens
	loopRests
	loopNaps // a fault
	loopParks
	loopLifts
	loopOver
)

func (c loop) model() *model[loopState] {
	m := &model[loopState]{start: loopState{
		unsent: c.messages, interest: [2]bool{true, false}, room: [2]uint8{1, 2},
	}}
	for i := range 2 {
		m.happens("peer", []string{"sends to the first", "sends to the second"}[i], func(s *loopState) bool {
			if s.unsent[i] == 0 {
				return false
			}
			s.unsent[i]--
			s.octets[i]++
			s.edge = s.edge || s.interest[i] && c.nested
			return true
		})
		c.poster(m, i)
	}
	if c.hangsUp {
		m.happens("peer", "hangs up on the first", func(s *loopState) bool {
			if s.fin[0] || s.unsent[0] > 0 {
				return false
			}
			s.fin[0] = true
			s.edge = s.edge || s.interest[0] && c.nested
			return true
		})
	}
	c.closing(m)
	c.runtime(m)
	c.goroutine(m)
	m.atRest = func(s *loopState) string {
		if s.over {
			if s.loop != loopOver {
				return "the loop was closed and goes on"
			}
			return ""
		}
		for i := range 2 {
			switch {
			case s.posted[i] || s.wants[i]:
				return "something was posted and is not done"
			case s.readable(i):
				return "something can be read, and nobody looks"
			}
		}
		return ""
	}
	return m
}

// readable reports whether the Mux would hand out a connection.
func (s *loopState) readable(i int) bool { return s.interest[i] && (s.octets[i] > 0 || s.fin[i]) }

func (s *loopState) anyReady() bool { return s.readable(0) || s.readable(1) }

// pokes adds loop.rouse, in whose first half somebody does what do says.
func (c loop) pokes(a *actor[loopState], from place, where string, do func(*loopState), then place) {
	rouse := func(s *loopState) place {
		wake := s.asleep
		s.asleep = false
		if wake {
			return from + 2
		}
		return then
	}
	a.at(from, where, "lets the loop know, and looks whether it sleeps", func(s *loopState) place {
		if c.is("who posts looks first whether the loop sleeps") {
			if s.asleep {
				do(s)
				return rouse(s)
			}
			return from + 1
		}
		do(s)
		return rouse(s)
	})
	a.at(from+1, where, "lets the loop know only now", func(s *loopState) place {
		do(s)
		return then
	})
	what := "rings"
	if c.nested {
		what = "sets a past deadline"
	}
	a.at(from+2, "loop.rouse", what, func(s *loopState) place {
		if c.nested {
			s.deadline = past
		} else {
			s.bell = true
		}
		return then
	})
}

func (c loop) poster(m *model[loopState], i int) {
	a := m.actor([]string{"consumer 1", "consumer 2"}[i], func(s *loopState) *place { return &s.poster[i] })
	a.world(0, "makes room", func(s *loopState) place {
		if s.room[i] == 0 || s.over {
			return blocked
		}
		s.room[i]--
		return 1
	})
	c.pokes(a, 1, "loop.post", func(s *loopState) {
		s.posted[i] = s.posted[i] || !s.wants[i]
		s.wants[i] = true
	}, 0)
}

func (c loop) closing(m *model[loopState]) {
	if !c.closes {
		return
	}
	a := m.actor("context", func(s *loopState) *place { return &s.closer })
	a.world(0, "closes the loop, which no connection needs", func(s *loopState) place {
		if s.room[0]+s.room[1] > 0 || s.posted[0] || s.posted[1] || s.poster[0] != 0 || s.poster[1] != 0 {
			return blocked
		}
		return 1
	})
	c.pokes(a, 1, "loop.close", func(s *loopState) { s.over = true }, 9)
}

// runtime is the Go runtime's poller. What it hears late may have passed.
func (c loop) runtime(m *model[loopState]) {
	var here place
	m.actor("Go's poller", func(*loopState) *place { here = 0; return &here }).
		at(0, "loop.runNested", "hears that the Mux has changed", func(s *loopState) place {
			if !s.edge {
				return blocked
			}
			s.edge = false
			s.ready = s.ready || s.anyReady()
			return 0
		})
}

// goroutine is loop.run.
func (c loop) goroutine(m *model[loopState]) {
	l := m.actor("loop", func(s *loopState) *place { return &s.loop })
	l.at(loopBegins, "loop.runNested", "begins to look", func(s *loopState) place {
		if c.nested {
			if s.deadline == past {
				return loopLifts
			}
			s.ready = false
		}
		return loopPosts
	})
	l.at(loopPosts, "loop.posts", "takes what was posted", func(s *loopState) place {
		s.list, s.posted, s.asleep = s.posted, [2]bool{}, false
		if s.over {
			return loopOver
		}
		return loopAsks
	})
	l.at(loopAsks, "looped.asked", "does what was posted", func(s *loopState) place {
		for i := range s.list {
			if s.list[i] {
				s.list[i], s.wants[i] = false, false
				s.interest[i] = !s.gone[i]
				s.edge = s.edge || c.nested && s.readable(i)
				return loopAsks
			}
		}
		if c.nested {
			return loopCannotWait
		}
		return loopChooses
	})
	l.at(loopChooses, "loop.rest", "looks whether it may wait", func(s *loopState) place {
		if s.again || !c.rest(s) {
			return loopCannotWait
		}
		return loopMayWait
	})
	wait := func(s *loopState) place {
		s.bell, s.found = false, 0
		for k := range uint8(2) {
			if i := (s.turn + k) % 2; s.found < c.most && s.readable(int(i)) {
				s.events[i], s.ended[i] = true, s.fin[i]
				s.found++
				s.turn = 1 - i
			}
		}
		return loopAwake
	}
	l.at(loopCannotWait, "loop.round", "asks the Mux", wait)
	l.at(loopMayWait, "loop.round", "waits for the Mux", func(s *loopState) place {
		if !s.bell && !s.anyReady() {
			return blocked
		}
		return wait(s)
	})
	l.at(loopAwake, "loop.round", "is awake", func(s *loopState) place {
		s.asleep = false
		s.again = s.found == c.most && !c.is("a full list is not looked behind")
		return loopHappens
	})
	l.at(loopHappens, "looped.happened", "reads", func(s *loopState) place {
		for i := range s.events {
			if s.events[i] {
				c.read(s, i)
				return loopHappens
			}
		}
		if c.nested {
			return loopRests
		}
		return loopPosts
	})
	l.at(loopRests, "loop.rest", "looks whether it may park", func(s *loopState) place {
		switch {
		case s.again:
			return loopPosts
		case c.is("that the loop sleeps is noted after the last look"):
			if s.posted != [2]bool{} || s.over {
				return loopPosts
			}
			return loopNaps
		case !c.rest(s):
			return loopPosts
		case c.is("the deadline is lifted before parking"):
			return loopNaps
		}
		return loopParks
	})
	l.at(loopNaps, "loop.rest", "is about to park", func(s *loopState) place {
		s.asleep = true
		if c.is("the deadline is lifted before parking") {
			s.deadline = never
		}
		return loopParks
	})
	l.at(loopParks, "loop.runNested", "is woken in the poller", func(s *loopState) place {
		switch {
		case s.deadline == past:
			return loopLifts
		case !s.ready:
			return blocked
		}
		s.ready = false
		return loopPosts
	})
	l.at(loopLifts, "loop.runNested", "lifts the deadline", func(s *loopState) place {
		s.deadline = never
		return loopBegins
	})
}

// read is looped.happened and looped.read.
func (c loop) read(s *loopState, i int) {
	switch n := min(s.octets[i], c.budget); {
	case n == 0 && s.fin[i]:
		s.gone[i], s.interest[i] = true, false
	case n < s.octets[i]:
		s.octets[i] -= n
		s.again = s.again || !c.is("what the budget has left is not looked for")
	default:
		s.octets[i] = 0
		s.again = s.again || s.ended[i] && !c.is("what is behind the last message is not looked for")
	}
	s.events[i], s.ended[i] = false, false
}

// rest is loop.rest.
func (c loop) rest(s *loopState) bool {
	s.asleep = s.posted == [2]bool{} && !s.over
	return s.asleep
}

func TestLoop(t *testing.T) {
	for _, nested := range []bool{false, true} {
		name := map[bool]string{true: "nested", false: "blocking"}[nested]
		t.Run(name, func(t *testing.T) {
			holds(t, []held{
				{always, "both are served", loop{messages: [2]uint8{2, 2}, most: 2, budget: 2, nested: nested}.model()},
				{always, "one event at a time", loop{messages: [2]uint8{2, 2}, most: 1, budget: 2, nested: nested}.model()},
				{always, "a budget", loop{messages: [2]uint8{3, 2}, most: 2, budget: 1, nested: nested}.model()},
				{always, "a peer hangs up", loop{messages: [2]uint8{2, 1}, most: 2, budget: 2, nested: nested, hangsUp: true}.model()},
				{always, "the loop is closed", loop{messages: [2]uint8{3, 3}, most: 1, budget: 1, nested: nested, closes: true}.model()},
			})
		})
	}
}

func TestFaultsOfTheLoopAreFound(t *testing.T) {
	fails(t, []loop{
		{messages: [2]uint8{2, 2}, most: 1, budget: 2, nested: true, broken: "a full list is not looked behind"},
		{messages: [2]uint8{2, 2}, most: 2, budget: 1, nested: true, broken: "what the budget has left is not looked for"},
		{messages: [2]uint8{2, 0}, most: 2, budget: 2, nested: true, hangsUp: true, broken: "what is behind the last message is not looked for"},
		{messages: [2]uint8{1, 1}, most: 2, budget: 1, nested: true, broken: "that the loop sleeps is noted after the last look"},
		{messages: [2]uint8{1, 1}, most: 2, budget: 1, nested: true, broken: "the deadline is lifted before parking"},
		{messages: [2]uint8{1, 1}, most: 2, budget: 1, broken: "who posts looks first whether the loop sleeps"},
	})
}
