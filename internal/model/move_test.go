package model

import "testing"

// This is the move of a connection from direct mode into a loop, as the sending side has
// it: the background reads, and moves the connection when nobody writes; somebody gives
// the connection up meanwhile. What the reading side has of it is in move_read_test.go.

// moveState is what the move adds to the sending side.
type moveState struct {
	// parked, mover and flusher
	wanted, moved, ended bool
	asked                bool  // a claim has found somebody who writes
	past                 bool  // the read deadline
	given                uint8 // connection.once: 1 under way, 2 done

	// The descriptors: the original, which departs or is closed, and that of the loop.
	shut, departed bool
	other          descriptor
	wrong          string

	started, told bool // posted to the loop: wantStart, wantClose

	background, loop, sharer, kicker, timer place
}

// descriptor is how one stands.
type descriptor uint8

const (
	notMade descriptor = iota
	open
	ended
)

// close closes the descriptor of the loop.
func (v *moveState) close() {
	if v.other != open {
		v.wrong = "a descriptor is closed that is not open"
	}
	v.other = ended
}

// through is what follows the second call of connection.through: over, of the sink that
// there is.
func (v *moveState) through(looped bool) {
	if looped {
		v.close()
	}
}

// rests reports whether flusher.leave calls rested. The state is resting.
func (v *moveState) rests(c flush) bool {
	asked := v.asked
	v.asked = false
	return asked && !c.is("who has written tells nobody")
}

// writers is how many of them the background is.
func (v *moveState) writers() uint8 {
	if moveSettles <= v.background && v.background <= moveLeaves {
		return 1
	}
	return 0
}

func (v *moveState) always() string {
	switch {
	case v.wrong != "":
		return v.wrong
	case v.departed && v.background <= moveAwaits:
		return "the background reads what has departed"
	case v.background <= moveAwaits && v.loop != loopIdle, v.background <= movePosts && loopIdle < v.loop && v.loop < loopStops:
		return "two read at once"
	}
	return ""
}

// over says what is wrong with a connection that has ended.
func (v *moveState) over() string {
	switch {
	case !v.shut:
		return "the connection has ended and its descriptor is open"
	case v.other == open:
		return "the connection has ended and the descriptor of the loop is open"
	}
	return ""
}

// Where the loop stands.
const (
	loopIdle   place            = iota
	loopAborts                  // four places
	loopStops  = loopAborts + 4 // three places
	loopGone   = loopStops + 3
)

// moving adds whoever takes part in the move, and in the end of the connection.
func (c flush) moving(m *model[flushState]) {
	sharer := m.actor("another", func(s *flushState) *place { return &s.move.sharer })
	sharer.world(0, "peer comes", func(s *flushState) place {
		if s.move.wanted || s.move.moved {
			return blocked
		}
		return 1
	})
	sharer.at(1, "parked.share", "wants the connection moved", func(s *flushState) place {
		if s.move.moved {
			return 0
		}
		s.move.wanted = true
		return 2
	})
	sharer.at(2, "parked.interrupt", "sets a past deadline", func(s *flushState) place {
		s.move.past = s.move.past || !c.is("who shares does not interrupt")
		return 0
	})
	if c.aborts {
		m.happens("peer", "breaks the connection", func(s *flushState) bool {
			before := s.broken
			s.broken = true
			return !before
		})
		kicker := m.actor("application", func(s *flushState) *place { return &s.move.kicker })
		kicker.world(0, "gives the connection up", func(s *flushState) place {
			if s.move.given > 0 {
				return blocked
			}
			return 1
		})
		c.givesUp(kicker, 1, 5)
	}
	timer := m.actor("timer", func(s *flushState) *place { return &s.move.timer })
	timer.at(0, "connection.waitFarewell", "has waited for the farewell", func(s *flushState) place {
		if !s.parting || s.move.given > 0 {
			return blocked
		}
		return 1
	})
	c.givesUp(timer, 1, 5)
	c.mover(m)
	c.ownLoop(m)
}

func TestTheMove(t *testing.T) {
	two := [2]uint8{1, 1}
	holds(t, []held{
		{always, "two send", flush{messages: two, space: 1, moves: true}.model()},
		{always, "the connection ends", flush{messages: [2]uint8{1, 0}, space: 1, aborts: true, moves: true}.model()},
		{usually, "there is no descriptor", flush{messages: two, space: 1, command: true, scarce: true, moves: true}.model()},
		{usually, "the application closes its end", flush{
			messages: [2]uint8{1, 0}, space: 1, command: true, closes: true, scarce: true, moves: true,
		}.model()},
		{usually, "two send and the connection ends", flush{messages: two, space: 1, aborts: true, moves: true}.model()},
		{usually, "all that may happen", flush{
			messages: [2]uint8{1, 0}, space: 1, closes: true, aborts: true, scarce: true, moves: true,
		}.model()},
		{deeply, "a command as well, and all that may happen", flush{
			messages: [2]uint8{1, 0}, space: 1, command: true, closes: true, aborts: true, scarce: true, moves: true,
		}.model()},
		{deeply, "two send, and the application closes its end", flush{
			messages: two, space: 3, command: true, closes: true, moves: true,
		}.model()},
	})
}

func TestFaultsOfTheMoveAreFound(t *testing.T) {
	one := [2]uint8{1, 0}
	fails(t, []flush{
		{messages: one, space: 1, moves: true, broken: "who shares does not interrupt"},
		{messages: one, space: 1, moves: true, broken: "who finds somebody writing does not ask to be told"},
		{messages: one, space: 1, moves: true, broken: "who has written tells nobody"},
		{messages: one, space: 1, moves: true, broken: "the move does not look who writes"},
		{messages: one, space: 1, moves: true, broken: "who has moved does not look whether it was asked for"},
		{messages: one, space: 1, moves: true, broken: "writing is left before the loop is to write"},
		{
			messages: one, space: 1, moves: true, aborts: true,
			broken: "the original is closed before it is said where the connection goes on",
		},
		{messages: one, space: 1, moves: true, aborts: true, broken: "the move does not look whether the connection is given up"},
		{messages: one, space: 1, moves: true, aborts: true, broken: "who gives up does not look whether the connection has moved"},
	})
}
