// Package model holds small models of how the library sleeps and wakes, and explores
// each of them exhaustively: every order in which a few goroutines can take their
// steps. docs/model.md tells what is modelled and what was found to hold. All of it is
// tests:
//
//	go test -v ./internal/model
//
// A model is a set of actors that share a state. A step is what one of them does at a
// stroke: a section under one lock, one access to an atomic, one operation on a channel,
// one system call. Each names the function that it stands for, and a test sees to it
// that the function exists.
package model

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// A place is where an actor stands in its program.
type place uint8

// blocked is what a step returns that cannot be taken now.
const blocked place = 255

// A step is one thing that can happen.
type step[S comparable] struct {
	who, where, what string
	// world says that it comes from outside, a peer or an application: it may happen
	// at any time, and nothing may depend on its ever happening.
	world bool
	// do changes s and returns where it leads, or blocked; then what it has changed is
	// thrown away.
	do func(s *S) place
}

// An actor is a goroutine of a model: a program of steps, by the place where each is
// taken. Of several at one place any may be taken.
type actor[S comparable] struct {
	who     string
	pc      func(*S) *place
	program [][]step[S]
}

// A model is what is explored.
type model[S comparable] struct {
	start  S
	actors []*actor[S]
	// always says what is wrong with a state, and atRest what is wrong with one in
	// which nobody but the world can take a step; "" for nothing.
	always func(*S) string
	atRest func(*S) string
	// forget gives everything that nobody will look at before it is written a value
	// that is always the same, so that there are fewer states; nil: nothing.
	forget func(*S)
}

// actor adds an actor that stands where pc says.
func (m *model[S]) actor(who string, pc func(*S) *place) *actor[S] {
	a := &actor[S]{who: who, pc: pc}
	m.actors = append(m.actors, a)
	return a
}

// at adds a step from a place, which stands for the function where.
func (a *actor[S]) at(from place, where, what string, do func(s *S) place) {
	a.add(from, step[S]{a.who, where, what, false, do})
}

// world adds a step that comes from outside.
func (a *actor[S]) world(from place, what string, do func(s *S) place) {
	a.add(from, step[S]{a.who, "", what, true, do})
}

func (a *actor[S]) add(from place, st step[S]) {
	for int(from) >= len(a.program) {
		a.program = append(a.program, nil)
	}
	a.program[from] = append(a.program[from], st)
}

// happens adds something that may come from outside wherever anybody stands.
func (m *model[S]) happens(who, what string, do func(s *S) bool) {
	var nowhere place
	m.actor(who, func(*S) *place { nowhere = 0; return &nowhere }).world(0, what, func(s *S) place {
		if do(s) {
			return 0
		}
		return blocked
	})
}

// A report is what an exploration has found.
type report struct {
	states, steps, rests int
	cut                  bool   // there were more states than it was to visit
	fault                string // "" for none: what is wrong
	trace                []string
	last                 string // the state that is wrong
}

func (r *report) String() string {
	return fmt.Sprintf("%s\n%s\n%s", r.fault, strings.Join(r.trace, "\n"), r.last)
}

// An explorer goes through the states of a model.
type explorer[S comparable] struct {
	*model[S]
	states []S
	table  []int32 // numbers of states plus one by their hash; zero is free
	seed   maphash.Seed
	from   []int32    // the state in which each was first met
	by     []*step[S] // and the step that led there
	moves  [][2]int32 // steps that are not the world's
	rests  []int32
	steps  int
}

// explore goes through all states that can be reached, breadth first, so that the way
// to a fault is as short as can be. It stops at the first state that is wrong. Then it
// makes sure that from each state the actors can come to rest if the world leaves them
// alone: nothing is waited for that will not come, and nobody goes round for ever.
func (m *model[S]) explore(most int) *report {
	e := &explorer[S]{model: m, table: make([]int32, 1<<12), seed: maphash.MakeSeed()}
	e.meet(m.start, -1, nil)
	for i := 0; i < len(e.states); i++ {
		s := e.states[i]
		if m.always != nil {
			if fault := m.always(&s); fault != "" {
				return e.report(int32(i), fault)
			}
		}
		if len(e.states) > most {
			r := e.report(0, fmt.Sprintf("more than %d states", most))
			r.cut = true
			return r
		}
		if !e.visit(int32(i)) {
			e.rests = append(e.rests, int32(i))
			if fault := m.atRest(&s); fault != "" {
				return e.report(int32(i), fault)
			}
		}
	}
	if i := e.restless(); i >= 0 {
		return e.restlessReport(i)
	}
	return e.report(0, "")
}

// meet enters a state and returns its number.
func (e *explorer[S]) meet(s S, from int32, by *step[S]) int32 {
	if e.forget != nil {
		e.forget(&s)
	}
	if 2*len(e.states) > len(e.table) {
		e.table = make([]int32, 4*len(e.table))
		for i := range e.states {
			e.table[e.slot(&e.states[i])] = int32(i) + 1
		}
	}
	k := e.slot(&s)
	if i := e.table[k]; i > 0 {
		return i - 1
	}
	e.states = append(e.states, s)
	e.from = append(e.from, from)
	e.by = append(e.by, by)
	e.table[k] = int32(len(e.states))
	return int32(len(e.states)) - 1
}

// slot returns where in the table a state is, or would be.
func (e *explorer[S]) slot(s *S) int {
	mask := len(e.table) - 1
	for k := int(maphash.Comparable(e.seed, *s)) & mask; ; k = (k + 1) & mask {
		if i := e.table[k]; i == 0 || e.states[i-1] == *s {
			return k
		}
	}
}

// each calls f for every step that can be taken in a state, with what it leads to.
func (m *model[S]) each(s *S, f func(st *step[S], next S)) {
	for _, a := range m.actors {
		at := *a.pc(s)
		if int(at) >= len(a.program) {
			continue
		}
		for k := range a.program[at] {
			st := &a.program[at][k]
			next := *s
			if to := st.do(&next); to != blocked {
				*a.pc(&next) = to
				f(st, next)
			}
		}
	}
}

// visit takes every step that can be taken in a state, and reports whether one of them
// is not the world's.
func (e *explorer[S]) visit(i int32) (lively bool) {
	s := e.states[i]
	e.each(&s, func(st *step[S], next S) {
		e.steps++
		to := e.meet(next, i, st)
		if !st.world {
			lively = true
			e.moves = append(e.moves, [2]int32{i, to})
		}
	})
	return lively
}

// restless returns the first state from which the actors alone never come to rest, or
// -1.
func (e *explorer[S]) restless() int32 {
	// The moves that lead to each state, in one slice: those to state i begin at at[i].
	at := make([]int32, len(e.states)+1)
	for _, m := range e.moves {
		at[m[1]+1]++
	}
	for i := range e.states {
		at[i+1] += at[i]
	}
	back := make([]int32, len(e.moves))
	next := append([]int32(nil), at...)
	for _, m := range e.moves {
		back[next[m[1]]] = m[0]
		next[m[1]]++
	}
	good := make([]bool, len(e.states))
	found := append([]int32(nil), e.rests...)
	for _, i := range found {
		good[i] = true
	}
	for len(found) > 0 {
		i := found[len(found)-1]
		found = found[:len(found)-1]
		for _, j := range back[at[i]:at[i+1]] {
			if !good[j] {
				good[j] = true
				found = append(found, j)
			}
		}
	}
	for i := range good {
		if !good[i] {
			return int32(i)
		}
	}
	return -1
}

func (e *explorer[S]) report(i int32, fault string) *report {
	r := &report{states: len(e.states), steps: e.steps, rests: len(e.rests), fault: fault}
	if fault == "" {
		return r
	}
	for ; e.from[i] >= 0; i = e.from[i] {
		if r.last == "" {
			r.last = fmt.Sprintf("%+v", e.states[i])
		}
		r.trace = append(r.trace, e.by[i].String())
	}
	slices.Reverse(r.trace)
	return r
}

// restlessReport shows the way to a state and how it goes on from there.
func (e *explorer[S]) restlessReport(i int32) *report {
	r := e.report(i, "nobody ever comes to rest")
	r.trace = append(r.trace, "and then, for example:")
	s := e.states[i]
	for seen := map[S]bool{}; !seen[s]; {
		seen[s] = true
		var by *step[S]
		var after S
		e.each(&s, func(st *step[S], next S) {
			if !st.world && by == nil {
				by, after = st, next
			}
		})
		r.trace = append(r.trace, by.String())
		s = after
		if e.forget != nil {
			e.forget(&s)
		}
	}
	return r
}

// String is a line of a trace.
func (st *step[S]) String() string {
	return fmt.Sprintf("  %-14s %-52s %s", st.who, st.what, st.where)
}
