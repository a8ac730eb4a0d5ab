package model

import (
	"slices"
	"strings"
	"testing"
)

// forks is two who eat with two forks, each of whom takes one after the other.
type forks struct {
	fork [2]bool
	pc   [2]place
}

// dining is a model of them; civil is whether the second takes them in the same order.
func dining(civil bool) *model[forks] {
	m := &model[forks]{atRest: func(s *forks) string {
		if s.pc != [2]place{} {
			return "they starve"
		}
		return ""
	}}
	for i := range 2 {
		a := m.actor([]string{"one", "two"}[i], func(s *forks) *place { return &s.pc[i] })
		first := i
		if civil {
			first = 0
		}
		take := func(k int, then place) func(*forks) place {
			return func(s *forks) place {
				if s.fork[k] {
					return blocked
				}
				s.fork[k] = true
				return then
			}
		}
		a.world(0, "is hungry", take(first, 1))
		a.at(1, "", "takes the other fork", take(1-first, 2))
		a.at(2, "", "eats", func(s *forks) place {
			s.fork = [2]bool{}
			return 0
		})
	}
	return m
}

func TestADeadlockIsFoundAndTheWayThereIsTheShortest(t *testing.T) {
	r := dining(false).explore(100)
	if r.fault != "they starve" || len(r.trace) != 2 || !strings.Contains(r.trace[1], "two") {
		t.Errorf("found %s", r)
	}
	if r := dining(true).explore(100); r.fault != "" || r.states != 5 {
		t.Errorf("in %d states was found: %s", r.states, r)
	}
}

// A counter goes up to a number and stays there, or goes round.
func counter(most uint8, round bool) *model[[2]uint8] {
	m := &model[[2]uint8]{atRest: func(*[2]uint8) string { return "" }}
	var here place
	a := m.actor("counter", func(*[2]uint8) *place { here = 0; return &here })
	a.at(0, "", "counts", func(s *[2]uint8) place {
		switch {
		case s[0] < most:
			s[0]++
		case round:
			s[0] = most / 2
		default:
			return blocked
		}
		return 0
	})
	return m
}

func TestEveryStateIsVisitedOnce(t *testing.T) {
	for _, most := range []uint8{0, 1, 200} {
		r := counter(most, false).explore(1000)
		if r.fault != "" || r.states != int(most)+1 || r.steps != int(most) || r.rests != 1 {
			t.Errorf("up to %d: %+v", most, r)
		}
	}
}

func TestGoingRoundForEverIsFound(t *testing.T) {
	r := counter(6, true).explore(1000)
	if r.fault != "nobody ever comes to rest" || !slices.Contains(r.trace, "and then, for example:") {
		t.Errorf("found %s", r)
	}
}

func TestAStateThatMustNotBeIsFound(t *testing.T) {
	m := counter(9, false)
	m.always = func(s *[2]uint8) string {
		if s[0] == 5 {
			return "five"
		}
		return ""
	}
	if r := m.explore(1000); r.fault != "five" || len(r.trace) != 5 {
		t.Errorf("found %s", r)
	}
}

func TestTooManyStatesAreAFault(t *testing.T) {
	if r := counter(100, false).explore(50); !strings.HasPrefix(r.fault, "more than 50") {
		t.Errorf("found %s", r)
	}
}

// Nothing may depend on what the world does: who can only go on when it does is at
// rest.
func TestTheWorldOwesNothing(t *testing.T) {
	m := dining(true)
	m.atRest = func(s *forks) string {
		if s.fork[0] {
			return "a fork is held"
		}
		return ""
	}
	m.actors[0].program[1][0].world = true
	if r := m.explore(100); r.fault != "a fork is held" || len(r.trace) != 1 {
		t.Errorf("found %s", r)
	}
}
