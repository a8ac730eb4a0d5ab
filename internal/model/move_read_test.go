package model

import "testing"

// This is the move of a connection from direct mode into a loop, as the reading side has
// it: whoever reads is to hear that the connection is to move, the background takes over
// and moves it, and what is announced meanwhile reaches the loop. Of writing there is only
// whether somebody does; the rest is in move_test.go.

// readMove is what the move adds to the reading side.
type readMove struct {
	wanted, moved, ended bool // of parked and mover
	busy, asked          bool // of flusher
	posted, room, told   bool // to the loop: wantStart, wantRoom, wantClose
	started              bool

	loop, sharer, writer place
}

// Where the background stands when it moves the connection.
const (
	backSettles = backMoves + 1
	backDeparts = backMoves + 2
	backPosts   = backMoves + 3 // from here on the loop reads
	backSays    = backMoves + 4 // a fault
	backGivesIn = backMoves + 5
	backLeaves  = backMoves + 6
	backStirs   = backMoves + 7 // two places
	backGone    = backMoves + 9
)

// moving adds who wants the connection to move, somebody who writes now and then, and
// what the background does.
func (c direct) moving(m *model[directState]) {
	stirs := func(a *actor[directState], where string, from, then place) {
		a.at(from, where, "sets stirred", func(s *directState) place {
			s.stirred = true
			return from + 1
		})
		a.at(from+1, where, "sets a past deadline", func(s *directState) place {
			s.deadline = past
			return then
		})
	}

	sharer := m.actor("another", func(s *directState) *place { return &s.move.sharer })
	sharer.world(0, "peer comes", func(s *directState) place {
		if s.move.wanted || s.move.moved {
			return blocked
		}
		return 1
	})
	sharer.at(1, "parked.share", "wants the connection to move", func(s *directState) place {
		s.move.wanted = true
		return 2
	})
	sharer.at(2, "turn.hurry", "has the background read", func(s *directState) place {
		s.urgent = true
		return 3
	})
	sharer.at(3, "turn.hurry", "wakes the background", func(s *directState) place {
		s.wake = true
		if c.is("who shares does not interrupt") {
			return 0
		}
		return 4
	})
	stirs(sharer, "parked.interrupt", 4, 0)

	c.mover(m)
	if c.silent {
		return
	}
	writer := m.actor("somebody", func(s *directState) *place { return &s.move.writer })
	writer.world(0, "writes", func(s *directState) place {
		if s.move.busy || s.move.moved || s.dead {
			return blocked
		}
		s.move.busy = true
		return 1
	})
	writer.at(1, "flusher.leave", "has written", func(s *directState) place {
		asked := s.move.asked
		s.move.busy, s.move.asked = false, false
		if asked && !c.is("who has written tells nobody") {
			return 2
		}
		return 0
	})
	stirs(writer, "parked.rested", 2, 0)
}

// mover adds parked.move.
func (c direct) mover(m *model[directState]) {
	early := c.is("the loop begins before it is said where the connection is")
	bg := m.actor("background", func(s *directState) *place { return &s.bg })
	bg.at(backMoves, "flusher.claim", "looks whether it is to move, and can", func(s *directState) place {
		switch {
		case !s.move.wanted:
			return backBegins
		case s.move.busy:
			s.move.asked = !c.is("who finds somebody writing does not ask to be told")
			return backBegins
		}
		s.move.busy = true
		return backSettles
	})
	bg.at(backSettles, "parked.settle", "finds no descriptor", func(*directState) place { return backGivesIn })
	bg.at(backSettles, "parked.settle", "says where it goes on, unless the connection is given up", func(s *directState) place {
		if s.move.ended {
			return backGivesIn
		}
		s.move.moved = !early
		return backDeparts
	})
	bg.at(backDeparts, "looped.depart", "closes the original descriptor", func(s *directState) place {
		s.shut = true
		return backPosts
	})
	bg.at(backPosts, "parked.move", "has the loop start", func(s *directState) place {
		s.move.posted = true
		if early {
			return backSays
		}
		return backLeaves
	})
	bg.at(backSays, "parked.settle", "says where it goes on only now", func(s *directState) place {
		s.move.moved = true
		return backLeaves
	})
	bg.at(backLeaves, "flusher.leave", "leaves writing", func(s *directState) place {
		s.move.busy = false
		return backGone
	})
	bg.at(backGivesIn, "parked.move", "cannot, and leaves writing", func(s *directState) place {
		s.move.wanted, s.move.busy = false, false
		return backBegins
	})
	m.actor("loop", func(s *directState) *place { return &s.move.loop }).
		at(loopWaits, "looped.asked", "starts", func(s *directState) place {
			if !s.move.posted || s.move.told {
				return blocked
			}
			s.move.posted, s.move.started = false, true
			return loopHandles
		})
}

func TestReadersOfAConnectionThatMoves(t *testing.T) {
	holds(t, []held{
		{always, "a message comes", direct{messages: 1, moves: true, alone: true}.model()},
		{usually, "the peer hangs up", direct{messages: 1, ends: true, moves: true, alone: true}.model()},
		{usually, "the mark is reached", direct{messages: 2, mark: 1, moves: true, alone: true}.model()},
		{usually, "more is held back", direct{messages: 3, mark: 1, moves: true, alone: true, silent: true}.model()},
		{usually, "the socket is closed", direct{messages: 1, closes: true, moves: true, alone: true, silent: true}.model()},
		{deeply, "two receive", direct{messages: 1, moves: true}.model()},
		{deeply, "the mark is reached when the socket is closed", direct{
			messages: 2, mark: 1, closes: true, moves: true, alone: true, silent: true,
		}.model()},
	})
}

func TestFaultsOfReadersOfAConnectionThatMovesAreFound(t *testing.T) {
	fails(t, []direct{
		{messages: 1, moves: true, alone: true, broken: "who shares does not interrupt"},
		{messages: 1, moves: true, alone: true, broken: "who leads does not look whether the connection is to move"},
		{messages: 1, moves: true, alone: true, broken: "who finds somebody writing does not ask to be told"},
		{messages: 1, moves: true, alone: true, broken: "who has written tells nobody"},
		{messages: 2, mark: 1, moves: true, alone: true, silent: true, broken: "the loop begins before it is said where the connection is"},
		{messages: 3, mark: 1, moves: true, alone: true, silent: true, broken: "room has the loop begin"},
	})
}
