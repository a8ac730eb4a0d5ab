package zmq

import (
	"maps"
	"slices"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/message"
	"zeromux/internal/pattern"
	"zeromux/transport"
)

// This file hands each floor its own share of a Config.

// marks are the high-water marks as package pipe counts them: zero is none.
func (h HighWater) marks() (send, recv int) { return mark(h.Send), mark(h.Recv) }

func mark(n int) int {
	switch n {
	case 0:
		return defaultHighWater
	case Unlimited:
		return 0
	}
	return n
}

// withDefault is d, or a default for zero, or zero for what stands for none.
func withDefault(d, standard time.Duration) time.Duration {
	switch {
	case d == 0:
		return standard
	case d < 0:
		return 0
	}
	return d
}

// pattern is a pattern's share of c.
func (c *Config) pattern() pattern.Options {
	_, recv := c.HighWater.marks()
	o := pattern.Options{
		RouterRaw: c.Router.Raw, RouterMandatory: c.Router.Mandatory, RouterHandover: c.Router.Handover, ProbeRouter: c.Router.Probe,
		ReqCorrelate: c.Req.Correlate, ReqRelaxed: c.Req.Relaxed,
		XPubVerbose: c.PubSub.Verbose, XPubVerboser: c.PubSub.Verboser,
		XPubManual: c.PubSub.Manual, XPubManualLastValue: c.PubSub.ManualLastValue,
		XPubNoDrop: c.PubSub.NoDrop, InvertMatching: c.PubSub.InvertMatching,
		OnlyFirstSubscribe: c.PubSub.OnlyFirstSubscribe, XSubVerboseUnsubscribe: c.PubSub.VerboseUnsubscribe,
		StreamSilent: c.Stream.Silent, MaxSubscriptions: max(c.Limits.Subscriptions, 0), ReceiveHighWater: recv,
	}
	if c.Router.NotifyConnect {
		o.RouterNotify |= 1
	}
	if c.Router.NotifyDisconnect {
		o.RouterNotify |= 2
	}
	if c.PubSub.Welcome != "" {
		o.XPubWelcome = []byte(c.PubSub.Welcome)
	}
	return o
}

// engine is the engine's share of c, for a socket of the type of row.
func (c *Config) engine(row *pattern.Row) *engine.Config {
	rules := c.pattern()
	e := &engine.Config{
		SocketType: row.Name, SocketNumber: byte(row.Type), Peers: row.Peers,
		RoutingID: []byte(c.RoutingID), AnnouncesID: row.AnnouncesID,
		Publisher: row.Publisher, Raw: row.Raw || c.Router.Raw, Hello: []byte(c.Presence.Hello),
		HandshakeInterval:    withDefault(c.Reconnect.HandshakeTimeout, defaultHandshakeInterval),
		ReconnectInterval:    withDefault(c.Reconnect.Interval, defaultReconnectInterval),
		ReconnectIntervalMax: c.Reconnect.Max,
		Immediate:            c.Reconnect.Immediate,
		MaxMessageSize:       -1,
		MaxFrames:            max(c.Limits.Frames, 0),
		ReadMost:             c.Network.ReadMost,
		WriteMost:            c.Network.WriteMost,
		Affinity:             c.Network.Affinity,
		Conflate:             c.Conflate && row.Conflates,
		Notices:              row.Notices(&rules),
		Disconnect:           []byte(c.Presence.Disconnect),
		Hiccup:               []byte(c.Presence.Hiccup),
		HeartbeatInterval:    c.Heartbeat.Interval,
		HeartbeatTimeout:     withDefault(c.Heartbeat.Timeout, c.Heartbeat.Interval),
		HeartbeatTTL:         c.Heartbeat.TTL,
		Transport:            c.transport(),
	}
	if c.Limits.MessageSize > 0 {
		e.MaxMessageSize = c.Limits.MessageSize
	}
	if c.Reconnect.StopRefused {
		e.ReconnectStop |= engine.StopRefused
	}
	if c.Reconnect.StopHandshake {
		e.ReconnectStop |= engine.StopHandshake
	}
	if c.Reconnect.StopDisconnect {
		e.ReconnectStop |= engine.StopDisconnect
	}
	c.Security.engine(e)
	for _, name := range sortedKeys(c.Metadata) {
		e.Metadata = append(e.Metadata, message.Property{Name: name, Value: []byte(c.Metadata[name])})
	}
	return e
}

// transport is the transports' share of c.
func (c *Config) transport() transport.Options {
	o := transport.Options{
		IPv6: c.Network.IPv6, Backlog: c.Network.Backlog, ConnectTimeout: c.Reconnect.ConnectTimeout,
		SendBuffer: c.Network.SendBuffer, RecvBuffer: c.Network.RecvBuffer,
		TOS: c.TCP.TOS, Priority: c.TCP.Priority, BindToDevice: c.TCP.BindToDevice,
		MaxRetransmit: c.TCP.MaxRetransmit, BusyPoll: c.TCP.BusyPoll, LoopbackFastPath: c.TCP.LoopbackFastPath,
		AcceptFrom: c.TCP.AcceptFrom, Proxy: c.TCP.Proxy.transport(), Dialer: c.Network.Dial,
		TLS:        transport.TLS(c.TLS),
		AcceptPIDs: c.IPC.AcceptPIDs, AcceptUIDs: c.IPC.AcceptUIDs, AcceptGIDs: c.IPC.AcceptGIDs,
		KeepAlive: transport.KeepAlive{
			Idle: c.TCP.KeepAliveIdle, Interval: c.TCP.KeepAliveInterval, Count: c.TCP.KeepAliveCount,
		},
	}
	if c.TCP.KeepAlive != nil {
		o.KeepAlive.Mode = transport.KeepAliveOff
		if *c.TCP.KeepAlive {
			o.KeepAlive.Mode = transport.KeepAliveOn
		}
	}
	return o
}

// transport is the transport's share of p.
func (p *SOCKSProxy) transport() transport.Proxy {
	return transport.Proxy{Address: p.Address, User: p.User, Password: string(p.Password)}
}

// linger is how long unsent messages are kept, below zero without limit.
func (c *Config) linger(row *pattern.Row, blocky bool) time.Duration {
	switch {
	case c.Linger == 0 && (row.NoLinger || !blocky), c.Linger == NoLinger:
		return 0
	case c.Linger == 0, c.Linger == Forever:
		return -1
	}
	return c.Linger
}

func sortedKeys(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}
