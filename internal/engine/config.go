package engine

import (
	"context"
	"log/slog"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/zap"
	"zeromux/transport"
	"zeromux/zmtp"
)

// Env is what the sessions and listeners of one context share.
type Env struct {
	// Pool is where the memory of connections comes from.
	Pool *message.Pool
	// Wheel keeps all timers.
	Wheel *Wheel
	// Multiplexer names what waits for descriptors: Stream, Runtime, or a back end
	// of package iomux. Empty: what suits best.
	Multiplexer string
	// Loops is how many loops share the connections; zero: one.
	// libzmq: ZMQ_IO_THREADS.
	Loops int
	// Logger gets a record of every event; nil: silent.
	Logger *slog.Logger

	loops   loops
	running count // sessions, listeners and what they started, as far as it has not ended
}

// Wait returns when every session and listener has ended, and whatever they
// started.
func (e *Env) Wait() {
	e.running.wait()
	e.loops.close()
}

// Names of Env.Multiplexer that are no back ends.
const (
	Stream  = "stream"  // a goroutine for each direction of a connection
	Runtime = "runtime" // a goroutine for each connection, parked by the Go runtime
)

// Config is an engine's share of a socket's options, as they were when the
// endpoint was bound or connected.
type Config struct {
	// SocketType is the wire name of the socket's type and SocketNumber
	// libzmq's number for it. Peers are the names of the types it may talk to.
	SocketType   string
	SocketNumber byte
	Peers        []string
	// RoutingID is announced to the peer when AnnouncesID says that the type
	// does so. libzmq: ZMQ_ROUTING_ID.
	RoutingID   []byte
	AnnouncesID bool
	// Publisher says that the socket wants the peers' subscriptions.
	Publisher bool
	// Raw says that connections carry plain octets: STREAM.
	Raw bool
	// Metadata are the application's own properties, announced behind ours.
	// libzmq: ZMQ_METADATA.
	Metadata []message.Property

	// Hello is the first message on each connection; nil: none.
	// libzmq: ZMQ_HELLO_MSG.
	Hello []byte

	// Mechanism makes the security mechanism of a connection; nil: NULL.
	Mechanism func(mechanism.Config) mechanism.Mechanism
	// ZAP tells the mechanism when to ask about a peer. The address is the
	// connection's, and the identity RoutingID.
	ZAP mechanism.ZAP
	// Authenticate answers what a mechanism asks about a peer that came to endpoint;
	// nil: there is nobody, zap.ErrNoHandler. It is called on the goroutine of the handshake, of as many
	// peers at once as there are. ctx ends when the handshake has no more time, when
	// the peer leaves, and when the session or its socket ends: Authenticate must
	// return soon after that, for they wait for it.
	Authenticate func(ctx context.Context, endpoint string, q *zap.Request) (*zap.Reply, error)
	// RefuseOld refuses peers of ZMTP 1.0 and 2.0, which know no security.
	RefuseOld bool

	// HandshakeInterval bounds the handshake; zero: no limit.
	// libzmq: ZMQ_HANDSHAKE_IVL.
	HandshakeInterval time.Duration
	// ReconnectInterval is the pause before a connection is tried again; zero
	// or less: never. libzmq: ZMQ_RECONNECT_IVL.
	ReconnectInterval time.Duration
	// ReconnectIntervalMax is what the pause grows to, doubling; zero: it does
	// not grow, and a random part of up to the same length is added.
	// libzmq: ZMQ_RECONNECT_IVL_MAX.
	ReconnectIntervalMax time.Duration
	// ReconnectStop says what ends the attempts.
	ReconnectStop ReconnectStop
	// Immediate makes a pipe only while a connection is up.
	// libzmq: ZMQ_IMMEDIATE.
	Immediate bool

	// MaxMessageSize bounds the body of each frame of a peer, in octets; below
	// zero: no limit. libzmq: ZMQ_MAXMSGSIZE.
	MaxMessageSize int64
	// MaxFrames bounds the frames of each message of a peer; zero: no limit.
	MaxFrames int

	// ReadMost and WriteMost bound one read and one write of a connection, in
	// octets, once the handshake is over; zero: what its memory and the system
	// take. libzmq: ZMQ_IN_BATCH_SIZE, ZMQ_OUT_BATCH_SIZE.
	ReadMost, WriteMost int
	// Affinity is the set of loops that may have the connections, bit i for the
	// one with number i; zero: any, or none for the only connection of a socket.
	// libzmq: ZMQ_AFFINITY.
	Affinity uint64
	// Conflate and Notices are for the host, which finds them in Session.Config when
	// it makes a pipe. libzmq: ZMQ_CONFLATE, ZMQ_ROUTER_NOTIFY, ZMQ_STREAM_NOTIFY.
	Conflate bool
	Notices  uint8
	// Disconnect and Hiccup are for the host, when a connection is lost; empty: none.
	// libzmq: ZMQ_DISCONNECT_MSG, ZMQ_HICCUP_MSG.
	Disconnect, Hiccup []byte

	// HeartbeatInterval is the time between PINGs; zero: none.
	// libzmq: ZMQ_HEARTBEAT_IVL.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is how long after a PING the peer may be silent; zero:
	// for ever. libzmq: ZMQ_HEARTBEAT_TIMEOUT.
	HeartbeatTimeout time.Duration
	// HeartbeatTTL is how long the peer is told to wait for us; zero: not
	// told. libzmq: ZMQ_HEARTBEAT_TTL.
	HeartbeatTTL time.Duration

	// Transport are the transport's options.
	Transport transport.Options
}

// ReconnectStop is a set of reasons not to try a connection again. libzmq:
// ZMQ_RECONNECT_STOP.
type ReconnectStop uint8

const (
	// StopRefused: the peer's system refused the connection.
	StopRefused ReconnectStop = 1 << iota
	// StopHandshake: the handshake was not completed, whatever the reason.
	StopHandshake
	// StopDisconnect: the application disconnected the endpoint, so that
	// messages which still wait are not brought to a peer that comes later.
	StopDisconnect
)

// metadata is what we announce in a handshake.
func (c *Config) metadata() zmtp.Metadata {
	m := zmtp.Metadata{{Name: zmtp.PropertySocketType, Value: []byte(c.SocketType)}}
	if c.AnnouncesID {
		m = append(m, zmtp.Property{Name: zmtp.PropertyIdentity, Value: c.RoutingID})
	}
	for _, p := range c.Metadata {
		m = append(m, zmtp.Property(p))
	}
	return m
}

// Host is what a session asks of the socket that it works for. Its methods are
// called on the session's goroutines with no lock held, one after the other for
// each session.
type Host interface {
	// Started says that s exists, before anything else happens to it. It
	// reports false when the socket is closed: s ends at once.
	Started(s *Session) bool
	// Alone reports whether the peer of s is the only one that is there, or would be.
	// A host calls Share of every session when that changes.
	Alone(s *Session) bool
	// Open makes a pipe for s and attaches one end to the socket. The session
	// carries the other, and is told of both by Hold before anything can be
	// written. It reports false when the socket is closed or its pattern takes
	// no further pipe.
	Open(s *Session) (app, end *pipe.End, ok bool)
	// Online says that a connection is up, and reports whether the pattern
	// serves the peer.
	Online(app *pipe.End, peer *message.Peer) bool
	// Offline says that the connection is lost and may come back.
	Offline(app *pipe.End)
	// Detach says that app will be written no more; what arrived can be read.
	Detach(app *pipe.End)
	// Ended says that s is over. It is the last call.
	Ended(s *Session)
	// Event reports what happened; it must not block.
	Event(Event)
}
