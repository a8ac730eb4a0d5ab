package zmq_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// diary is Timers with a clock that a test sets, and a record of what they called.
type diary struct {
	zmq.Timers
	t      testing.TB
	now    time.Time
	called []zmq.TimerID
}

func newDiary(t testing.TB) *diary {
	d := &diary{t: t, now: time.Unix(1, 0)}
	d.Now = func() time.Time { return d.now }
	return d
}

// note is a function that is only recorded.
func (d *diary) note(id zmq.TimerID) error {
	d.called = append(d.called, id)
	return nil
}

func (d *diary) add(interval time.Duration, f func(zmq.TimerID) error) zmq.TimerID {
	d.t.Helper()
	id, err := d.Add(interval, f)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// after lets time pass, executes, and checks what was called.
func (d *diary) after(pass time.Duration, want ...zmq.TimerID) {
	d.t.Helper()
	d.now = d.now.Add(pass)
	d.called = nil
	n, err := d.Execute()
	if err != nil || n != len(want) || !slices.Equal(d.called, want) {
		d.t.Errorf("called %v (%d, %v), want %v", d.called, n, err, want)
	}
}

// timeout checks how long it takes until the next.
func (d *diary) timeout(want time.Duration) {
	d.t.Helper()
	if got, ok := d.Timeout(); got != want || !ok {
		d.t.Errorf("%v, %v until the next, want %v", got, ok, want)
	}
}

func (d *diary) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestTimersAreCalledWhenTheyAreDue(t *testing.T) {
	d := newDiary(t)
	d.after(0)
	if _, ok := d.Timeout(); ok {
		t.Error("there is a timer")
	}
	if one, two := d.add(10*time.Second, d.note), d.add(4*time.Second, d.note); one != 1 || two != 2 {
		t.Errorf("they are called %d and %d, want 1 and 2", one, two)
	}
	d.timeout(4 * time.Second)
	d.after(4*time.Second-1, []zmq.TimerID{}...)
	d.timeout(1)
	d.after(1, 2)
	d.timeout(4 * time.Second)
	d.after(4*time.Second, 2)
	d.after(2*time.Second, 1)
	d.timeout(2 * time.Second)
	d.now = d.now.Add(time.Minute) // late: each is called once, and begins anew
	d.timeout(0)
	d.after(0, 2, 1)
	d.timeout(4 * time.Second)
	d.after(0)
}

func TestTimersOfTheSameMomentAreCalledInTheirOrder(t *testing.T) {
	d := newDiary(t)
	var want []zmq.TimerID
	for range 100 {
		want = append(want, d.add(time.Second, d.note))
	}
	d.after(time.Second, want...)
	d.after(time.Second, want...)
}

func TestATimerOfNoIntervalIsCalledOnceEachTime(t *testing.T) {
	d := newDiary(t)
	d.add(0, d.note)
	d.timeout(0)
	d.after(0, 1)
	d.after(0, 1)
}

func TestATimerMayBeChanged(t *testing.T) {
	d := newDiary(t)
	d.add(10*time.Second, d.note)
	d.add(20*time.Second, d.note)
	d.after(9 * time.Second)
	d.must(d.Reset(1))
	d.after(9 * time.Second)
	d.after(1*time.Second, 1)
	d.must(d.SetInterval(1, time.Hour))
	d.after(1*time.Second, 2)
	d.timeout(20 * time.Second)
	d.must(d.Cancel(2))
	d.timeout(time.Hour - time.Second)
	d.after(time.Hour-time.Second, 1)
	d.must(d.SetInterval(1, math.MaxInt64))
	d.timeout(math.MaxInt64)
	d.after(1e6 * time.Hour)
	d.must(d.Cancel(1))
	if _, ok := d.Timeout(); ok {
		t.Error("there is a timer")
	}
	if id := d.add(0, d.note); id != 3 {
		t.Errorf("the next is called %d, want 3", id)
	}
}

func TestATimerMayBeCalledANumberOfTimes(t *testing.T) {
	d := newDiary(t)
	if _, err := d.AddTimes(time.Second, 2, d.note); err != nil {
		t.Fatal(err)
	}
	d.after(time.Second, 1)
	d.must(d.Reset(1))
	d.after(time.Second, 1)
	d.after(time.Second)
	if err := d.Cancel(1); !is(err, zmq.ErrInvalid) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestTimersSayWhatIsWrong(t *testing.T) {
	for name, do := range map[string]func(d *diary) error{
		"no function":            func(d *diary) error { _, err := d.Add(1, nil); return err },
		"an interval below zero": func(d *diary) error { _, err := d.Add(-1, d.note); return err },
		"not once":               func(d *diary) error { _, err := d.AddTimes(1, 0, d.note); return err },
		"cancelled twice":        func(d *diary) error { d.add(1, d.note); d.must(d.Cancel(1)); return d.Cancel(1) },
		"cancelled, and reset":   func(d *diary) error { d.add(1, d.note); d.must(d.Cancel(1)); return d.Reset(1) },
		"cancel: who is that":    func(d *diary) error { return d.Cancel(1) },
		"reset: who is that":     func(d *diary) error { return d.Reset(0) },
		"interval: who is that":  func(d *diary) error { return d.SetInterval(7, 1) },
		"a new interval below 0": func(d *diary) error { d.add(1, d.note); return d.SetInterval(1, -1) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := do(newDiary(t)); !is(err, zmq.ErrInvalid) {
				t.Error(err)
			}
		})
	}
}

func TestAFunctionMayChangeTimers(t *testing.T) {
	d := newDiary(t)
	d.add(time.Second, func(id zmq.TimerID) error { // 1: cancels itself and the next, and adds one
		d.must(d.Cancel(id))
		d.must(d.Cancel(2))
		d.add(0, d.note) // 4
		return d.note(id)
	})
	d.add(time.Second, d.note) // 2
	d.add(time.Second, func(id zmq.TimerID) error {
		d.must(d.SetInterval(id, 3*time.Second))
		return d.note(id)
	})
	d.after(time.Second, 1, 3)
	d.after(time.Second, 4)
	d.must(d.Cancel(4))
	d.after(2*time.Second, 3)
	d.add(3*time.Second, func(id zmq.TimerID) error { // 5: is due with the next, and puts it off
		d.must(d.Reset(6))
		return d.note(id)
	})
	d.add(3*time.Second, d.note)
	d.after(3*time.Second, 3, 5)
}

func TestAnErrorOfAFunctionEndsExecute(t *testing.T) {
	d := newDiary(t)
	wrong := fmt.Errorf("wrong")
	d.add(time.Second, d.note)
	d.add(2*time.Second, func(id zmq.TimerID) error { return wrong })
	d.add(3*time.Second, d.note)
	d.now = d.now.Add(3 * time.Second)
	if n, err := d.Execute(); n != 2 || err != wrong {
		t.Fatal(n, err)
	}
	d.after(0, 3)
}

func TestTimersMayBeUsedFromAnywhere(t *testing.T) {
	var timers zmq.Timers
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				id, err := timers.Add(0, func(id zmq.TimerID) error {
					timers.Reset(id) // it may be cancelled
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if _, err := timers.Execute(); err != nil {
					t.Error(err)
				}
				timers.Timeout()
				if err := timers.Cancel(id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, ok := timers.Timeout(); ok {
		t.Error("there is a timer left")
	}
}

func TestExecuteAllocatesNothing(t *testing.T) {
	d := newDiary(t)
	for range 10 {
		d.add(0, func(zmq.TimerID) error { return nil })
	}
	if n := testing.AllocsPerRun(100, func() { d.Execute() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A clock of a test may well begin at the zero Time.
func TestATimerMayBeDueAtTheZeroTime(t *testing.T) {
	timers := zmq.Timers{Now: func() time.Time { return time.Time{} }}
	if _, err := timers.Add(0, func(zmq.TimerID) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if d, ok := timers.Timeout(); d != 0 || !ok {
		t.Errorf("%v, %v, want it to be due", d, ok)
	}
}
