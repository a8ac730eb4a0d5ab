package conformance

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// Timers, which the application runs itself. Time does not pass by itself here.
func TestTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var timers zmq.Timers
		calls := make(map[zmq.TimerID]int)
		count := func(id zmq.TimerID) error { calls[id]++; return nil }
		// runs checks how many are called, and how long it is until the next is due.
		runs := func(want int, next time.Duration) {
			t.Helper()
			n, err := timers.Execute()
			if n != want || err != nil {
				t.Errorf("%d were called, want %d: %v", n, want, err)
			}
			if left, ok := timers.Timeout(); left != next || ok != (next > 0) {
				t.Errorf("the next is due in %v, want %v", left, next)
			}
		}
		pass := func(d time.Duration) { <-time.After(d) }
		const ms = time.Millisecond

		if _, ok := timers.Timeout(); ok {
			t.Error("one is due where there is none")
		}
		runs(0, 0)
		first, err := timers.Add(100*ms, count)
		if err != nil || first != 1 {
			t.Errorf("the first has number %d: %v", first, err)
		}
		runs(0, 100*ms)
		pass(99 * ms)
		runs(0, ms)
		pass(ms)
		if left, ok := timers.Timeout(); left != 0 || !ok {
			t.Errorf("it is due in %v", left)
		}
		runs(1, 100*ms)
		pass(250 * ms)
		runs(1, 100*ms) // what was missed is not made up for
		pass(60 * ms)
		if err := timers.Reset(first); err != nil {
			t.Error(err)
		}
		runs(0, 100*ms)
		pass(60 * ms)
		if err := timers.SetInterval(first, 50*ms); err != nil {
			t.Error(err)
		}
		runs(0, 50*ms)
		pass(50 * ms)
		runs(1, 50*ms)

		const aeon = 100 * 365 * 24 * time.Hour
		long, err := timers.Add(aeon, count)
		if err != nil || long != 2 {
			t.Errorf("the second has number %d: %v", long, err)
		}
		runs(0, 50*ms)
		if err := timers.Cancel(first); err != nil {
			t.Error(err)
		}
		runs(0, aeon)
		if err := timers.Cancel(long); err != nil {
			t.Error(err)
		}
		runs(0, 0)
		if calls[first] != 3 || calls[long] != 0 {
			t.Errorf("calls: %v", calls)
		}

		for name, err := range map[string]error{
			"cancelling twice":             timers.Cancel(first),
			"cancelling what never was":    timers.Cancel(77),
			"resetting what is not there":  timers.Reset(first),
			"an interval of what is gone":  timers.SetInterval(long, ms),
			"no function":                  second(timers.Add(ms, nil)),
			"an interval below zero":       second(timers.Add(-1, count)),
			"a new interval below zero":    timers.SetInterval(first, -1),
			"a function that is not to be": second(timers.AddTimes(ms, 0, count)),
		} {
			if !errors.Is(err, zmq.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
	})
}

func second(_ zmq.TimerID, err error) error { return err }

// A function may cancel itself and add others, which are called the next time.
func TestTimersMayChangeTimers(t *testing.T) {
	var timers zmq.Timers
	var called []zmq.TimerID
	once := func(id zmq.TimerID) error {
		called = append(called, id)
		return timers.Cancel(id)
	}
	if _, err := timers.Add(0, func(id zmq.TimerID) error {
		return errors.Join(once(id), second(timers.Add(0, once)))
	}); err != nil {
		t.Fatal(err)
	}
	for want := range zmq.TimerID(2) {
		if n, err := timers.Execute(); n != 1 || err != nil || called[len(called)-1] != want+1 {
			t.Errorf("%d were called, %v: %v", n, called, err)
		}
	}
	if n, err := timers.Execute(); n != 0 || err != nil {
		t.Errorf("%d are left: %v", n, err)
	}
}
