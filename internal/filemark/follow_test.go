package filemark

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A slowLog is a log that keeps whoever writes to it, until it is let go.
type slowLog struct {
	slog.Handler
	text  bytes.Buffer
	letGo chan struct{}
	held  atomic.Int32 // how many it keeps
	most  int32        // of these at a time
}

func newSlowLog() *slowLog {
	l := &slowLog{letGo: make(chan struct{})}
	l.Handler = slog.NewTextHandler(&l.text, nil)
	return l
}

func (l *slowLog) Handle(ctx context.Context, r slog.Record) error {
	l.most = max(l.most, l.held.Add(1))
	defer l.held.Add(-1)
	<-l.letGo
	return l.Handler.Handle(ctx, r)
}

func TestAFollowerLooksOncePerInterval(t *testing.T) {
	for name, c := range map[string]struct {
		interval time.Duration
		err      error
		want     int // looks, of five in two seconds
	}{
		"a second":                {time.Second, nil, 3},
		"a second after a fault":  {time.Second, errors.New("fault"), 3},
		"none":                    {0, nil, 5},
		"none at all after Force": {-1, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &Follower{Interval: c.interval}
				looks := 0
				read := func() error { looks++; return c.err }
				if err := f.Force(read); !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				for range 2 {
					f.Follow(read)
					<-time.After(time.Second)
					f.Follow(read)
				}
				if looks != c.want {
					t.Errorf("%d looks, want %d", looks, c.want)
				}
				if err := f.Err(); !errors.Is(err, c.err) {
					t.Errorf("it is as %v, want %v", err, c.err)
				}
			})
		})
	}
}

// TestNobodyWaitsForOneWhoReads but Force, which reads once more.
func TestNobodyWaitsForOneWhoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(Follower)
		hung, looks := make(chan struct{}), 0
		go f.Follow(func() error { looks++; <-hung; return nil })
		synctest.Wait()
		for range 3 {
			f.Follow(func() error { t.Error("two read at a time"); return nil })
			f.FollowFor(time.Second, func() error { t.Error("two read at a time"); return nil })
		}
		forced := make(chan error)
		go func() { forced <- f.Force(func() error { looks++; return nil }) }()
		close(hung)
		if err := <-forced; err != nil || looks != 2 {
			t.Errorf("%v after %d looks, want 2", err, looks)
		}
	})
}

// TestOneWhoIsPatientForSoLong goes on then, and what is found later counts.
func TestOneWhoIsPatientForSoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Follower{Interval: time.Minute}
		fault := errors.New("fault")
		for _, c := range []struct{ reading, want time.Duration }{
			{time.Second, time.Second},
			{4 * time.Second, 2 * time.Second},
		} {
			then := time.Now()
			f.FollowFor(2*time.Second, func() error { <-time.After(c.reading); return fault })
			if took := time.Since(then); took != c.want {
				t.Errorf("it took %v, want %v", took, c.want)
			}
			<-time.After(time.Hour)
		}
		if err := f.Err(); !errors.Is(err, fault) {
			t.Errorf("it is as %v, want %v", err, fault)
		}
	})
}

// TestALogThatIsSlowKeepsOne at a time, and is told what is news by then.
func TestALogThatIsSlowKeepsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newSlowLog()
		f := &Follower{Logger: slog.New(log), Unfit: "cannot be used", Fit: "can be used again"}
		go f.Follow(func() error { return errors.New("first") })
		synctest.Wait()
		if log.held.Load() != 1 {
			t.Fatal("nobody writes to the log")
		}
		for _, err := range []error{nil, errors.New("second"), nil, errors.New("third"), errors.New("third")} {
			f.Follow(func() error { return err })
			if got := f.Err(); !errors.Is(got, err) {
				t.Errorf("it is as %v, want %v", got, err)
			}
		}
		close(log.letGo)
		synctest.Wait()
		f.Follow(func() error { return errors.New("third") })
		f.Follow(func() error { return nil })
		f.Follow(func() error { return nil })
		if log.most != 1 {
			t.Errorf("%d write to the log at a time", log.most)
		}
		for text, times := range map[string]int{"first": 1, "second": 0, "third": 1, "cannot be used": 2, "can be used again": 1} {
			if n := strings.Count(log.text.String(), text); n != times {
				t.Errorf("the log says %q %d times, want %d:\n%s", text, n, times, &log.text)
			}
		}
	})
}

// A panickyLog panics once.
type panickyLog struct {
	slog.Handler
	again bool
}

func (l *panickyLog) Handle(ctx context.Context, r slog.Record) error {
	if !l.again {
		l.again = true
		panic("log")
	}
	return l.Handler.Handle(ctx, r)
}

// TestALogThatPanicsIsToldTheNextNews where somebody recovers.
func TestALogThatPanicsIsToldTheNextNews(t *testing.T) {
	var text bytes.Buffer
	f := &Follower{Logger: slog.New(&panickyLog{Handler: slog.NewTextHandler(&text, nil)}), Fit: "can be used again"}
	func() {
		defer func() { _ = recover() }()
		f.Follow(func() error { return errors.New("fault") })
	}()
	f.Follow(func() error { return nil })
	if !strings.Contains(text.String(), "can be used again") {
		t.Errorf("the log says %q", &text)
	}
}
