package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"zeromux/zmtp"
)

// heartbeat watches over the silence of one connection. The rules are libzmq's:
// a PING every interval whatever the traffic; from a PING on, anything
// whole that arrives within the timeout will do; a PING that carries a time to
// live starts a watch of our own, which the next frame ends.
type heartbeat struct {
	wheel    *Wheel
	interval time.Duration
	timeout  time.Duration
	ping     []byte // the command
	send     func(body []byte)
	expired  func()

	watching atomic.Bool // answer or alive is set, so that a busy reader need not lock

	mu      sync.Mutex // guards all below
	stopped bool
	paused  bool          // we do not read: silence means nothing
	beat    *Timer        // the next PING
	answer  *Timer        // by when something must arrive after our PING; nil: not waiting
	alive   *Timer        // by when something must arrive after the peer's PING
	ttl     time.Duration // of alive
}

// start begins to beat, if the configuration says so.
func (h *heartbeat) start(cfg *Config) {
	h.interval, h.timeout = cfg.HeartbeatInterval, cfg.HeartbeatTimeout
	if h.interval <= 0 {
		return
	}
	ttl := cfg.HeartbeatTTL / (100 * time.Millisecond)
	h.ping = zmtp.AppendPing(nil, uint16(min(ttl, zmtp.SafeTTL)), nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.beat = h.wheel.After(h.interval, h.tick)
	}
}

// tick sends a PING.
func (h *heartbeat) tick() {
	h.mu.Lock()
	if h.stopped {
		h.mu.Unlock()
		return
	}
	h.beat = h.wheel.After(h.interval, h.tick)
	if h.timeout > 0 && h.answer == nil {
		h.answer = h.watch(h.timeout)
	}
	h.mu.Unlock()
	h.send(h.ping)
}

// heard says that something whole has arrived.
func (h *heartbeat) heard() {
	if !h.watching.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answer != nil {
		h.answer.Stop()
		h.answer = nil
	}
	if h.alive != nil {
		h.alive.Stop()
		h.alive = nil
	}
	h.watching.Store(false)
}

// pinged says that the peer has sent a PING and how long it may then be silent;
// zero: as long as it likes.
func (h *heartbeat) pinged(ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.alive == nil && !h.stopped {
		h.alive, h.ttl = h.watch(ttl), ttl
	}
}

// watch begins a watch over the peer's silence. h.mu is held.
func (h *heartbeat) watch(d time.Duration) *Timer {
	h.watching.Store(true)
	var t *Timer // read by what is called only under h.mu
	t = h.wheel.After(d, func() { h.expire(&t) })
	if h.paused {
		t.Stop()
	}
	return t
}

// expire ends the connection, if the watch that is over was not called off, or
// followed by another, in the same moment.
func (h *heartbeat) expire(t **Timer) {
	h.mu.Lock()
	over := !h.stopped && !h.paused && (h.answer == *t || h.alive == *t)
	h.mu.Unlock()
	if over {
		h.expired()
	}
}

// pause says that nothing is read for a while, whatever the peer sends.
func (h *heartbeat) pause() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = true
	for _, t := range []*Timer{h.answer, h.alive} {
		if t != nil {
			t.Stop()
		}
	}
}

// resume says that reading goes on: watches begin anew.
func (h *heartbeat) resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = false
	if h.stopped {
		return
	}
	if h.answer != nil {
		h.answer.Reset(h.timeout)
	}
	if h.alive != nil {
		h.alive.Reset(h.ttl)
	}
}

// stop ends all timers.
func (h *heartbeat) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for _, t := range []*Timer{h.beat, h.answer, h.alive} {
		if t != nil {
			t.Stop()
		}
	}
}
