package engine

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeClock is a Clock that goes when it is told to. It belongs to the goroutine
// of a test, which also calls what is due.
type fakeClock struct {
	now   time.Duration
	armed []*fakeTimer
}

type fakeTimer struct {
	at time.Duration
	f  func()
}

var fakeStart = time.Unix(1e9, 0)

func (c *fakeClock) Now() time.Time { return fakeStart.Add(c.now) }

func (c *fakeClock) AfterFunc(d time.Duration, f func()) func() bool {
	t := &fakeTimer{at: c.now + max(d, 0), f: f}
	c.armed = append(c.armed, t)
	return func() bool { return c.remove(t) }
}

func (c *fakeClock) remove(t *fakeTimer) bool {
	i := slices.Index(c.armed, t)
	if i < 0 {
		return false
	}
	c.armed = slices.Delete(c.armed, i, i+1)
	return true
}

// first returns the system timer that is due first, if that is by end.
func (c *fakeClock) first(end time.Duration) *fakeTimer {
	var first *fakeTimer
	for _, t := range c.armed {
		if t.at <= end && (first == nil || t.at < first.at) {
			first = t
		}
	}
	return first
}

// advance lets d pass, calling each system timer in its moment.
func (c *fakeClock) advance(d time.Duration) {
	end := c.now + d
	for t := c.first(end); t != nil; t = c.first(end) {
		c.now = max(c.now, t.at)
		c.remove(t)
		t.f()
	}
	c.now = end
}

// oversleep lets d pass at once, as when a machine was suspended, and only then
// calls the system timers.
func (c *fakeClock) oversleep(d time.Duration) {
	c.now += d
	c.advance(0)
}

// slowWheel is a Wheel as anybody would write it who has the time: a sorted list.
type slowWheel struct {
	entries []slowEntry
	seq     int
}

type slowEntry struct {
	id, seq   int
	when, due time.Duration
}

func (s *slowWheel) set(id int, now, d time.Duration) {
	s.stop(id)
	e := slowEntry{id: id, seq: s.seq, when: now + max(d, 0)}
	s.seq++
	e.due = e.when.Truncate(time.Millisecond)
	if e.due < e.when {
		e.due += time.Millisecond
	}
	e.due = max(e.due, now.Truncate(time.Millisecond)+time.Millisecond)
	at, _ := slices.BinarySearchFunc(s.entries, e, func(a, b slowEntry) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.when, b.when), cmp.Compare(a.seq, b.seq))
	})
	s.entries = slices.Insert(s.entries, at, e)
}

func (s *slowWheel) stop(id int) bool {
	n := len(s.entries)
	s.entries = slices.DeleteFunc(s.entries, func(e slowEntry) bool { return e.id == id })
	return len(s.entries) < n
}

// wheelModel drives a Wheel and a slowWheel through the same life.
type wheelModel struct {
	t      *testing.T
	r      *rand.Rand
	clock  *fakeClock
	wheel  *Wheel
	slow   slowWheel
	timers []*Timer
	calls  int
}

// duration returns one of any size, from nothing to weeks.
func (m *wheelModel) duration() time.Duration {
	switch m.r.IntN(12) {
	case 0:
		return 0
	case 1:
		return -time.Duration(m.r.Int64N(int64(time.Hour)))
	case 2: // on a boundary of some level
		return time.Millisecond << m.r.IntN(31)
	case 3:
		return time.Duration(m.r.Int64N(int64(40 * 24 * time.Hour)))
	}
	return time.Duration(m.r.Int64N(int64(time.Microsecond) << m.r.IntN(30)))
}

// change does something to some timer.
func (m *wheelModel) change() {
	id := m.r.IntN(len(m.timers) + 1)
	if id == len(m.timers) && id >= 200 {
		id = m.r.IntN(200)
	}
	now := m.clock.now
	switch d := m.duration(); {
	case id == len(m.timers):
		m.slow.set(id, now, d)
		m.timers = append(m.timers, m.wheel.After(d, func() { m.called(id) }))
	case m.r.IntN(3) == 0:
		if got, want := m.timers[id].Stop(), m.slow.stop(id); got != want {
			m.t.Fatalf("Stop of timer %d: got %v, want %v", id, got, want)
		}
	default:
		m.slow.set(id, now, d)
		m.timers[id].Reset(d)
	}
}

// called is what every timer calls.
func (m *wheelModel) called(id int) {
	m.calls++
	if len(m.slow.entries) == 0 {
		m.t.Fatalf("timer %d was called at %v, want none", id, m.clock.now)
	}
	want := m.slow.entries[0]
	if id != want.id || m.clock.now < want.due || m.clock.now < want.when {
		m.t.Fatalf("timer %d was called at %v, want timer %d at %v", id, m.clock.now, want.id, want.due)
	}
	m.slow.entries = m.slow.entries[1:]
	for m.r.IntN(3) == 0 {
		m.change()
	}
}

// check compares the two when nothing is going on.
func (m *wheelModel) check() {
	m.t.Helper()
	if len(m.slow.entries) == 0 {
		if len(m.clock.armed) != 0 {
			m.t.Fatalf("%d system timers without a timer", len(m.clock.armed))
		}
		return
	}
	first := m.slow.entries[0]
	if first.due <= m.clock.now {
		m.t.Fatalf("timer %d was not called at %v, now it is %v", first.id, first.due, m.clock.now)
	}
	if len(m.clock.armed) != 1 {
		m.t.Fatalf("%d system timers for %d timers, want 1", len(m.clock.armed), len(m.slow.entries))
	}
	if at := m.clock.armed[0].at; at > first.due {
		m.t.Fatalf("system timer at %v, want %v at the latest", at, first.due)
	}
}

func TestWheelAgreesWithASortedList(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := &wheelModel{t: t, r: rand.New(rand.NewPCG(seed, 1)), clock: &fakeClock{}}
			m.wheel = NewWheel(m.clock)
			m.check()
			for range 2000 {
				for range m.r.IntN(4) {
					m.change()
					m.check()
				}
				if d := max(m.duration(), 0); m.r.IntN(4) == 0 {
					m.clock.oversleep(d)
				} else {
					m.clock.advance(d)
				}
				m.check()
			}
			if m.calls < 500 {
				t.Errorf("only %d timers were called: the test tests nothing", m.calls)
			}
			m.wheel.Close()
			if len(m.clock.armed) != 0 {
				t.Error("a system timer outlives Close")
			}
		})
	}
}

func TestWheelWakesOnlyWhenATimerIsDue(t *testing.T) {
	for _, d := range []time.Duration{
		1, time.Millisecond, 63 * time.Millisecond, 64 * time.Millisecond, 65 * time.Millisecond,
		4095 * time.Millisecond, 4096 * time.Millisecond, time.Minute, time.Hour, 24 * time.Hour,
		400 * 24 * time.Hour, 200 * 365 * 24 * time.Hour,
	} {
		c := &fakeClock{}
		w := NewWheel(c)
		c.advance(12345 * time.Microsecond)
		called := time.Duration(-1)
		w.After(d, func() { called = c.now })
		if n := len(c.armed); n != 1 {
			t.Fatalf("%v: %d system timers, want 1", d, n)
		}
		due := c.armed[0].at
		if due < c.now+d || due >= c.now+d+time.Millisecond || due%time.Millisecond != 0 {
			t.Errorf("%v: system timer at %v, now it is %v", d, due, c.now)
		}
		c.advance(due - c.now - 1)
		if called >= 0 || len(c.armed) != 1 || c.armed[0].at != due {
			t.Errorf("%v: woke before it was due", d)
		}
		if c.advance(1); called != due {
			t.Errorf("%v: called at %v, want %v", d, called, due)
		}
		if len(c.armed) != 0 {
			t.Errorf("%v: a system timer after the last timer was called", d)
		}
	}
}

func TestATimerThatIsDueAfterTheEndOfTimeIsNotCalledEarly(t *testing.T) {
	c := &fakeClock{}
	w := NewWheel(c)
	c.advance(time.Hour)
	called := false
	timer := w.After(math.MaxInt64, func() { called = true })
	c.advance(250 * 365 * 24 * time.Hour)
	if called || !timer.Stop() {
		t.Error("called after 250 years, want 292")
	}
}

func TestTheSystemTimerIsStoppedWithTheLastTimer(t *testing.T) {
	c := &fakeClock{}
	w := NewWheel(c)
	a, b := w.After(time.Second, func() {}), w.After(time.Minute, func() {})
	if !a.Stop() || len(c.armed) != 1 {
		t.Errorf("%d system timers, want 1 for the timer that is left", len(c.armed))
	}
	if !b.Stop() || len(c.armed) != 0 {
		t.Errorf("%d system timers, want none", len(c.armed))
	}
	if a.Stop() || b.Stop() {
		t.Error("Stop of a timer that is not set returns true")
	}
	b.Reset(time.Hour)
	if len(c.armed) != 1 || c.armed[0].at != time.Hour {
		t.Errorf("Reset does not arm the system timer")
	}
}

func TestATimerMayBeSetAgainByItsOwnCall(t *testing.T) {
	c := &fakeClock{}
	w := NewWheel(c)
	var calls []time.Duration
	var timer *Timer
	timer = w.After(10*time.Millisecond, func() {
		if calls = append(calls, c.now); len(calls) < 4 {
			timer.Reset(0)
		}
	})
	c.oversleep(time.Second)
	c.advance(time.Second)
	want := []time.Duration{1000 * time.Millisecond, 1001 * time.Millisecond, 1002 * time.Millisecond, 1003 * time.Millisecond}
	if !slices.Equal(calls, want) {
		t.Errorf("got calls at %v, want %v", calls, want)
	}
}

func TestSettingAndStoppingAsksForNoMemory(t *testing.T) {
	c := &fakeClock{}
	w := NewWheel(c)
	w.After(time.Millisecond, func() {})
	timer := w.After(time.Second, func() {})
	if n := testing.AllocsPerRun(100, func() {
		timer.Stop()
		timer.Reset(time.Minute)
		timer.Reset(time.Hour)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestWheelKeepsTheTimeOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel(SystemClock())
		start := time.Now()
		calls := make(chan time.Duration, 8)
		for _, d := range []time.Duration{30 * 24 * time.Hour, time.Second, 1500 * time.Microsecond, time.Second, 0} {
			w.After(d, func() { calls <- time.Since(start) })
		}
		for _, want := range []time.Duration{time.Millisecond, 2 * time.Millisecond, time.Second, time.Second, 30 * 24 * time.Hour} {
			if got := <-calls; got != want {
				t.Errorf("called after %v, want %v", got, want)
			}
		}
		w.Close()
	})
}

func TestCloseWaitsForTheCallThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel(SystemClock())
		running, release := make(chan struct{}), make(chan struct{})
		w.After(time.Millisecond, func() { close(running); <-release })
		late := w.After(time.Millisecond, func() { t.Error("called after Close") })
		w.After(time.Hour, func() { t.Error("called after Close") })
		<-running

		var closed atomic.Int32
		for range 4 {
			go func() { w.Close(); closed.Add(1) }()
		}
		synctest.Wait()
		if n := closed.Load(); n != 0 {
			t.Errorf("%d of 4 Closes returned while a timer was being called", n)
		}
		close(release)
		synctest.Wait()
		if n := closed.Load(); n != 4 {
			t.Errorf("%d of 4 Closes returned, want all", n)
		}
		w.Close()
		if late.Stop() {
			t.Error("Stop after Close returns true")
		}
		late.Reset(0)
		w.After(0, func() { t.Error("called after Close") })
		<-time.After(2 * time.Hour)
	})
}

func TestNothingIsCalledAfterStopOrClose(t *testing.T) {
	for range 20 {
		w := NewWheel(SystemClock())
		var closed atomic.Bool
		var users, closers sync.WaitGroup
		for seed := range uint64(4) {
			users.Go(func() {
				r := rand.New(rand.NewPCG(seed, 2))
				for range 200 {
					var stopped atomic.Bool
					timer := w.After(time.Duration(r.IntN(3000))*time.Microsecond, func() {
						if stopped.Load() || closed.Load() {
							t.Error("called after Stop or Close")
						}
					})
					if r.IntN(2) == 0 {
						timer.Reset(time.Duration(r.IntN(1000)) * time.Microsecond)
					}
					if r.IntN(2) == 0 && timer.Stop() {
						stopped.Store(true)
					}
				}
			})
		}
		done := make(chan struct{})
		w.After(3*time.Millisecond, func() { close(done) })
		<-done
		for range 3 {
			closers.Go(func() { w.Close(); closed.Store(true) })
		}
		closers.Wait()
		users.Wait()
	}
}

// BenchmarkWheelReset is what a busy connection does to its heartbeat.
func BenchmarkWheelReset(b *testing.B) {
	for _, others := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprint("beside ", others), func(b *testing.B) {
			w := NewWheel(SystemClock())
			defer w.Close()
			w.After(time.Hour, func() {})
			for i := range others {
				w.After(time.Hour+time.Duration(i)*time.Millisecond, func() {})
			}
			timer := w.After(2*time.Hour, func() {})
			b.ReportAllocs()
			for b.Loop() {
				timer.Reset(2 * time.Hour)
			}
		})
	}
}
