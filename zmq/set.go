package zmq

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"zeromux/internal/pipe"
)

// An Option is a setting of a Config that may change on a live socket. Each
// function that makes one says which field it sets; values mean the same there
// and here, zero being the default. See Socket.Set.
type Option struct {
	name  string
	types []SocketType // the types that it is for; nil: all
	set   func(*Config)
}

// WithSendHighWater sets HighWater.Send. Pipes that exist change with it; what
// is queued beyond the new mark stays.
func WithSendHighWater(n int) Option {
	return Option{name: "WithSendHighWater", set: func(c *Config) { c.HighWater.Send = n }}
}

// WithRecvHighWater sets HighWater.Recv, as WithSendHighWater does for sending.
func WithRecvHighWater(n int) Option {
	return Option{name: "WithRecvHighWater", set: func(c *Config) { c.HighWater.Recv = n }}
}

// WithLinger sets Linger, which is looked at when an endpoint is disconnected or
// the socket closed.
func WithLinger(d time.Duration) Option {
	return Option{name: "WithLinger", set: func(c *Config) { c.Linger = d }}
}

// WithSendTimeout sets SendTimeout, for calls that begin to wait later.
func WithSendTimeout(d time.Duration) Option {
	return Option{name: "WithSendTimeout", set: func(c *Config) { c.SendTimeout = d }}
}

// WithRecvTimeout sets RecvTimeout, for calls that begin to wait later.
func WithRecvTimeout(d time.Duration) Option {
	return Option{name: "WithRecvTimeout", set: func(c *Config) { c.RecvTimeout = d }}
}

// WithMandatory sets Router.Mandatory. For ROUTER.
func WithMandatory(on bool) Option {
	return Option{"WithMandatory", routers, func(c *Config) { c.Router.Mandatory = on }}
}

// WithHandover sets Router.Handover, for peers that come later. For ROUTER.
func WithHandover(on bool) Option {
	return Option{"WithHandover", routers, func(c *Config) { c.Router.Handover = on }}
}

// WithProbe sets Router.Probe, for peers that come later. For ROUTER, DEALER and
// REQ.
func WithProbe(on bool) Option {
	return Option{"WithProbe", probers, func(c *Config) { c.Router.Probe = on }}
}

// WithCorrelate sets Req.Correlate, from the next request on. For REQ.
func WithCorrelate(on bool) Option {
	return Option{"WithCorrelate", requesters, func(c *Config) { c.Req.Correlate = on }}
}

// WithRelaxed sets Req.Relaxed. For REQ.
func WithRelaxed(on bool) Option {
	return Option{"WithRelaxed", requesters, func(c *Config) { c.Req.Relaxed = on }}
}

// WithVerbose sets PubSub.Verbose, and takes PubSub.Verboser back, as in libzmq.
// For XPUB.
func WithVerbose(on bool) Option {
	return Option{"WithVerbose", reporters, func(c *Config) { c.PubSub.Verbose, c.PubSub.Verboser = on, false }}
}

// WithVerboser sets PubSub.Verboser. For XPUB.
func WithVerboser(on bool) Option {
	return Option{"WithVerboser", reporters, func(c *Config) { c.PubSub.Verbose, c.PubSub.Verboser = on, on }}
}

// WithManual sets PubSub.Manual, for subscriptions that arrive later. For XPUB.
func WithManual(on bool) Option {
	return Option{"WithManual", reporters, func(c *Config) { c.PubSub.Manual = on }}
}

// WithManualLastValue sets PubSub.Manual and PubSub.ManualLastValue. For XPUB.
func WithManualLastValue(on bool) Option {
	return Option{"WithManualLastValue", reporters, func(c *Config) {
		c.PubSub.Manual, c.PubSub.ManualLastValue = on, on
	}}
}

// WithNoDrop sets PubSub.NoDrop. For XPUB and PUB.
func WithNoDrop(on bool) Option {
	return Option{"WithNoDrop", publishers, func(c *Config) { c.PubSub.NoDrop = on }}
}

// WithWelcome sets PubSub.Welcome, for peers that come later; empty: none. For
// XPUB and PUB.
func WithWelcome(body string) Option {
	return Option{"WithWelcome", publishers, func(c *Config) { c.PubSub.Welcome = body }}
}

// WithInvertMatching sets PubSub.InvertMatching. For XPUB, PUB and SUB.
func WithInvertMatching(on bool) Option {
	return Option{"WithInvertMatching", matchers, func(c *Config) { c.PubSub.InvertMatching = on }}
}

// WithOnlyFirstSubscribe sets PubSub.OnlyFirstSubscribe. For XPUB, PUB and XSUB.
func WithOnlyFirstSubscribe(on bool) Option {
	return Option{"WithOnlyFirstSubscribe", readers, func(c *Config) { c.PubSub.OnlyFirstSubscribe = on }}
}

// WithVerboseUnsubscribe sets PubSub.VerboseUnsubscribe. For XSUB.
func WithVerboseUnsubscribe(on bool) Option {
	return Option{"WithVerboseUnsubscribe", forwarders, func(c *Config) { c.PubSub.VerboseUnsubscribe = on }}
}

// Set changes options of a live socket, at once and all together: when one of
// them is not for this socket type, or its value is out of range, none is
// changed. Whoever waits in Send or Recv looks again under the new options.
// What has no Option stands in Config for good. libzmq: zmq_setsockopt.
//
// The error wraps ErrInvalid, ErrClosed or ErrTerminated.
func (s *Socket) Set(options ...Option) error {
	if err := s.set(options); err != nil {
		return s.fail("set", "", err)
	}
	s.look()
	return nil
}

func (s *Socket) set(options []Option) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	s.recvMu.Lock()
	defer s.recvMu.Unlock()
	if s.dead != nil {
		return s.dead
	}
	config := s.config
	for _, o := range options {
		if o.set == nil {
			return fmt.Errorf("%w: an Option that no function has made", ErrInvalid)
		}
		if o.types != nil && !slices.Contains(o.types, s.Type()) {
			return fmt.Errorf("%w: %s is not for %v", ErrInvalid, o.name, s.Type())
		}
		o.set(&config)
		if err := config.check(s.Type()); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
	}
	remark := config.HighWater != s.config.HighWater
	s.config = config
	s.options = config.pattern()
	s.sendTimeout.Store(int64(waitFor(config.SendTimeout)))
	s.recvTimeout.Store(int64(waitFor(config.RecvTimeout)))
	if !remark {
		return nil
	}
	for _, e := range s.sessions {
		if e != nil {
			s.setMarks(e)
		}
	}
	for e := range s.links {
		s.setMarks(e)
	}
	return nil
}

// setMarks gives a pipe the socket's high-water marks. s.mu is held.
func (s *Socket) setMarks(e *pipe.End) {
	send, recv := s.config.HighWater.marks()
	e.SetSendMark(send)
	e.SetRecvMark(recv)
}

// Config returns the socket's configuration as it is now. libzmq:
// zmq_getsockopt.
func (s *Socket) Config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.clone()
}

// clone returns a copy that shares nothing.
func (c *Config) clone() Config {
	d := *c
	d.Metadata = maps.Clone(c.Metadata)
	if c.TCP.KeepAlive != nil {
		on := *c.TCP.KeepAlive
		d.TCP.KeepAlive = &on
	}
	return d
}
