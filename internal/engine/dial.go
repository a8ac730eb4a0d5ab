package engine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"zeromux/transport"
)

// dialling is what a session has that connects.
type dialling struct {
	scheme  transport.Transport
	address string
	wantID  []byte          // the routing id that the application chose for the peer; empty: none
	attempt int             // since the last connection that came up
	untold  error           // why the last attempt failed, if no event has told it: there was no address to try
	ctx     context.Context // ends when the session gives up
	cancel  context.CancelFunc

	ups, failures atomic.Uint64 // connections that came up, and handshakes that failed
}

// Connect makes a session that connects to address by t, again and again, and
// returns at once. The address has passed t's CheckConnect. wantID is the
// routing id that the application chose for the peer, or empty.
func Connect(env *Env, host Host, cfg *Config, t transport.Transport, address, endpoint string, wantID []byte) *Session {
	s := newSession(&origin{env: env, host: host, cfg: cfg, endpoint: endpoint})
	s.dialling = &dialling{scheme: t, address: address, wantID: wantID}
	s.dialling.ctx, s.dialling.cancel = context.WithCancel(context.Background())
	if !host.Started(s) || (!cfg.Immediate || cfg.Raw) && !s.open() {
		s.finish() // closed, or the pattern takes no further pipe: libzmq's connect succeeds all the same
		return s
	}
	go s.connectLoop(false)
	return s
}

// connectLoop dials and shakes hands until a connection is up and its driver
// has the session, or the session ends. With wait it begins with a pause.
func (s *Session) connectLoop(wait bool) {
	d := s.dialling
	for {
		if wait && !s.pause() || s.finished() {
			break
		}
		wait = true
		nc, err := s.dial()
		if err != nil {
			if s.finished() {
				break
			}
			if s.cfg.ReconnectStop&StopRefused != 0 && errors.Is(err, syscall.ECONNREFUSED) || !s.mayRetry() {
				break
			}
			continue
		}
		s.descriptor = descriptor(nc)
		s.event(Event{Kind: EventConnected, Value: s.descriptor}, nc)
		err = s.establish(nc, peerAddress(d.scheme, nc))
		if err == nil {
			return
		}
		if s.cfg.ReconnectStop&StopHandshake != 0 || !s.retry(err) {
			break
		}
	}
	s.finish()
}

// dial makes one attempt and reports how it began and ended.
func (s *Session) dial() (net.Conn, error) {
	d := s.dialling
	options := s.cfg.Transport
	var waiting atomic.Bool
	options.Connecting = func() {
		waiting.Store(true)
		s.event(Event{Kind: EventConnectDelayed, Value: int(syscall.EINPROGRESS)}, nil)
	}
	nc, err := d.scheme.Dial(d.ctx, d.address, &options)
	if err == nil {
		return nc, nil
	}
	if waiting.Load() || attempted(err) && !s.finished() {
		s.event(Event{Kind: EventClosed, Err: err, Value: -1}, nil)
	} else {
		d.untold = err
	}
	return nil, err
}

// Reconnects is how many connections of the session came up after the first; zero for
// one that was accepted.
func (s *Session) Reconnects() uint64 {
	if s.dialling == nil {
		return 0
	}
	return max(s.dialling.ups.Load(), 1) - 1
}

// Failures is how many handshakes of the session failed; zero for one that was accepted.
func (s *Session) Failures() uint64 {
	if s.dialling == nil {
		return 0
	}
	return s.dialling.failures.Load()
}

// peerAddress names the other end of a connection as libzmq does.
func peerAddress(t transport.Transport, nc net.Conn) string {
	if namer, ok := t.(transport.PeerNamer); ok {
		return namer.PeerAddress(nc)
	}
	return addressOf(nc.RemoteAddr())
}

// retry reports whether a connection that ended with err is followed by
// another.
func (s *Session) retry(err error) bool {
	return reasonOf(err) != reasonProtocol && s.mayRetry()
}

// mayRetry reports whether the session may dial once more.
func (s *Session) mayRetry() bool {
	return s.cfg.ReconnectInterval > 0 && !s.finished() &&
		(s.cfg.ReconnectStop&StopDisconnect == 0 || !s.hasParted())
}

// pause waits before the next attempt and reports whether there is to be one.
func (s *Session) pause() bool {
	d := s.backoff()
	s.event(Event{Kind: EventConnectRetried, Value: int(d / time.Millisecond), Err: s.dialling.untold}, nil)
	s.dialling.untold = nil
	over := make(chan struct{})
	t := s.env.Wheel.After(d, func() { close(over) })
	defer t.Stop()
	select {
	case <-over:
		return true
	case <-s.dialling.ctx.Done():
		return false
	}
}

// backoff is the length of the next pause: the interval and a random part of
// the same length, or, with a maximum, the interval doubled each time.
func (s *Session) backoff() time.Duration {
	base, most := s.cfg.ReconnectInterval, s.cfg.ReconnectIntervalMax
	if most <= 0 {
		return base + min(rand.N(base), math.MaxInt64-base)
	}
	d := base
	for i := 0; i < s.dialling.attempt && d < most; i++ {
		d += min(d, math.MaxInt64-d)
	}
	s.dialling.attempt++
	return min(d, most)
}
