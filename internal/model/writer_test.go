package model

import "testing"

// This is the goroutine of a loop that writes: how it sleeps while nothing is handed
// over. Three hand over, each as often as it likes up to a number.

type writerState struct {
	list   uint8 // connections to be written
	asleep bool
	over   bool
	wake   bool // writer.wake holds a signal
	looked bool
	hands  [3]uint8 // how often each has yet to hand over
	adds   [3]place
	closer place
	writer place
}

// writer is what varies.
type writer struct {
	hands  [3]uint8
	broken string
}

func (c writer) is(fault string) bool { return c.broken == fault }
func (c writer) fault() string        { return c.broken }

// Where the goroutine stands.
const (
	writerTakes place = iota
	writerNaps        // a fault
	writerSleeps
	writerEnds
)

func (c writer) model() *model[writerState] {
	m := &model[writerState]{start: writerState{hands: c.hands}}
	rouse := func(s *writerState, then place) place {
		wake := s.asleep
		s.asleep = false
		if wake {
			return 1
		}
		return then
	}
	push := func(then place) func(s *writerState) place {
		return func(s *writerState) place {
			s.wake = true
			return then
		}
	}
	for i := range 3 {
		a := m.actor([]string{"sender 1", "sender 2", "sender 3"}[i], func(s *writerState) *place { return &s.adds[i] })
		a.world(0, "hands a connection over", func(s *writerState) place {
			if s.hands[i] == 0 || s.over {
				return blocked
			}
			s.hands[i]--
			s.list++
			return rouse(s, 0)
		})
		a.at(1, "writer.rouse", "wakes the writer", push(0))
	}
	closer := m.actor("context", func(s *writerState) *place { return &s.closer })
	closer.world(0, "closes the writer, which no connection needs", func(s *writerState) place {
		if s.list > 0 {
			return blocked
		}
		s.over = true
		return rouse(s, 2)
	})
	closer.at(1, "writer.rouse", "wakes the writer", push(2))

	w := m.actor("writer", func(s *writerState) *place { return &s.writer })
	w.at(writerTakes, "writer.take", "takes the list", func(s *writerState) place {
		switch {
		case s.list > 0:
			s.list, s.looked = 0, false
			return writerTakes
		case s.over:
			return writerEnds
		case !s.looked:
			s.looked = true
			return writerTakes
		case c.is("that the writer sleeps is noted after the last look"):
			return writerNaps
		}
		s.asleep = true
		return writerSleeps
	})
	w.at(writerNaps, "writer.take", "is about to sleep", func(s *writerState) place {
		s.asleep = true
		return writerSleeps
	})
	w.at(writerSleeps, "writer.take", "is woken", func(s *writerState) place {
		if !s.wake {
			return blocked
		}
		s.wake = false
		return writerTakes
	})
	m.always = func(s *writerState) string {
		if s.asleep && s.writer != writerSleeps {
			return "the writer is woken again while it is awake"
		}
		return ""
	}
	m.atRest = func(s *writerState) string {
		switch {
		case s.list > 0:
			return "a connection was handed over and is not written"
		case s.over && s.writer != writerEnds:
			return "the writer was closed and goes on"
		}
		return ""
	}
	return m
}

func TestWriter(t *testing.T) {
	holds(t, []held{{always, "three hand over", writer{hands: [3]uint8{3, 3, 3}}.model()}})
}

func TestFaultsOfTheWriterAreFound(t *testing.T) {
	fails(t, []writer{
		{hands: [3]uint8{1, 0, 0}, broken: "that the writer sleeps is noted after the last look"},
	})
}
