package zmq

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/mechanism"
	"zeromux/transport"
	"zeromux/transport/ipc"
	"zeromux/transport/tcp"
	"zeromux/transport/tls"
	"zeromux/zmtp"
)

const (
	// maxTTL is the longest time to live that fits its 16 bits of tenths of
	// seconds.
	maxTTL = math.MaxUint16 * 100 * time.Millisecond
	// maxDevice is the most octets of an interface's name, as in libzmq.
	maxDevice = 16
	// maxKeepAlive and maxKeepAliveCount are Linux's. Beyond them every
	// connection would fail, one by one.
	maxKeepAlive      = 32767 * time.Second
	maxKeepAliveCount = 127
	// maxTOS is an octet's.
	maxTOS = math.MaxUint8
	// maxInt, maxRetransmit and maxBusyPoll are what a C int holds, which is what
	// libzmq and the system's calls take: octets, messages, milliseconds and
	// microseconds.
	maxInt        = math.MaxInt32
	maxRetransmit = math.MaxInt32 * time.Millisecond
	maxBusyPoll   = math.MaxInt32 * time.Microsecond
	// maxCredential is the most octets of a proxy's user and password. RFC 1929.
	maxCredential = 255
	// maxDomain is the most octets of a ZAP domain, as in libzmq.
	maxDomain = 255
	// maxMetadata is the most octets of all names and values of Metadata, far
	// below what a peer takes in a handshake.
	maxMetadata = 64 << 10
	// maxProperties is how many they may be: what a peer of ours takes, less
	// those that the handshake says itself.
	maxProperties = zmtp.MaxProperties - 10
)

// The types for which something comes of the fields that are not for all.
var (
	conflaters = []SocketType{DEALER, PULL, PUSH, PUB, SUB}
	routers    = []SocketType{ROUTER}
	probers    = []SocketType{ROUTER, DEALER, REQ}
	requesters = []SocketType{REQ}
	reporters  = []SocketType{XPUB} // PUB tells its application nothing, and grants nothing by hand
	publishers = []SocketType{XPUB, PUB}
	matchers   = []SocketType{XPUB, PUB, SUB}
	readers    = []SocketType{XPUB, PUB, XSUB} // of subscriptions in messages
	forwarders = []SocketType{XSUB}
	streams    = []SocketType{STREAM}
	greeters   = []SocketType{DEALER, ROUTER}
	dealers    = []SocketType{DEALER}
)

// check returns what is wrong with c for a socket of type t: the field, what it
// is and what it may be.
func (c *Config) check(t SocketType) error {
	if err := c.checkType(t); err != nil {
		return err
	}
	for _, f := range []struct {
		name               string
		value, least, most int64
	}{
		{"HighWater.Send", int64(c.HighWater.Send), Unlimited, maxInt},
		{"HighWater.Recv", int64(c.HighWater.Recv), Unlimited, maxInt},
		{"Limits.MessageSize", c.Limits.MessageSize, Unlimited, math.MaxInt64},
		{"Limits.Frames", int64(c.Limits.Frames), Unlimited, maxInt},
		{"Limits.Subscriptions", int64(c.Limits.Subscriptions), Unlimited, maxInt},
		{"Network.Backlog", int64(c.Network.Backlog), NoBacklog, maxInt},
		{"Network.SendBuffer", int64(c.Network.SendBuffer), 0, maxInt},
		{"Network.RecvBuffer", int64(c.Network.RecvBuffer), 0, maxInt},
		{"Network.ReadMost", int64(c.Network.ReadMost), 0, maxInt},
		{"Network.WriteMost", int64(c.Network.WriteMost), 0, maxInt},
		{"TCP.KeepAliveCount", int64(c.TCP.KeepAliveCount), 0, maxKeepAliveCount},
		{"TCP.TOS", int64(c.TCP.TOS), 0, maxTOS},
		{"TCP.Priority", int64(c.TCP.Priority), 0, maxInt},
	} {
		if f.value < f.least || f.value > f.most {
			return fmt.Errorf("%w: Config.%s is %d, must be %d to %d", ErrInvalid, f.name, f.value, f.least, f.most)
		}
	}
	for _, f := range []struct {
		name               string
		value, least, most time.Duration
	}{
		{"Linger", c.Linger, NoLinger, Forever},
		{"SendTimeout", c.SendTimeout, NoWait, Forever},
		{"RecvTimeout", c.RecvTimeout, NoWait, Forever},
		{"Reconnect.Interval", c.Reconnect.Interval, Never, Forever},
		{"Reconnect.Max", c.Reconnect.Max, 0, Forever},
		{"Reconnect.HandshakeTimeout", c.Reconnect.HandshakeTimeout, NoTimeout, Forever},
		{"Reconnect.ConnectTimeout", c.Reconnect.ConnectTimeout, 0, Forever},
		{"Heartbeat.Interval", c.Heartbeat.Interval, 0, Forever},
		{"Heartbeat.Timeout", c.Heartbeat.Timeout, NoTimeout, Forever},
		{"Heartbeat.TTL", c.Heartbeat.TTL, 0, maxTTL},
		{"TCP.KeepAliveIdle", c.TCP.KeepAliveIdle, 0, maxKeepAlive},
		{"TCP.KeepAliveInterval", c.TCP.KeepAliveInterval, 0, maxKeepAlive},
		{"TCP.MaxRetransmit", c.TCP.MaxRetransmit, 0, maxRetransmit},
		{"TCP.BusyPoll", c.TCP.BusyPoll, 0, maxBusyPoll},
	} {
		switch {
		case f.value >= f.least && f.value <= f.most:
		case f.most == Forever:
			return fmt.Errorf("%w: Config.%s is %v, must be %v or more", ErrInvalid, f.name, f.value, f.least)
		default:
			return fmt.Errorf("%w: Config.%s is %v, must be %v to %v", ErrInvalid, f.name, f.value, f.least, f.most)
		}
	}
	for _, f := range []struct {
		name, value string
		most        int
	}{
		{"RoutingID", c.RoutingID, maxRoutingID},
		{"TCP.BindToDevice", c.TCP.BindToDevice, maxDevice},
		{"TCP.Proxy.User", c.TCP.Proxy.User, maxCredential},
		{"TCP.Proxy.Password", string(c.TCP.Proxy.Password), maxCredential},
		{"Security.Plain.Username", c.Security.Plain.Username, mechanism.MaxPlain},
		{"Security.Plain.Password", string(c.Security.Plain.Password), mechanism.MaxPlain},
		{"Security.ZAPDomain", c.Security.ZAPDomain, maxDomain},
	} {
		if n := len(f.value); n > f.most {
			return fmt.Errorf("%w: Config.%s has %d octets, must have at most %d", ErrInvalid, f.name, n, f.most)
		}
	}
	if r := c.Router; r.Raw && (r.Handover || r.NotifyConnect || r.NotifyDisconnect || r.Probe || c.Presence != Presence{}) {
		return fmt.Errorf("%w: Config.Router.Raw goes with no other field of Router but Mandatory, nor with Presence", ErrInvalid)
	}
	if err := c.Security.check(t == STREAM || c.Router.Raw); err != nil {
		return err
	}
	if err := c.checkMetadata(); err != nil {
		return err
	}
	return c.checkSystem()
}

// checkSystem refuses what the transports cannot do here, or nowhere.
func (c *Config) checkSystem() error {
	o := c.transport()
	for _, err := range []error{tcp.CheckOptions(&o), ipc.CheckOptions(&o), tls.CheckOptions(&o)} {
		switch {
		case errors.Is(err, transport.ErrInvalid):
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		case err != nil:
			return err
		}
	}
	return nil
}

// checkContext refuses what a context with such a configuration has not.
func (c *Config) checkContext(of *ContextConfig) error {
	if c.Network.Affinity == 0 {
		return nil
	}
	if err := engine.CheckAffinity(of.Multiplexer); err != nil {
		return fmt.Errorf("Config.Network.Affinity: %w", err)
	}
	return nil
}

// checkType refuses what a socket of type t would not act on.
func (c *Config) checkType(t SocketType) error {
	for _, f := range []struct {
		name  string
		set   bool
		types []SocketType
	}{
		{"Conflate", c.Conflate, conflaters},
		{"Router.Mandatory", c.Router.Mandatory, routers},
		{"Router.Handover", c.Router.Handover, routers},
		{"Router.NotifyConnect", c.Router.NotifyConnect, routers},
		{"Router.NotifyDisconnect", c.Router.NotifyDisconnect, routers},
		{"Router.Probe", c.Router.Probe, probers},
		{"Router.Raw", c.Router.Raw, routers},
		{"Req.Correlate", c.Req.Correlate, requesters},
		{"Req.Relaxed", c.Req.Relaxed, requesters},
		{"PubSub.Verbose", c.PubSub.Verbose, reporters},
		{"PubSub.Verboser", c.PubSub.Verboser, reporters},
		{"PubSub.Manual", c.PubSub.Manual, reporters},
		{"PubSub.ManualLastValue", c.PubSub.ManualLastValue, reporters},
		{"PubSub.NoDrop", c.PubSub.NoDrop, publishers},
		{"PubSub.Welcome", c.PubSub.Welcome != "", publishers},
		{"PubSub.InvertMatching", c.PubSub.InvertMatching, matchers},
		{"PubSub.OnlyFirstSubscribe", c.PubSub.OnlyFirstSubscribe, readers},
		{"PubSub.VerboseUnsubscribe", c.PubSub.VerboseUnsubscribe, forwarders},
		{"Stream.Silent", c.Stream.Silent, streams},
		{"Presence.Hello", c.Presence.Hello != "", greeters},
		{"Presence.Disconnect", c.Presence.Disconnect != "", routers},
		{"Presence.Hiccup", c.Presence.Hiccup != "", dealers},
	} {
		if f.set && !slices.Contains(f.types, t) {
			return fmt.Errorf("%w: Config.%s is not for %v", ErrInvalid, f.name, t)
		}
	}
	return nil
}

func (c *Config) checkMetadata() error {
	if len(c.Metadata) > maxProperties {
		return fmt.Errorf("%w: Config.Metadata has more than %d properties", ErrInvalid, maxProperties)
	}
	size := 0
	for name, value := range c.Metadata {
		size += len(name) + len(value)
		switch {
		case size > maxMetadata:
			return fmt.Errorf("%w: Config.Metadata has more than %d octets", ErrInvalid, maxMetadata)
		case !strings.HasPrefix(name, "X-"), len(name) > 255, strings.Contains(name, ":"):
			return fmt.Errorf(`%w: Config.Metadata name %.300q is not "X-" and more, 255 octets at most, without colon`, ErrInvalid, name)
		case value == "":
			return fmt.Errorf("%w: Config.Metadata value of %q is empty", ErrInvalid, name)
		}
	}
	return nil
}
