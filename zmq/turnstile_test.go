package zmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A queue is those who wait at a turnstile in a test, in a synctest bubble.
type queue struct {
	t     *testing.T
	gate  *turnstile
	order []string // who has come in, in that order; read it when nobody moves
	came  chan string
}

func newQueue(t *testing.T, places int) *queue {
	return &queue{t: t, gate: newTurnstile(places), came: make(chan string, 10000)}
}

// comes has somebody come who stays inside; the error goes to the channel.
func (q *queue) comes(ctx context.Context, source, name string) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := q.gate.enter(ctx, source)
		if err == nil {
			q.came <- name
		}
		done <- err
	}()
	synctest.Wait() // until it is inside, or waits
	return done
}

// leaves has one leave, and the next one come in.
func (q *queue) leaves() {
	q.gate.leave()
	q.inside()
}

// inside are those who have come in so far.
func (q *queue) inside() string {
	synctest.Wait()
	for {
		select {
		case name := <-q.came:
			q.order = append(q.order, name)
			continue
		default:
		}
		return strings.Join(q.order, " ")
	}
}

func TestTheTurnstileLetsSoManyInAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 2)
		for _, name := range []string{"1", "2", "3", "4"} {
			q.comes(t.Context(), name, name)
		}
		for _, want := range []string{"1 2", "1 2 3", "1 2 3 4", "1 2 3 4"} {
			if got := q.inside(); got != want {
				t.Errorf("%q are inside, want %q", got, want)
			}
			q.gate.leave()
		}
	})
}

func TestTheTurnstileTakesFromOneSourceAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		for _, name := range []string{"a1", "a2", "a3", "a4", "b1", "b2", "c1"} {
			q.comes(t.Context(), name[:1], name)
		}
		for range 6 {
			q.leaves()
		}
		if got, want := q.inside(), "a1 a2 b1 c1 a3 b2 a4"; got != want {
			t.Errorf("the order is %q, want %q", got, want)
		}
	})
}

func TestWhoGivesUpIsOutOfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.comes(t.Context(), "a", "a1")
		soon, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		only := q.comes(soon, "b", "b1")
		amid := q.comes(soon, "c", "c1")
		q.comes(t.Context(), "c", "c2")
		q.comes(t.Context(), "d", "d1")
		for name, done := range map[string]<-chan error{"the only one": only, "one of two": amid} {
			if err := <-done; !errors.Is(err, ErrTryLater) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want ErrTryLater and why", name, err)
			}
		}
		for range 2 {
			q.leaves()
		}
		q.gate.leave()
		if got, want := q.inside(), "a1 c2 d1"; got != want {
			t.Errorf("the order is %q, want %q", got, want)
		}
		if g := q.gate; g.free != 1 || g.waiting != 0 || len(g.queues) != 0 || len(g.sources) != 0 {
			t.Errorf("left behind: %+v", g)
		}
	})
}

// TestAPlaceIsNotLostToOneWhoGivesUp has the turn come and the context end at the same
// time, whichever is seen first.
func TestAPlaceIsNotLostToOneWhoGivesUp(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, 1)
			q.comes(t.Context(), "a", "a1")
			ctx, end := context.WithCancel(t.Context())
			done := q.comes(ctx, "b", "b1")
			end()
			q.gate.leave()
			if err := <-done; err == nil {
				q.gate.leave()
			}
			synctest.Wait()
			if g := q.gate; g.free != 1 || g.waiting != 0 || len(g.queues) != 0 || len(g.sources) != 0 {
				t.Errorf("left behind: %+v", g)
			}
		})
	}
}

func TestACrowdIsToldToComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		ctx, end := context.WithCancel(t.Context())
		q.comes(ctx, "inside", "inside")
		var all []<-chan error
		for range maxWaitingOfSource {
			all = append(all, q.comes(ctx, "crowd", ""))
		}
		if err := <-q.comes(ctx, "crowd", ""); !errors.Is(err, ErrTryLater) {
			t.Errorf("one too many of a source: %v, want ErrTryLater", err)
		}
		for i := range maxWaiting - maxWaitingOfSource {
			all = append(all, q.comes(ctx, fmt.Sprint(i), ""))
		}
		for i := range maxWaitingOfSource - 1 { // who comes alone finds room as long as there is a crowd
			all = append(all, q.comes(ctx, fmt.Sprint("late ", i), ""))
			if err := <-all[maxWaitingOfSource-1-i]; !errors.Is(err, ErrTryLater) || errors.Is(err, context.Canceled) {
				t.Fatalf("one of the crowd: %v, want ErrTryLater", err)
			}
		}
		all = append(all[:1], all[maxWaitingOfSource:]...)
		if err := <-q.comes(ctx, "another", ""); !errors.Is(err, ErrTryLater) {
			t.Errorf("one too many of all: %v, want ErrTryLater", err)
		}
		if q.gate.waiting != maxWaiting || len(all) != maxWaiting {
			t.Errorf("%d wait, and should be %d", q.gate.waiting, len(all))
		}
		end()
		for _, done := range all {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("one who waited: %v, want that it has given up", err)
			}
		}
		if q.gate.waiting != 0 {
			t.Errorf("%d wait", q.gate.waiting)
		}
	})
}

func TestASourceIsWhatAPeerCannotChoose(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":                "192.0.2.7",
		"::ffff:192.0.2.7":         "192.0.2.7",
		"2001:db8:1:2::7":          "2001:db8:1:2::/64",
		"2001:db8:1:2:3:4:5:6":     "2001:db8:1:2::/64",
		"fe80::1%eth0":             "fe80::/64",
		"localhost:1000:1000:4711": "localhost:1000",
		"localhost:":               "localhost:",
		"":                         "",
		"elsewhere":                "",
		"peer.example:4711":        "",
	} {
		if got := (&Applicant{Address: address}).source(); got != want {
			t.Errorf("%q comes from %q, want %q", address, got, want)
		}
	}
}
