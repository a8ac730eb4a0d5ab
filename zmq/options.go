package zmq

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/netip"
	"time"
)

// Named values for what libzmq spells as 0 or -1.
const (
	// Unlimited lifts a limit that counts: no high-water mark, no maximum.
	Unlimited = -1
	// NoBacklog lets as few connections wait to be accepted as the system can.
	NoBacklog = -1
	// Forever lifts a limit of time.
	Forever time.Duration = math.MaxInt64
	// NoLinger throws away what is unsent when a socket closes.
	NoLinger time.Duration = -1
	// NoWait makes a call give up at once with ErrTimeout when it would wait.
	NoWait time.Duration = -1
	// Never is the reconnect interval of an endpoint that is tried once.
	Never time.Duration = -1
	// NoTimeout lets a handshake take, or a peer be silent for, as long as it
	// likes.
	NoTimeout time.Duration = -1
	// NoIOThreads makes a context of inproc alone.
	NoIOThreads = -1
)

// maxRoutingID is the most octets of a routing id. RFC 37 "Connection Metadata".
const maxRoutingID = 255

// Defaults of Config, libzmq's own.
const (
	defaultHighWater         = 1000
	defaultReconnectInterval = 100 * time.Millisecond
	defaultHandshakeInterval = 30 * time.Second
)

// A Config is what a socket is made with. The zero Config is libzmq's default
// in everything. Socket.Configure changes it later: what concerns connections
// counts for endpoints that are bound or connected from then on, everything else
// at once. docs/options.md lists every option beside libzmq's.
//
// One Config may serve sockets of several types. What bounds, times or names, and
// what concerns connections, every type takes, even where it never comes to use
// it, such as SendTimeout of a SUB. Conflate and the fields of Router, Req, PubSub,
// Stream and Presence make sockets of some types behave otherwise: with one of them
// set, a socket of any other type is refused with ErrInvalid rather than made without it.
// That goes for ROUTER's options of a REP as well, and those of a PUB that are
// about what an XPUB receives; libzmq takes and ignores them.
//
// The field tags are the names for YAML, JSON and TOML; durations are
// nanoseconds there unless the decoder knows time.Duration.
type Config struct {
	// HighWater is the most messages that wait for one peer, or from one.
	HighWater HighWater `json:"high_water" yaml:"high_water" toml:"high_water"`
	// Linger is how long messages that are not sent yet are kept after Close.
	// Zero is the default: Forever, but NoLinger for SUB and XSUB, and for all
	// when the context is NotBlocky. libzmq: ZMQ_LINGER.
	Linger time.Duration `json:"linger" yaml:"linger" toml:"linger"`
	// SendTimeout and RecvTimeout end the waiting of calls with ErrTimeout.
	// Zero is the default, Forever; NoWait does not wait at all. libzmq:
	// ZMQ_SNDTIMEO, ZMQ_RCVTIMEO.
	SendTimeout time.Duration `json:"send_timeout" yaml:"send_timeout" toml:"send_timeout"`
	RecvTimeout time.Duration `json:"recv_timeout" yaml:"recv_timeout" toml:"recv_timeout"`
	// RoutingID is the name under which ROUTER peers know this socket, 1 to
	// 255 octets; empty: they make one up. libzmq: ZMQ_ROUTING_ID.
	RoutingID string `json:"routing_id" yaml:"routing_id" toml:"routing_id"`
	// Conflate keeps only the newest message, and of it the last frame, in
	// each direction of each pipe. For DEALER, PULL, PUSH, PUB and SUB. libzmq:
	// ZMQ_CONFLATE.
	Conflate bool `json:"conflate" yaml:"conflate" toml:"conflate"`

	Limits    Limits    `json:"limits" yaml:"limits" toml:"limits"`
	Reconnect Reconnect `json:"reconnect" yaml:"reconnect" toml:"reconnect"`
	Heartbeat Heartbeat `json:"heartbeat" yaml:"heartbeat" toml:"heartbeat"`
	Network   Network   `json:"network" yaml:"network" toml:"network"`
	TCP       TCP       `json:"tcp" yaml:"tcp" toml:"tcp"`
	TLS       TLS       `json:"tls" yaml:"tls" toml:"tls"`
	IPC       IPC       `json:"ipc" yaml:"ipc" toml:"ipc"`
	Router    Router    `json:"router" yaml:"router" toml:"router"`
	Req       Req       `json:"req" yaml:"req" toml:"req"`
	PubSub    PubSub    `json:"pubsub" yaml:"pubsub" toml:"pubsub"`
	Stream    Stream    `json:"stream" yaml:"stream" toml:"stream"`
	Presence  Presence  `json:"presence" yaml:"presence" toml:"presence"`
	Security  Security  `json:"security" yaml:"security" toml:"security"`

	// Metadata are properties that peers can read from every message. Names
	// begin with "X-" and have at most 255 octets; neither they nor the values
	// are empty. All together have at most 64 KiB: peers turn away who says too
	// much before they know him. libzmq: ZMQ_METADATA.
	Metadata map[string]string `json:"metadata" yaml:"metadata" toml:"metadata"`
}

// HighWater counts whole messages for each peer and direction; an inproc pipe
// holds as many as the sender's Send and the receiver's Recv together. Zero is
// the default, 1000; Unlimited is no mark.
type HighWater struct {
	// Send: libzmq ZMQ_SNDHWM.
	Send int `json:"send" yaml:"send" toml:"send"`
	// Recv: libzmq ZMQ_RCVHWM.
	Recv int `json:"recv" yaml:"recv" toml:"recv"`
}

// Limits bound what a peer may make the socket hold. A peer that exceeds one
// loses its connection.
type Limits struct {
	// MessageSize is the most octets of one frame that a peer may send, the
	// commands of the handshake included: a limit below some 30 lets nobody
	// in, and with CURVE one below some 300. Zero is the default: Unlimited. libzmq: ZMQ_MAXMSGSIZE.
	MessageSize int64 `json:"message_size" yaml:"message_size" toml:"message_size"`
	// Frames is the most frames of one message that a peer may send. Zero is
	// the default: Unlimited.
	Frames int `json:"frames" yaml:"frames" toml:"frames"`
	// Subscriptions is the most topics that one peer may subscribe to. Zero is
	// the default: Unlimited.
	Subscriptions int `json:"subscriptions" yaml:"subscriptions" toml:"subscriptions"`
}

// Reconnect says how a socket that connected gets its connection back. It does not try
// again where the peer has broken the protocol in the handshake, as something does that
// is no ZMTP at all; a peer that hangs up, or says nothing, is tried again.
//
// Where TLS does not agree it tries again: certificates are renewed, and clocks set.
type Reconnect struct {
	// Interval is the pause before another attempt. Zero is the default, 100
	// ms; Never gives the endpoint up. libzmq: ZMQ_RECONNECT_IVL.
	Interval time.Duration `json:"interval" yaml:"interval" toml:"interval"`
	// Max is what the pause grows to, doubling with each attempt. Zero is the
	// default: it stays, and a random part of the same length is added.
	// libzmq: ZMQ_RECONNECT_IVL_MAX.
	Max time.Duration `json:"max" yaml:"max" toml:"max"`
	// StopRefused, StopHandshake and StopDisconnect end the attempts when the
	// peer's system refuses, when a handshake fails for any reason, and when
	// the application has disconnected. libzmq: ZMQ_RECONNECT_STOP.
	StopRefused    bool `json:"stop_refused" yaml:"stop_refused" toml:"stop_refused"`
	StopHandshake  bool `json:"stop_handshake" yaml:"stop_handshake" toml:"stop_handshake"`
	StopDisconnect bool `json:"stop_disconnect" yaml:"stop_disconnect" toml:"stop_disconnect"`
	// Immediate queues messages only for connections that are up, and drops
	// what is queued for one that is lost. libzmq: ZMQ_IMMEDIATE.
	Immediate bool `json:"immediate" yaml:"immediate" toml:"immediate"`
	// HandshakeTimeout bounds the handshake of a connection. Zero is the
	// default, 30 s; NoTimeout is none. libzmq: ZMQ_HANDSHAKE_IVL.
	HandshakeTimeout time.Duration `json:"handshake_timeout" yaml:"handshake_timeout" toml:"handshake_timeout"`
	// ConnectTimeout bounds one attempt to open a connection, the talk with a
	// SOCKSProxy included. Zero is the default: as long as the system tries, and
	// as a proxy takes. libzmq: ZMQ_CONNECT_TIMEOUT.
	ConnectTimeout time.Duration `json:"connect_timeout" yaml:"connect_timeout" toml:"connect_timeout"`
}

// Heartbeat finds connections that are dead though nobody has closed them.
type Heartbeat struct {
	// Interval is the time between PINGs. Zero is the default: none. libzmq:
	// ZMQ_HEARTBEAT_IVL.
	Interval time.Duration `json:"interval" yaml:"interval" toml:"interval"`
	// Timeout is how long after a PING the peer may be silent. Zero is the
	// default: as long as Interval; NoTimeout is no limit. libzmq:
	// ZMQ_HEARTBEAT_TIMEOUT.
	Timeout time.Duration `json:"timeout" yaml:"timeout" toml:"timeout"`
	// TTL is how long the peer is told to bear our silence, in steps of 100 ms,
	// at most 6553.5 s; more than 65.5 s is told as 65.5 s, because libzmq
	// counts wrong beyond. Zero is the default: it is not told. libzmq:
	// ZMQ_HEARTBEAT_TTL.
	TTL time.Duration `json:"ttl" yaml:"ttl" toml:"ttl"`
}

// Network is what all transports over connections share.
type Network struct {
	// IPv6 admits IPv6 addresses. libzmq: ZMQ_IPV6.
	IPv6 bool `json:"ipv6" yaml:"ipv6" toml:"ipv6"`
	// Backlog is the most connections that wait to be accepted. Zero is the
	// default, 100; NoBacklog is libzmq's zero. libzmq: ZMQ_BACKLOG.
	Backlog int `json:"backlog" yaml:"backlog" toml:"backlog"`
	// SendBuffer and RecvBuffer are the sizes of the system's buffers in
	// octets. Zero is the system's default, libzmq's -1. libzmq: ZMQ_SNDBUF,
	// ZMQ_RCVBUF.
	SendBuffer int `json:"send_buffer" yaml:"send_buffer" toml:"send_buffer"`
	RecvBuffer int `json:"recv_buffer" yaml:"recv_buffer" toml:"recv_buffer"`
	// ReadMost and WriteMost are the most octets of one read and of one write of a
	// connection. Zero is the default: reads of 64 KiB, or 256 where large frames
	// come in, and writes of 1 MiB, which measuring has found best; libzmq's default
	// is 8192 for both. STREAM receives messages of so many octets at most, and of
	// 8192 by default. libzmq: ZMQ_IN_BATCH_SIZE, ZMQ_OUT_BATCH_SIZE.
	ReadMost  int `json:"read_most" yaml:"read_most" toml:"read_most"`
	WriteMost int `json:"write_most" yaml:"write_most" toml:"write_most"`
	// Affinity chooses the loops that may have the connections: bit i stands for
	// the one with number i of ContextConfig.IOThreads, and an endpoint for which
	// none is left is ErrNoIOThreads. With it a connection is in a loop though the
	// socket has no other. Zero is the default: whichever has least to do. Where
	// the context's Multiplexer has no loops it is errors.ErrUnsupported. libzmq:
	// ZMQ_AFFINITY.
	Affinity uint64 `json:"affinity" yaml:"affinity" toml:"affinity"`
	// Dial opens connections in place of the system, for every transport that
	// has connections. Nil is the default. It must honour its context, and
	// the connection must outlive it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-" yaml:"-" toml:"-"`
}

// TCP is for tcp, and for tls+tcp above it.
type TCP struct {
	// KeepAlive turns the system's probes of silent connections on or off.
	// Nil is the default: as the system does. libzmq: ZMQ_TCP_KEEPALIVE.
	KeepAlive *bool `json:"keep_alive" yaml:"keep_alive" toml:"keep_alive"`
	// KeepAliveIdle, KeepAliveInterval and KeepAliveCount are the pause before
	// the first probe, the one between probes, and how many may stay
	// unanswered; at most 32767 s, 32767 s and 127, which is what Linux takes.
	// Zero is the system's default. libzmq: ZMQ_TCP_KEEPALIVE_IDLE,
	// _INTVL, _CNT.
	KeepAliveIdle     time.Duration `json:"keep_alive_idle" yaml:"keep_alive_idle" toml:"keep_alive_idle"`
	KeepAliveInterval time.Duration `json:"keep_alive_interval" yaml:"keep_alive_interval" toml:"keep_alive_interval"`
	KeepAliveCount    int           `json:"keep_alive_count" yaml:"keep_alive_count" toml:"keep_alive_count"`
	// MaxRetransmit is how long sent data may stay unacknowledged. Zero is the
	// system's default. libzmq: ZMQ_TCP_MAXRT.
	MaxRetransmit time.Duration `json:"max_retransmit" yaml:"max_retransmit" toml:"max_retransmit"`
	// BusyPoll is how long a read that finds nothing asks the network device
	// again before it waits, in steps of a microsecond, on Linux. Zero is the
	// system's default. libzmq: ZMQ_BUSY_POLL.
	BusyPoll time.Duration `json:"busy_poll" yaml:"busy_poll" toml:"busy_poll"`
	// LoopbackFastPath takes connections within the machine past most of the
	// network stack, on Windows; both ends must want it. libzmq:
	// ZMQ_LOOPBACK_FASTPATH.
	LoopbackFastPath bool `json:"loopback_fast_path" yaml:"loopback_fast_path" toml:"loopback_fast_path"`
	// AcceptFrom are the addresses whose connections are accepted; others are
	// closed at once, which is EventAcceptFailed. Nil is the default: all. An IPv4
	// prefix is for IPv4 peers of a socket with IPv6 as well. libzmq:
	// ZMQ_TCP_ACCEPT_FILTER.
	AcceptFrom []netip.Prefix `json:"accept_from" yaml:"accept_from" toml:"accept_from"`
	// Proxy is a SOCKS5 server that connects in our place.
	Proxy SOCKSProxy `json:"proxy" yaml:"proxy" toml:"proxy"`
	// TOS is the octet of differentiated services. libzmq: ZMQ_TOS.
	TOS int `json:"tos" yaml:"tos" toml:"tos"`
	// Priority is the queueing priority in this machine, on Linux. libzmq:
	// ZMQ_PRIORITY.
	Priority int `json:"priority" yaml:"priority" toml:"priority"`
	// BindToDevice names the interface that traffic must use, in at most 16
	// octets. Empty is the default: any. libzmq: ZMQ_BINDTODEVICE.
	BindToDevice string `json:"bind_to_device" yaml:"bind_to_device" toml:"bind_to_device"`
}

// A SOCKSProxy is a SOCKS5 server that opens connections over tcp in our place, and
// resolves the names of the peers. An attempt that it refuses is EventClosed with
// its answer, and followed by another like any that fails. RFC 1928, RFC 1929.
type SOCKSProxy struct {
	// Address is "host:port". Empty is the default: none. libzmq:
	// ZMQ_SOCKS_PROXY.
	Address string `json:"address" yaml:"address" toml:"address"`
	// User and Password are told to a proxy that asks for them; at most 255
	// octets each. Without User the proxy hears that there are none. libzmq:
	// ZMQ_SOCKS_USERNAME, ZMQ_SOCKS_PASSWORD.
	User     string `json:"user" yaml:"user" toml:"user"`
	Password Secret `json:"password" yaml:"password" toml:"password"`
}

// TLS is for tls+tcp: who this socket is to its peers, and whom it trusts. It is told
// by files in PEM, which a configuration can name, or by a Config of package
// crypto/tls, which a program makes and which can do more. The zero value will do to
// connect to servers whose certificate is of an authority that the system trusts. To
// bind takes a certificate at least, and a connection whose other end could not be
// verified is refused by Connect.
//
// Files are read by Bind and Connect, which return what is wrong with them, and again
// later: those of an endpoint that is bound by a handshake that finds them changed, of
// which one a second looks, those of one that is connected whenever it is dialled. So
// certificates may be renewed in place. While those of an endpoint that is bound cannot
// be used, or take longer than a second to read, what was read before counts, and the
// context's logger is told of the former.
type TLS struct {
	// Config says all of it, and goes with none of the other fields. It is not copied
	// and must not change any more. An endpoint that is connected takes its own host
	// for ServerName where that is empty. Nil is the default: the files say it.
	Config *tls.Config `json:"-" yaml:"-" toml:"-"`
	// CertFile has the chain of certificates that is shown to peers, the socket's own
	// first, and KeyFile the key of that one; they may be the same file. They are for
	// Bind, and for Connect to servers that want to know who connects. Empty is the
	// default: none.
	CertFile string `json:"cert_file" yaml:"cert_file" toml:"cert_file"`
	KeyFile  string `json:"key_file" yaml:"key_file" toml:"key_file"`
	// CAFile has the authorities, one or more, of which one must have signed the
	// certificate of a server that the socket connects to. Empty is the default: those
	// that the system trusts.
	CAFile string `json:"ca_file" yaml:"ca_file" toml:"ca_file"`
	// ClientCAFile has the authorities of which one must have signed the certificate
	// that each peer must show which comes to an endpoint that is bound. Empty is the
	// default: peers are asked for none.
	ClientCAFile string `json:"client_ca_file" yaml:"client_ca_file" toml:"client_ca_file"`
	// ServerName is the name that the certificate of a server must be for. Empty is
	// the default: the host of the endpoint that is connected to.
	ServerName string `json:"server_name" yaml:"server_name" toml:"server_name"`
}

// IPC is for ipc alone: whose connections are accepted, by process, user and
// group, on Linux. Who is in one of the lists comes in; others are closed at once,
// which is EventAcceptFailed. With all of them empty, the default, everybody does.
type IPC struct {
	// AcceptPIDs are processes. libzmq: ZMQ_IPC_FILTER_PID.
	AcceptPIDs []int32 `json:"accept_pids" yaml:"accept_pids" toml:"accept_pids"`
	// AcceptUIDs are effective users. libzmq: ZMQ_IPC_FILTER_UID.
	AcceptUIDs []uint32 `json:"accept_uids" yaml:"accept_uids" toml:"accept_uids"`
	// AcceptGIDs are groups: the effective one of the process, its others, and
	// those of its user in the system's book of groups. libzmq:
	// ZMQ_IPC_FILTER_GID.
	AcceptGIDs []uint32 `json:"accept_gids" yaml:"accept_gids" toml:"accept_gids"`
}

// Router is for ROUTER, and Probe for REQ and DEALER as well.
type Router struct {
	// Mandatory makes sending to an unknown peer ErrHostUnreachable, and to a
	// full one wait, where otherwise the message is dropped. CanSend and PollOut come
	// when any peer has room; CanSendTo asks for one. libzmq: ZMQ_ROUTER_MANDATORY.
	Mandatory bool `json:"mandatory" yaml:"mandatory" toml:"mandatory"`
	// Handover lets a new peer take over a routing id that is in use; without
	// it the new one is turned away. libzmq: ZMQ_ROUTER_HANDOVER.
	Handover bool `json:"handover" yaml:"handover" toml:"handover"`
	// NotifyConnect and NotifyDisconnect deliver a message of the routing id
	// and an empty frame when a peer comes and goes. libzmq: ZMQ_ROUTER_NOTIFY.
	NotifyConnect    bool `json:"notify_connect" yaml:"notify_connect" toml:"notify_connect"`
	NotifyDisconnect bool `json:"notify_disconnect" yaml:"notify_disconnect" toml:"notify_disconnect"`
	// Probe sends an empty message to every new peer. libzmq: ZMQ_PROBE_ROUTER.
	Probe bool `json:"probe" yaml:"probe" toml:"probe"`
	// Raw makes connections carry plain octets, as those of a STREAM: a message is a
	// routing id that the socket made up and what has come, or is to go. A new
	// connection brings an empty one, and to send one closes it. Of the other fields
	// Mandatory alone goes with it, and it cannot change once the socket has had an
	// endpoint. STREAM is what new programs want. libzmq: ZMQ_ROUTER_RAW.
	Raw bool `json:"raw" yaml:"raw" toml:"raw"`
}

// Req is for REQ.
type Req struct {
	// Correlate marks each request, so that a late reply to another is told
	// apart. libzmq: ZMQ_REQ_CORRELATE.
	Correlate bool `json:"correlate" yaml:"correlate" toml:"correlate"`
	// Relaxed lets a new request replace one that is not answered. libzmq:
	// ZMQ_REQ_RELAXED.
	Relaxed bool `json:"relaxed" yaml:"relaxed" toml:"relaxed"`
}

// PubSub is for PUB, SUB, XPUB and XSUB, each field for those that it names.
type PubSub struct {
	// Verbose makes XPUB deliver every subscription, not the first of a topic
	// alone. libzmq: ZMQ_XPUB_VERBOSE.
	Verbose bool `json:"verbose" yaml:"verbose" toml:"verbose"`
	// Verboser makes XPUB deliver every unsubscription too. libzmq:
	// ZMQ_XPUB_VERBOSER.
	Verboser bool `json:"verboser" yaml:"verboser" toml:"verboser"`
	// Manual leaves it to the application what an XPUB's peer is subscribed
	// to. libzmq: ZMQ_XPUB_MANUAL.
	Manual bool `json:"manual" yaml:"manual" toml:"manual"`
	// ManualLastValue is Manual, and the first message sent after a
	// subscription was received goes to that subscriber alone. libzmq:
	// ZMQ_XPUB_MANUAL_LAST_VALUE.
	ManualLastValue bool `json:"manual_last_value" yaml:"manual_last_value" toml:"manual_last_value"`
	// NoDrop makes PUB and XPUB wait for a full peer, where otherwise the
	// message is dropped for it. CanSend and PollOut come all the same, as in libzmq:
	// whether a message must wait is known with its topic. libzmq: ZMQ_XPUB_NODROP.
	NoDrop bool `json:"no_drop" yaml:"no_drop" toml:"no_drop"`
	// Welcome is the first message to every new peer of an XPUB or PUB; empty:
	// none. libzmq: ZMQ_XPUB_WELCOME_MSG.
	Welcome string `json:"welcome" yaml:"welcome" toml:"welcome"`
	// InvertMatching makes XPUB and PUB send to those who do not match, and SUB
	// receive what does not; set it on both sides. libzmq: ZMQ_INVERT_MATCHING.
	InvertMatching bool `json:"invert_matching" yaml:"invert_matching" toml:"invert_matching"`
	// OnlyFirstSubscribe makes XSUB take only the first frame of what it sends
	// for a subscription, XPUB and PUB of what they receive. libzmq:
	// ZMQ_ONLY_FIRST_SUBSCRIBE.
	OnlyFirstSubscribe bool `json:"only_first_subscribe" yaml:"only_first_subscribe" toml:"only_first_subscribe"`
	// VerboseUnsubscribe makes XSUB forward every unsubscription. libzmq:
	// ZMQ_XSUB_VERBOSE_UNSUBSCRIBE.
	VerboseUnsubscribe bool `json:"verbose_unsubscribe" yaml:"verbose_unsubscribe" toml:"verbose_unsubscribe"`
}

// Stream is for STREAM.
type Stream struct {
	// Silent leaves out the empty messages that tell of connections that came
	// and went. libzmq: ZMQ_STREAM_NOTIFY, the other way round.
	Silent bool `json:"silent" yaml:"silent" toml:"silent"`
}

// Presence is what peers tell each other, and a socket itself, of coming and going:
// messages of one frame, which no application need send. Each is for DEALER or
// ROUTER, or both, and used by endpoints that are bound or connected later. Empty is
// the default: none.
type Presence struct {
	// Hello is the first message that a peer of a DEALER or ROUTER receives, on each
	// connection. libzmq: ZMQ_HELLO_MSG.
	Hello string `json:"hello" yaml:"hello" toml:"hello"`
	// Disconnect is what a ROUTER receives last from a peer that came to an endpoint
	// it has bound, or from any inproc peer, when the connection is lost: as if the
	// peer had sent it. Unbind brings none, nor does a peer whose routing id another
	// has taken over. libzmq: ZMQ_DISCONNECT_MSG.
	Disconnect string `json:"disconnect" yaml:"disconnect" toml:"disconnect"`
	// Hiccup is what a DEALER receives when it loses a connection that it opened, as
	// if the peer had sent it; another connection may follow. There is none for
	// inproc. libzmq: ZMQ_HICCUP_MSG.
	Hiccup string `json:"hiccup" yaml:"hiccup" toml:"hiccup"`
}
