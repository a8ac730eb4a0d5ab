package model

import (
	"flag"
	"testing"
)

var deep = flag.Bool("deep", false, "explore the largest models as well; it takes minutes")

// effort is when a model is explored.
type effort uint8

const (
	always  effort = iota
	usually        // but not with -short
	deeply         // with -deep alone
)

// explorable is a model of any state.
type explorable interface{ explore(most int) *report }

// held is a model in which nothing may be wrong.
type held struct {
	effort
	name string
	explorable
}

// mostStates is how many states an exploration may have, and raceStates how many are
// visited under the race detector, which finds nothing in one goroutine.
const (
	mostStates = 20e6
	raceStates = 5e3
)

func (e effort) skip(t *testing.T) {
	t.Helper()
	switch {
	case e == deeply && !*deep:
		t.Skip("without -deep")
	case e == usually && (testing.Short() || raceEnabled):
		t.Skip("in short runs")
	}
}

func holds(t *testing.T, all []held) {
	t.Helper()
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			h.skip(t)
			most := int(mostStates)
			if raceEnabled {
				most = raceStates
			}
			r := h.explore(most)
			if r.cut && raceEnabled {
				t.Skipf("visited %d states", r.states)
			}
			t.Logf("%d states, %d steps, %d ways to be at rest", r.states, r.steps, r.rests)
			if r.fault != "" {
				t.Error(r)
			}
		})
	}
}

// faulty is a model that a fault was planted in.
type faulty[S comparable] interface {
	fault() string
	model() *model[S]
}

// fails sees to it that planted faults are found, and that what is found is not there
// without them.
func fails[S comparable, F faulty[S]](t *testing.T, all []F) {
	t.Helper()
	for _, f := range all {
		t.Run(f.fault(), func(t *testing.T) {
			usually.skip(t)
			r := f.model().explore(mostStates)
			if r.fault == "" {
				t.Errorf("nothing was found in %d states", r.states)
			}
			t.Logf("after %d states: %s", r.states, r)
		})
	}
}
