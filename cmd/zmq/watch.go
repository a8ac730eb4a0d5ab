package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zeromux/zmq"
)

// lookAtDrops is how often the counts of dropped messages are looked at, for
// there is no event for them.
const lookAtDrops = 500 * time.Millisecond

// A watcher prints the events of a socket, and counts what is dropped, until nothing
// is left of the socket: also while messages linger.
type watcher struct {
	name   string // of the socket, where there are several; empty where there is one
	socket *zmq.Socket
	closed chan struct{} // closed when no more events come
	seen   zmq.Stats     // what was printed of; run's, then stop's
}

func newWatcher(name string) *watcher { return &watcher{name: name, closed: make(chan struct{})} }

// say prints a line about the socket.
func (w *watcher) say(text string) {
	if w.name != "" {
		text = w.name + ": " + text
	}
	say("%s", text)
}

// watch prints what happens to s on standard error. What happens after watch has
// returned is not missed.
func (w *watcher) watch(s *zmq.Socket) {
	w.socket = s
	events := s.Events(context.Background())
	arrived := make(chan zmq.Event)
	go func() {
		defer close(arrived)
		for e := range events {
			arrived <- e
		}
	}()
	go func() {
		defer close(w.closed)
		w.run(arrived)
	}()
}

func (w *watcher) run(arrived <-chan zmq.Event) {
	tick := time.NewTicker(lookAtDrops)
	defer tick.Stop()
	for {
		select {
		case e, ok := <-arrived:
			if !ok {
				return
			}
			w.say(describe(e))
		case <-tick.C:
			w.sayDropped()
		}
	}
}

// stop prints what is left to print of a socket that is closed.
func (w *watcher) stop() {
	<-w.closed
	w.sayDropped()
}

// describe is an event as one line.
func describe(e zmq.Event) string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Endpoint != "" {
		fmt.Fprintf(&b, " %s", e.Endpoint)
	}
	if e.Remote != "" {
		fmt.Fprintf(&b, " remote=%s", e.Remote)
	}
	if p := e.Peer; p != nil {
		fmt.Fprintf(&b, " peer=%s", p.Type)
		if p.RoutingID != "" {
			fmt.Fprintf(&b, " id=%s", showID([]byte(p.RoutingID)))
		}
		fmt.Fprintf(&b, " version=%s mechanism=%s", p.Version, p.Mechanism)
	}
	if e.Kind == zmq.EventConnectRetried {
		fmt.Fprintf(&b, " after=%v", time.Duration(e.Value)*time.Millisecond)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, " reason=%q", e.Err.Error())
	}
	return b.String()
}

// sayDropped prints what has been dropped since the last look.
func (w *watcher) sayDropped() {
	now := w.socket.Stats()
	for _, cause := range []struct {
		why         string
		before, now uint64
	}{
		{"high-water mark of a peer reached", w.seen.DroppedFull, now.DroppedFull},
		{"no such peer", w.seen.DroppedUnroutable, now.DroppedUnroutable},
		{"not subscribed to here", w.seen.DroppedFiltered, now.DroppedFiltered},
		{"envelope malformed", w.seen.DroppedMalformed, now.DroppedMalformed},
	} {
		if n := cause.now - cause.before; n > 0 {
			w.say(fmt.Sprintf("dropped messages=%d reason=%q", n, cause.why))
		}
	}
	w.seen = now
}
