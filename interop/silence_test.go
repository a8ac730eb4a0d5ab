package interop

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// A relay stands between two sockets: what connects to it reaches the other. It can
// fall silent without closing anything.
type relay struct {
	testing.TB
	ln       net.Listener
	endpoint string
	target   string
	mu       sync.Mutex // guards what follows
	ends     []*zmtptest.Flaky
	silent   bool
	running  sync.WaitGroup
}

// startRelay relays connections to an endpoint of tcp.
func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{TB: t, ln: ln, endpoint: "tcp://" + ln.Addr().String(), target: strings.TrimPrefix(to, "tcp://")}
	r.running.Go(func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", r.target)
			if err != nil {
				_ = near.Close()
				continue
			}
			r.join(near, far)
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		r.mu.Lock()
		for _, end := range r.ends {
			_ = end.Close()
		}
		r.mu.Unlock()
		r.running.Wait()
	})
	return r
}

// join forwards between two connections until one ends.
func (r *relay) join(a, b net.Conn) {
	near, far := zmtptest.NewFlaky(a), zmtptest.NewFlaky(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, near, far)
	if r.silent {
		near.Writes.Stall()
		far.Writes.Stall()
	}
	forward := func(to, from *zmtptest.Flaky) {
		_, _ = io.Copy(to, from) // until either side ends
		_ = to.Close()
		_ = from.Close()
	}
	r.running.Go(func() { forward(near, far) })
	r.running.Go(func() { forward(far, near) })
}

// fall makes the relay silent in both directions, for connections that come as well,
// or has it speak again.
func (r *relay) fall(silent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = silent
	for _, end := range r.ends {
		if silent {
			end.Writes.Stall()
		} else {
			end.Writes.Release()
		}
	}
}

// until waits for what no event tells.
func (u *ours) until(what string, holds func() bool) {
	u.t.Helper()
	for ; !holds(); runtime.Gosched() {
		if u.ctx.Err() != nil {
			u.t.Fatalf("never: %s", what)
		}
	}
}

// A connection goes silent, and nobody closes it: whoever has heartbeats finds out, on
// either side, and comes back when the network does.
func TestHeartbeatsFindAConnectionThatGoesSilent(t *testing.T) {
	for _, c := range []struct {
		name               string
		ours, theirs       bool // who has heartbeats
		weBind             bool
		ttl                bool // in place of a timeout: it is the other side that acts
		weNotice, theyHear bool
	}{
		{name: "ours, and we bind", ours: true, weBind: true, weNotice: true},
		{name: "ours, and we connect", ours: true, weNotice: true},
		{name: "theirs, and we bind", theirs: true, weBind: true, theyHear: true},
		{name: "theirs, and we connect", theirs: true, theyHear: true},
		{name: "both", ours: true, theirs: true, weBind: true, weNotice: true, theyHear: true},
		{name: "our time to live, which they keep", ours: true, ttl: true, weBind: true, theyHear: true},
		{name: "their time to live, which we keep", theirs: true, ttl: true, weNotice: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := bounded(t, testTime)
			heart := func(config *zmq.Config) {
				if !c.ours {
					return
				}
				config.Heartbeat = zmq.Heartbeat{Interval: 100 * time.Millisecond, Timeout: 500 * time.Millisecond}
				if c.ttl {
					config.Heartbeat.Timeout, config.Heartbeat.TTL = zmq.NoTimeout, 500*time.Millisecond
				}
			}
			us, them := ourSocket(ctx, t, "DEALER", heart), startLibzmq(ctx, t).socket(t, "DEALER")
			if c.theirs {
				them.set("HEARTBEAT_IVL", 100)
				if c.ttl {
					them.set("HEARTBEAT_TTL", 500)
					them.set("HEARTBEAT_TIMEOUT", 60_000)
				} else {
					them.set("HEARTBEAT_TIMEOUT", 500)
				}
			}
			them.set("HANDSHAKE_IVL", 500) // what connects to a silent relay is not to wait for long
			them.monitor()
			var r *relay
			if c.weBind {
				r = startRelay(t, us.bind("tcp://127.0.0.1:*"))
				them.connect(r.endpoint)
			} else {
				r = startRelay(t, them.bind("tcp://127.0.0.1:*"))
				us.connect(r.endpoint)
			}
			us.send("hello")
			wantFrames(t, them.recv(), "hello")
			them.send("hello")
			wantFrames(t, us.recv(), "hello")
			us.wait(zmq.EventHandshakeSucceeded)
			them.event("HANDSHAKE_SUCCEEDED")
			if c.ours {
				us.until("a PING is answered", func() bool { return us.s.Stats().RoundTrip > 0 })
			}
			// A time to live counts from a PING with nothing behind it.
			if them.tryEvent("DISCONNECTED", 300*time.Millisecond) {
				t.Fatal("the connection ends although heartbeats come")
			}
			r.fall(true)
			if c.weNotice {
				us.wait(zmq.EventDisconnected)
			}
			if c.theyHear {
				them.event("DISCONNECTED")
			}
			r.fall(false)
			us.wait(zmq.EventHandshakeSucceeded)
			us.until("what was silent is gone", func() bool { return len(us.s.Peers()) == 1 })
			us.send("again")
			wantFrames(t, them.recv(), "again")
		})
	}
}
