package zmq

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/pattern"
)

// A countedPub is a publisher that calls counted whenever it has counted who matches.
type countedPub struct {
	pattern.Pattern
	counted func()
}

// Matching implements pattern.Matcher.
func (p countedPub) Matching(frame []byte) (n int, changed <-chan struct{}) {
	n, changed = p.Pattern.(pattern.Matcher).Matching(frame)
	p.counted()
	return n, changed
}

// A change that comes between the count and the wait is heard of.
func TestWaitingForSubscribersMissesNoChangeOfMatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		pub := newSocketOf(t, PUB)
		defer pub.Close()
		if _, err := pub.Bind("inproc://matching"); err != nil {
			t.Fatal(err)
		}
		sub, err := pub.ctx.NewSocket(SUB, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		if err := sub.Connect("inproc://matching"); err != nil {
			t.Fatal(err)
		}
		if err := pub.WaitPeers(ctx, 1); err != nil {
			t.Fatal(err)
		}
		configured := make(chan error, 1)
		first := true
		counted := func() {
			if !first {
				return
			}
			first = false
			called := make(chan struct{})
			go func() {
				configured <- pub.Configure(func(c *Config) {
					c.PubSub.InvertMatching = true
					close(called)
				})
			}()
			<-called
			for pub.mu.TryLock() { // until the change has it, which then waits for this count
				pub.mu.Unlock()
				runtime.Gosched()
			}
		}
		pub.both(func() { pub.pattern = countedPub{pub.pattern, counted} })
		if err := pub.WaitSubscribers(ctx, "a", 1); err != nil {
			t.Error(err)
		}
		if err := <-configured; err != nil {
			t.Error(err)
		}
	})
}
