package zmq

import (
	"fmt"
	"maps"
	"slices"

	"zeromux/internal/pipe"
	"zeromux/transport"
)

// Configure changes the configuration of a live socket. It calls change with a
// copy of it, and what change leaves there counts from then on, all of it or,
// when something in it cannot be, nothing. change is called again if the
// configuration has changed meanwhile in another way; change must not do that itself,
// which is ErrInvalid in the end.
//
// HighWater, Linger, SendTimeout, RecvTimeout, Limits.Subscriptions, Req, PubSub, and
// of Router Mandatory, Handover and Probe count at once; whoever waits in Send or
// Recv looks again. Of these a timeout is for calls that begin to wait later, Linger
// is looked at when an endpoint is given up or the socket closed, Handover, Probe and
// Welcome are for peers that come later, Manual for subscriptions that do, and what is
// queued beyond a new mark stays. Everything else is for endpoints that are bound or
// connected later: those that there are, with the connections that they get, stay as
// they are. Router.Raw does not change once there has been an endpoint. libzmq:
// zmq_setsockopt.
//
// The error wraps ErrInvalid, ErrClosed, ErrTerminated, or errors.ErrUnsupported
// for what this system does not have.
func (s *Socket) Configure(change func(*Config)) error {
	if change == nil {
		return s.fail(opConfigure, "", fmt.Errorf("%w: no function", ErrInvalid))
	}
	for tries := 1; ; tries++ {
		s.mu.Lock()
		config, seen := s.config.clone(), s.changes
		s.mu.Unlock()
		change(&config)
		err := s.check(&config)
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
			return s.fail(opConfigure, "", err)
		}
		s.look()
		return nil
	}
}

const opConfigure = "configure"

// mostChanges is how often a change is tried. Other goroutines do not get in its way
// that often.
const mostChanges = 1000

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
	case config.Router.Raw != s.config.Router.Raw && (s.used || s.opening > 0):
		return false, fmt.Errorf("%w: Config.Router.Raw cannot change: the socket has had an endpoint, or is opening its first", ErrInvalid)
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
