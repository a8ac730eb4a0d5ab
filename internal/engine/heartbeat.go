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
//
// Most connections need none: a nil heartbeat hears, pauses and stops like any
// other, and never starts.
type heartbeat struct {
	c        *connection
	wheel    *Wheel
	interval time.Duration
	timeout  time.Duration
	ping     []byte // the command

	watching atomic.Bool // answer or alive is set, so that a busy reader need not lock

	mu      sync.Mutex // guards all below
	stopped bool
	paused  bool          // we do not read: silence means nothing
	beat    *Timer        // the next PING
	answer  *Timer        // by when something must arrive after our PING; nil: not waiting
	alive   *Timer        // by when something must arrive after the peer's PING
	ttl     time.Duration // of alive

	asked    time.Time     // when the PING was queued whose PONG is timed; zero: none
	unheard  int           // PINGs without a PONG
	last     time.Duration // what the last PONG took; zero: none has come
	smoothed time.Duration // what PONGs took of late
}

// smoothing is the share of a round trip in the smoothed one, as in RFC 6298.
const smoothing = 8

// forgotten is how many PINGs may be unheard before the PONG of one is taken for
// lost: a peer answers them in order, but need not answer all.
const forgotten = 16

func newHeartbeat(c *connection) *heartbeat {
	cfg := c.session.cfg
	ttl := cfg.HeartbeatTTL / (100 * time.Millisecond)
	return &heartbeat{
		c: c, wheel: c.session.env.Wheel, interval: cfg.HeartbeatInterval, timeout: cfg.HeartbeatTimeout,
		ping: zmtp.AppendPing(nil, uint16(min(ttl, zmtp.SafeTTL)), nil),
	}
}

// start begins to beat.
func (h *heartbeat) start() {
	if h == nil {
		return
	}
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
	if h.unheard++; h.unheard > forgotten {
		h.unheard, h.asked = 1, time.Time{}
	}
	if h.unheard == 1 && !h.paused {
		h.asked = time.Now()
	}
	h.mu.Unlock()
	h.c.send(h.ping)
}

// heard says that something whole has arrived.
func (h *heartbeat) heard() {
	if h == nil || !h.watching.Load() {
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
// which is not for ever.
func (h *heartbeat) pinged(ttl time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.alive == nil && !h.stopped {
		h.alive, h.ttl = h.watch(ttl), ttl
	}
}

// ponged says that a PONG has come. PINGs are answered in their order and say
// nothing by which to tell them apart, as libzmq's; so one is timed while no other
// is on its way.
func (h *heartbeat) ponged() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unheard = max(h.unheard-1, 0)
	if h.asked.IsZero() {
		return
	}
	h.last = max(time.Since(h.asked), 1)
	h.asked = time.Time{}
	if h.smoothed == 0 {
		h.smoothed = h.last
	}
	h.smoothed += (h.last - h.smoothed) / smoothing
}

// roundTrip is how long the last PONG took to come, and those of late; zero: none has
// come.
func (h *heartbeat) roundTrip() (last, smoothed time.Duration) {
	if h == nil {
		return 0, 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.smoothed
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
		h.c.session.start(func() { h.c.abort(errHeartbeat) })
	}
}

// pause says that nothing is read for a while, whatever the peer sends.
func (h *heartbeat) pause() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = true
	h.asked = time.Time{} // its PONG may have been there for long when it is read
	for _, t := range []*Timer{h.answer, h.alive} {
		if t != nil {
			t.Stop()
		}
	}
}

// resume says that reading goes on: watches begin anew.
func (h *heartbeat) resume() {
	if h == nil {
		return
	}
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
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for _, t := range []*Timer{h.beat, h.answer, h.alive} {
		if t != nil {
			t.Stop()
		}
	}
}
