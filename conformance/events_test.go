package conformance

import (
	"context"
	"iter"

	"zeromux/zmq"
)

// events are those of an actor, from now on.
type events struct {
	s    *stage
	next func() (zmq.Event, bool)
}

func (s *stage) watch(a *actor) *events {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.Cleanup(cancel)
	next, stop := iter.Pull(a.Events(ctx))
	s.Cleanup(stop)
	return &events{s, next}
}

// await skips to the next event of a kind.
func (w *events) await(kind zmq.EventKind) zmq.Event {
	w.s.Helper()
	for {
		e, ok := w.next()
		if !ok {
			w.s.Fatalf("no event %q", kind)
		}
		if e.Kind == kind {
			return e
		}
	}
}

// want checks that the next events are of these kinds. That an attempt to connect is
// under way is left out: it depends on the transport whether it takes time.
func (w *events) want(kinds ...zmq.EventKind) {
	w.s.Helper()
	for _, kind := range kinds {
		e, ok := w.next()
		for ok && e.Kind == zmq.EventConnectDelayed {
			e, ok = w.next()
		}
		if !ok || e.Kind != kind {
			w.s.Fatalf("event %q, want %q", e.Kind, kind)
		}
	}
}
