package engine

import (
	"sync"
	"testing"
	"testing/synctest"
)

func TestACountIsWaitedForUntilItIsZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c count
		c.wait() // for nothing
		c.add()
		c.add()
		var mu sync.Mutex // guards over
		over := 0
		for range 2 {
			go func() {
				c.wait()
				mu.Lock()
				defer mu.Unlock()
				over++
			}()
		}
		c.done()
		synctest.Wait()
		if over != 0 {
			t.Error("it was not waited for the second")
		}
		c.done()
		synctest.Wait()
		if over != 2 {
			t.Errorf("%d of 2 were told", over)
		}
		c.wait()
	})
}

// Unlike a sync.WaitGroup a count may go up while it is waited for.
func TestACountGoesUpWhileItIsWaitedFor(t *testing.T) {
	var c count
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				c.add()
				c.done()
			}
		})
		all.Go(func() {
			for range 100 {
				c.wait()
			}
		})
	}
	all.Wait()
}
