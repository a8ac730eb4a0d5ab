package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// background begins a takeOver, whose end is told with the time that it took.
func background(u *turn) (took <-chan time.Duration) {
	ended := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		u.takeOver(time.NewTimer(tick))
		ended <- time.Since(began)
	}()
	return ended
}

func TestWhoAttendsIsReadForAtOnce(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(u *turn)
		want time.Duration
	}{
		"nobody reads":                          {(*turn).attend, 0},
		"nobody reads, and nobody attends":      {func(*turn) {}, tick},
		"an application reads for a while":      {func(u *turn) { u.lead(); u.attend(); <-time.After(10 * tick); u.leave(false) }, 10 * tick},
		"an application reads, nobody attends":  {func(u *turn) { u.lead(); <-time.After(10 * tick); u.leave(false) }, 11 * tick},
		"an application comes when one attends": {func(u *turn) { u.attend(); u.lead() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &turn{wake: make(chan struct{}, 1)}
				took := background(u)
				row.do(u)
				if got := <-took; got != row.want {
					t.Errorf("the background reads after %v, want %v", got, row.want)
				}
			})
		})
	}
}

func TestWhoAttendsChangesNothingWhileTheBackgroundReads(t *testing.T) {
	u := &turn{wake: make(chan struct{}, 1), state: inBackground}
	u.attend()
	if u.lead() {
		t.Error("two read")
	}
	if !u.giveWay() {
		t.Error("the background does not give way to an application that came")
	}
	if !u.lead() {
		t.Error("the application may not read")
	}
}
