package pipe

import (
	"sync"
	"sync/atomic"
)

// A Hub is what the pipes of one socket share: who has become readable, who has
// room again, and which goroutines wait for either. Its lock is a leaf: nothing
// else is locked under it, and nothing is called.
//
// Each side has a count of what was announced. A goroutine notes the count,
// tries, and waits only if the count has not moved since: so no announcement
// falls between its try and its sleep.
type Hub struct {
	// Arrived, when not nil, is called instead of putting an end on the list
	// of the newly readable: the sockets of publishers act on subscriptions as
	// they come. It is called with no lock held, from any goroutine. Set
	// before the first end joins.
	Arrived func(*End)

	recv, send side

	later tell // owned by sendMu

	watched atomic.Int32 // the watchers of both sides

	behind atomic.Bool // messages wait to be received, as far as is known

	wanted atomic.Pointer[func(e *End, first []byte) bool] // see OnlyWanted; nil: everything is
}

// Received notes whether the socket is behind: a receive need not wait, or has left
// messages. Then what is sent need not go out at once, and goes with more of its
// kind.
func (h *Hub) Received(behind bool) {
	if h.behind.Load() != behind {
		h.behind.Store(behind)
	}
}

// side is one direction of a hub.
type side struct {
	news atomic.Bool // ends is not empty; read without mu, so that a busy socket need not lock

	mu      sync.Mutex // guards all below
	held    bool       // news stays true whatever is adopted
	ends    []*End     // announced and not yet adopted
	spare   []*End     // the list that the adopting side emptied last
	waiters []*Waiter  // first come, first served
	count   uint64     // announcements

	watchers []Watcher // told of every announcement; a list is never changed
}

// A Waiter is a goroutine that waits for news. The channel holds one signal and
// is never closed.
type Waiter struct {
	C      chan struct{}
	queued bool // guarded by the side's mu

	rouse atomic.Pointer[func()]
}

// WokenBy says how to wake a goroutine that does something else than wait for C:
// rouse is called after C was signalled, under locks, and must only signal. Nil:
// it waits for C.
func (w *Waiter) WokenBy(rouse *func()) { w.rouse.Store(rouse) }

// Signalled reports whether C holds a signal.
func (w *Waiter) Signalled() bool { return len(w.C) > 0 }

// NewWaiter returns a Waiter for use and reuse by one goroutine at a time.
func NewWaiter() *Waiter { return &Waiter{C: make(chan struct{}, 1)} }

// activate puts an end that has become readable on the list and wakes one
// receiver.
func (h *Hub) activate(e *End) {
	if h.Arrived != nil {
		h.Arrived(e)
		return
	}
	h.recv.announce(e, false)
}

// announce puts an end that has room again on the list and wakes every sender:
// one may wait for this pipe, another for any.
func (h *Hub) announce(e *End) { h.send.announce(e, true) }

// WakeReceivers wakes every receiver, so that it looks again.
func (h *Hub) WakeReceivers() { h.recv.announce(nil, true) }

// WakeSenders wakes every sender, so that it tries again.
func (h *Hub) WakeSenders() { h.send.announce(nil, true) }

// PassReceive wakes one receiver more; for one that leaves messages behind.
func (h *Hub) PassReceive() { h.recv.announce(nil, false) }

func (s *side) announce(e *End, all bool) {
	s.mu.Lock()
	s.count++
	if e != nil {
		s.ends = append(s.ends, e)
		s.news.Store(true)
	}
	for len(s.waiters) > 0 {
		w := s.waiters[0]
		s.waiters = s.waiters[:copy(s.waiters, s.waiters[1:])]
		w.queued = false
		w.signal()
		if !all {
			break
		}
	}
	list := s.watchers
	s.mu.Unlock()
	tellAll(list)
}

func (w *Waiter) signal() {
	select {
	case w.C <- struct{}{}:
	default:
	}
	if rouse := w.rouse.Load(); rouse != nil {
		(*rouse)()
	}
}

// HasReadable and HasWritable tell without a lock whether there is something to
// adopt.
func (h *Hub) HasReadable() bool { return h.recv.news.Load() }

// HasWritable is HasReadable for room.
func (h *Hub) HasWritable() bool { return h.send.news.Load() }

// HoldReadable makes HasReadable true for as long as on says: something that the
// hub does not know of is to be received first.
func (h *Hub) HoldReadable(on bool) {
	s := &h.recv
	s.mu.Lock()
	s.held = on
	s.news.Store(on || len(s.ends) > 0)
	s.mu.Unlock()
}

// Readable calls adopt for every end that became readable since the last call.
// Called with recvMu held, which is what keeps two calls apart.
func (h *Hub) Readable(adopt func(*End)) { h.recv.adopt(adopt) }

// Writable calls adopt for every end that has room again since the last call.
// Called with sendMu held.
func (h *Hub) Writable(adopt func(*End)) { h.send.adopt(adopt) }

func (s *side) adopt(adopt func(*End)) {
	s.mu.Lock()
	ends := s.ends
	s.ends, s.spare = s.spare[:0], nil
	s.news.Store(s.held)
	s.mu.Unlock()
	for _, e := range ends {
		adopt(e)
	}
	clear(ends)
	s.mu.Lock()
	s.spare = ends
	s.mu.Unlock()
}

// RecvCount and SendCount are the numbers of announcements so far, to be noted
// before a try.
func (h *Hub) RecvCount() uint64 { return h.recv.now() }

// SendCount is RecvCount for senders.
func (h *Hub) SendCount() uint64 { return h.send.now() }

func (s *side) now() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// AwaitReceive queues w for the next signal to receivers, unless something was
// announced since count was noted: then it reports false, and the caller tries
// again.
func (h *Hub) AwaitReceive(w *Waiter, count uint64) bool { return h.recv.await(w, count) }

// AwaitSend is AwaitReceive for senders.
func (h *Hub) AwaitSend(w *Waiter, count uint64) bool { return h.send.await(w, count) }

func (s *side) await(w *Waiter, count uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count != count {
		return false
	}
	w.queued = true
	s.waiters = append(s.waiters, w)
	return true
}

// LeaveReceive takes w off the queue of receivers, and passes on a signal that
// it got and has no use for.
func (h *Hub) LeaveReceive(w *Waiter) {
	if h.recv.leave(w) {
		h.PassReceive()
	}
}

// LeaveSend is LeaveReceive for senders; all of them are woken at once, so there
// is nothing to pass on.
func (h *Hub) LeaveSend(w *Waiter) { h.send.leave(w) }

// leave reports whether w had been signalled already.
func (s *side) leave(w *Waiter) (signalled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.queued {
		w.queued = false
		for i := range s.waiters {
			if s.waiters[i] == w {
				s.waiters = append(s.waiters[:i], s.waiters[i+1:]...)
				break
			}
		}
		return false
	}
	select {
	case <-w.C:
		return true
	default:
		return false
	}
}

// ReceiversWait reports whether some goroutine waits for a message.
func (h *Hub) ReceiversWait() bool {
	h.recv.mu.Lock()
	defer h.recv.mu.Unlock()
	return len(h.recv.waiters) > 0
}

// A tell is the list of ends that must hear, after sendMu is released, that
// something waits for them: what they do then may take locks of another socket
// or write to a connection.
type tell struct {
	first *End
	more  []*End
	spare []*End
}

// tellLater puts an end on the list. Called with sendMu held.
func (h *Hub) tellLater(e *End) {
	if h.later.first == nil {
		h.later.first = e
		return
	}
	h.later.more = append(h.later.more, e)
}

// A Tell is what Later returned.
type Tell struct {
	first *End
	more  []*End
	alone bool
}

// Later takes the list of ends that must hear of what was written. Called with
// sendMu held; the caller calls Now on it after releasing the lock.
func (h *Hub) Later() Tell {
	if h.later.first == nil {
		return Tell{}
	}
	t := Tell{h.later.first, h.later.more, len(h.later.more) == 0 && !h.behind.Load()}
	h.later.first = nil
	h.later.more, h.later.spare = h.later.spare, nil
	return t
}

// None reports that nobody must hear of anything. Called with sendMu held.
func (h *Hub) None() bool { return h.later.first == nil }

// Now tells the ends. Called with no lock held.
func (t *Tell) Now() {
	if t.first == nil {
		return
	}
	t.first.readable(t.alone)
	for i, e := range t.more {
		e.readable(false)
		t.more[i] = nil
	}
}

// Behind says that more is about to be written, so that what was written need not
// go out at once.
func (t *Tell) Behind() { t.alone = false }

// Many reports whether the list has more than one entry, so that it is worth
// giving back.
func (t *Tell) Many() bool { return len(t.more) > 0 }

// Reuse gives a list back after Now. Called with sendMu held.
func (h *Hub) Reuse(t Tell) { h.later.spare = t.more[:0] }
