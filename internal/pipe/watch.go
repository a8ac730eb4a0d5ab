package pipe

import "slices"

// A Watcher is told of every announcement of a hub: a poller, which sleeps elsewhere
// and for many sockets at once. It gets no message and no turn by that; whoever
// waits in the hub is woken all the same.
type Watcher interface {
	// Noticed is called after an announcement, from any goroutine and under whatever
	// locks of the socket: it must only signal. It may come once more after the
	// watcher was taken off.
	Noticed()
}

// WatchReceive has w told of what receivers are told, and WatchSend of what senders
// are told. What was announced before is not told.
func (h *Hub) WatchReceive(w Watcher) { h.watch(&h.recv, w) }

// WatchSend is WatchReceive for senders.
func (h *Hub) WatchSend(w Watcher) { h.watch(&h.send, w) }

// IgnoreReceive takes w off, and IgnoreSend does.
func (h *Hub) IgnoreReceive(w Watcher) { h.ignore(&h.recv, w) }

// IgnoreSend is IgnoreReceive for senders.
func (h *Hub) IgnoreSend(w Watcher) { h.ignore(&h.send, w) }

// watch makes a new list: whoever announces reads the old one without the lock.
func (h *Hub) watch(s *side, w Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(slices.Clone(s.watchers), w)
	h.watched.Add(1)
}

func (h *Hub) ignore(s *side, w Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.watchers, w); i >= 0 {
		s.watchers = slices.Concat(s.watchers[:i], s.watchers[i+1:])
		h.watched.Add(-1)
	}
}

// Watched reports whether there is a watcher.
func (h *Hub) Watched() bool { return h.watched.Load() > 0 }

// Turned tells the watchers that what the socket may do next has changed though
// nothing was announced: it was REQ's or REP's turn. Called with no lock held.
func (h *Hub) Turned() {
	if !h.Watched() {
		return
	}
	for _, s := range []*side{&h.recv, &h.send} {
		s.mu.Lock()
		list := s.watchers
		s.mu.Unlock()
		tellAll(list)
	}
}

func tellAll(list []Watcher) {
	for _, w := range list {
		w.Noticed()
	}
}
