//go:build unix

package engine

import (
	"math"
	"runtime"
	"sync"
)

// A writer is the goroutine of a loop that writes. It goes round the connections
// that have something to be written, and writes each once in a round: while it is
// with one, messages gather at the others and go out together.
type writer struct {
	wake  chan struct{}
	ended chan struct{}

	mu     sync.Mutex // a leaf; guards what follows
	list   []*looped  // to be written
	asleep bool
	over   bool
}

func (w *writer) init() {
	w.wake, w.ended = make(chan struct{}, 1), make(chan struct{})
}

// add has d written. The state of its flusher is busy.
func (w *writer) add(d *looped) {
	w.mu.Lock()
	w.list = append(w.list, d)
	w.rouse()
}

// rouse wakes the goroutine if it sleeps, and releases w.mu.
func (w *writer) rouse() {
	wake := w.asleep
	w.asleep = false
	w.mu.Unlock()
	if wake {
		push(w.wake)
	}
}

// close ends the goroutine, once no connection is left, and waits for it.
func (w *writer) close() {
	w.mu.Lock()
	w.over = true
	w.rouse()
	<-w.ended
}

func (w *writer) run() {
	defer close(w.ended)
	var list []*looped
	for {
		if list = w.take(list); list == nil {
			return
		}
		for i, d := range list {
			d.turn(math.MaxInt)
			list[i] = nil
		}
	}
}

// take waits until something is to be written, and exchanges lists. Nil is the end.
func (w *writer) take(spent []*looped) []*looped {
	for looked := false; ; looked = true {
		w.mu.Lock()
		if len(w.list) > 0 {
			list := w.list
			w.list = spent[:0]
			w.mu.Unlock()
			return list
		}
		if w.over {
			w.mu.Unlock()
			return nil
		}
		w.asleep = looked
		w.mu.Unlock()
		if looked {
			<-w.wake
		} else {
			runtime.Gosched() // a sender that is about to go on costs less than being woken
		}
	}
}
