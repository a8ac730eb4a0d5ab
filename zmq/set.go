package zmq

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"zeromux/internal/pipe"
	"zeromux/transport"
)

// An Option is a setting of a Config that counts at once on a live socket. Each
// function that makes one says which field it sets; values mean the same there
// and here, zero being the default. See Socket.Set, and Socket.Configure for every
// other field.
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
// changed. Whoever waits in Send or Recv looks again under the new options. What
// has no Option is Configure's. libzmq: zmq_setsockopt.
//
// The error wraps ErrInvalid, ErrClosed or ErrTerminated.
func (s *Socket) Set(options ...Option) error {
	return s.reconfigure(func(config *Config) error {
		for _, o := range options {
			if o.set == nil {
				return fmt.Errorf("%w: an Option that no function has made", ErrInvalid)
			}
			if o.types != nil && !slices.Contains(o.types, s.Type()) {
				return fmt.Errorf("%w: %s is not for %v", ErrInvalid, o.name, s.Type())
			}
			o.set(config)
			if err := s.check(config); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
		return nil
	})
}

// Configure changes the configuration of a live socket. It calls change with a
// copy of it, and what change leaves there counts from then on, all of it or,
// when something in it cannot be, nothing. change is called again if the
// configuration has changed meanwhile in another way; change must not do that itself,
// which is ErrInvalid in the end.
//
// HighWater, Linger, SendTimeout, RecvTimeout, Limits.Subscriptions, Req, PubSub, and
// of Router Mandatory, Handover and Probe count at once; whoever waits in Send or
// Recv looks again. Everything else is for endpoints that are bound or connected
// later: those that there are, with the connections that they get, stay as they
// are. Router.Raw does not change once there has been an endpoint. libzmq:
// zmq_setsockopt.
//
// The error wraps ErrInvalid, ErrClosed, ErrTerminated, or errors.ErrUnsupported
// for what this system does not have.
func (s *Socket) Configure(change func(*Config)) error {
	return s.reconfigure(func(config *Config) error {
		change(config)
		return s.check(config)
	})
}

// mostChanges is how often a change is tried. Other goroutines do not get in its way
// that often.
const mostChanges = 1000

// reconfigure has change make a new configuration of a copy and puts it into force.
func (s *Socket) reconfigure(change func(*Config) error) error {
	for tries := 1; ; tries++ {
		s.mu.Lock()
		config, seen := s.config.clone(), s.changes
		s.mu.Unlock()
		err := change(&config)
		if err == nil {
			config = config.clone() // change may have kept what it put there
			var done bool
			if done, err = s.apply(&config, seen); err == nil && !done {
				if tries < mostChanges {
					continue
				}
				err = fmt.Errorf("%w: another change has come before it each time, perhaps its own", ErrInvalid)
			}
		}
		if dead := s.death(); dead != nil {
			err = dead
		}
		if err != nil {
			return s.fail("set", "", err)
		}
		s.look()
		return nil
	}
}

// check returns what is wrong with a configuration for this socket.
func (s *Socket) check(config *Config) error {
	if err := config.check(s.Type()); err != nil {
		return err
	}
	return config.checkContext(&s.ctx.config)
}

// apply puts a checked configuration into force, unless another one has been put
// there since so many changes: then it reports false.
func (s *Socket) apply(config *Config, seen uint64) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	s.recvMu.Lock()
	defer s.recvMu.Unlock()
	switch {
	case s.dead != nil:
		return false, s.dead
	case s.changes != seen:
		return false, nil
	case config.Router.Raw != s.config.Router.Raw && s.used:
		return false, fmt.Errorf("%w: Config.Router.Raw cannot change any more: the socket has had an endpoint", ErrInvalid)
	}
	remark := config.HighWater != s.config.HighWater
	if config.PubSub.InvertMatching != s.config.PubSub.InvertMatching {
		s.tellChange() // other peers match now
	}
	s.config = config
	s.changes++
	s.options = config.pattern()
	s.sendTimeout.Store(int64(waitFor(config.SendTimeout)))
	s.recvTimeout.Store(int64(waitFor(config.RecvTimeout)))
	if !remark {
		return true, nil
	}
	for _, e := range s.sessions {
		if e != nil {
			s.setMarks(e)
		}
	}
	for e := range s.links {
		s.setMarks(e)
	}
	return true, nil
}

// setMarks gives a pipe the socket's high-water marks. s.mu is held.
func (s *Socket) setMarks(e *pipe.End) {
	send, recv := s.config.HighWater.marks()
	e.SetSendMark(send)
	e.SetRecvMark(recv)
}

// Config returns the socket's configuration as it is now, as it was given. See
// Effective for what zeros stand for. libzmq: zmq_getsockopt.
func (s *Socket) Config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.clone()
}

// Effective returns the socket's configuration with its defaults written out: what
// is zero then is off, empty or left to the system. libzmq: zmq_getsockopt.
func (s *Socket) Effective() Config {
	config := s.Config()
	standard(&config.HighWater.Send, defaultHighWater)
	standard(&config.HighWater.Recv, defaultHighWater)
	standard(&config.SendTimeout, Forever)
	standard(&config.RecvTimeout, Forever)
	standard(&config.Limits.MessageSize, Unlimited)
	standard(&config.Limits.Frames, Unlimited)
	standard(&config.Limits.Subscriptions, Unlimited)
	standard(&config.Reconnect.Interval, defaultReconnectInterval)
	standard(&config.Reconnect.HandshakeTimeout, defaultHandshakeInterval)
	standard(&config.Heartbeat.Timeout, config.Heartbeat.Interval)
	standard(&config.Network.Backlog, transport.DefaultBacklog)
	linger := Forever
	if s.row.NoLinger || s.ctx.config.NotBlocky {
		linger = NoLinger
	}
	standard(&config.Linger, linger)
	return config
}

// standard gives a field that is zero its default.
func standard[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// clone returns a copy that shares nothing.
func (c *Config) clone() Config {
	d := *c
	d.Metadata = maps.Clone(c.Metadata)
	d.TCP.AcceptFrom = slices.Clone(c.TCP.AcceptFrom)
	d.IPC.AcceptPIDs = slices.Clone(c.IPC.AcceptPIDs)
	d.IPC.AcceptUIDs = slices.Clone(c.IPC.AcceptUIDs)
	d.IPC.AcceptGIDs = slices.Clone(c.IPC.AcceptGIDs)
	if c.TCP.KeepAlive != nil {
		on := *c.TCP.KeepAlive
		d.TCP.KeepAlive = &on
	}
	return d
}
