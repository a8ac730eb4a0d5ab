// Package transport says how connections are opened: what a [Transport] is, what
// a socket's options tell it, how endpoints and addresses are read, and which
// errors come back. The schemes live in packages of their own (transport/tcp,
// transport/ipc) and import this one; it imports nothing of this module.
//
// A transport yields plain [net.Conn] values and knows nothing of messages,
// retries or sockets. Whoever calls it decides when to try again.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"
)

// DefaultBacklog is the length of the queue of connections that wait to be
// accepted, when [Options.Backlog] is zero. libzmq: ZMQ_BACKLOG.
const DefaultBacklog = 100

// Transport opens connections of one scheme.
//
// All methods may be called from any goroutine at any time. None keeps the
// Options beyond the call (a listener takes a copy), and a nil *Options means
// the zero Options. The address is what follows "://".
type Transport interface {
	// CheckConnect says at once whether address has a form that Dial can use,
	// and whether this system knows the options. It neither resolves nor
	// connects anything, so an address that passes may still fail at every
	// Dial. Errors wrap ErrInvalid, ErrNameTooLong or errors.ErrUnsupported.
	CheckConnect(address string, o *Options) error

	// Dial makes one attempt to connect, and waits for its outcome. Names are
	// resolved anew by each call. It returns soon after ctx ends, with an
	// error that wraps ctx's own.
	Dial(ctx context.Context, address string, o *Options) (net.Conn, error)

	// Listen binds address: wildcards, names of interfaces and host names are
	// resolved first, for no longer than ctx allows. The listener itself does
	// not depend on ctx.
	Listen(ctx context.Context, address string, o *Options) (Listener, error)
}

// Listener accepts the connections that come to one bound address.
type Listener interface {
	// Accept waits for the next connection. After Close it returns an error
	// that wraps net.ErrClosed. One that wraps ErrTurnedAway is of a peer that
	// the options do not admit, and the next may come at once. Any other error
	// concerns one connection or passes by (too many descriptors, say): the
	// caller waits a little and accepts again.
	Accept() (net.Conn, error)

	// Close ends the listener and every waiting Accept. The address is free
	// when it returns, whatever the error: it says what was left behind, such as
	// the directory of an ipc wildcard. A second Close does nothing and returns
	// the same.
	Close() error

	// Address is what was really bound, without the scheme, as Dial takes it:
	// "127.0.0.1:5555", "[::1]:5555", "/tmp/x", "@name".
	Address() string
}

// FileListener is implemented by a transport that can accept from a descriptor
// which somebody else has opened, bound and listens with: systemd, or a process
// before this one.
type FileListener interface {
	// ListenFile serves a duplicate of f, which stays with the caller. The
	// socket is taken as it is, but what it accepts gets the options. Nothing
	// is unlinked when the listener closes. Errors wrap ErrInvalid for what is
	// no listening socket of this transport.
	ListenFile(f *os.File, o *Options) (Listener, error)
}

// PeerNamer is implemented by a transport that can tell who is at the other
// end of its connections, in the words that libzmq uses for the Peer-Address
// property of a message and for the address of a ZAP request.
type PeerNamer interface {
	// PeerAddress returns the numeric IP address without the port (tcp), or
	// "localhost:UID:GID:PID" (ipc), or "" when it is not known.
	PeerAddress(c net.Conn) string
}

// Secured is implemented by a connection that has a handshake of its own, in which
// the two ends find out who they are: a *tls.Conn, and whatever contains one. A
// transport hands it out before that handshake, and whoever opened or accepted it
// makes it, with a deadline; until then the state is empty.
type Secured interface {
	net.Conn
	// HandshakeContext makes the handshake, if that has not been done.
	HandshakeContext(ctx context.Context) error
	// ConnectionState is what the handshake found out.
	ConnectionState() tls.ConnectionState
	// CloseWrite tells the peer that nothing more comes.
	CloseWrite() error
	// NetConn is the connection that carries this one.
	NetConn() net.Conn
}

// Options is a transport's share of a socket's options. The zero value is
// libzmq's default. A transport looks only at the fields that name it, or that
// name none; one that this system cannot honour is an error that wraps
// errors.ErrUnsupported, never ignored.
type Options struct {
	// IPv6 admits IPv6 addresses: binding to "*" takes both families, and an
	// IPv4 address that is bound is written as ::ffff:a.b.c.d. False means
	// IPv4 alone. For tcp. libzmq: ZMQ_IPV6.
	IPv6 bool

	// Backlog is the most connections that wait to be accepted. Zero means
	// DefaultBacklog; a negative number means as few as the system allows. The
	// system may cap it. Windows, where it cannot be set from Go, always uses
	// the largest. libzmq: ZMQ_BACKLOG.
	Backlog int

	// ConnectTimeout bounds one Dial, resolving included. Zero means as long
	// as the system tries. libzmq: ZMQ_CONNECT_TIMEOUT.
	ConnectTimeout time.Duration

	// SendBuffer and RecvBuffer are the sizes, in octets, that are asked of
	// the system for a connection's buffers. Zero means the system's default.
	// libzmq: ZMQ_SNDBUF, ZMQ_RCVBUF.
	SendBuffer, RecvBuffer int

	// KeepAlive are tcp's probes of silent connections.
	KeepAlive KeepAlive

	// TOS is the octet of differentiated services in every IP packet
	// (IPv4 "type of service", IPv6 "traffic class"). Zero leaves it to the
	// system. For tcp. libzmq: ZMQ_TOS.
	TOS int

	// Priority is the queueing priority of packets in this machine. Zero
	// leaves it to the system. For tcp, on Linux. libzmq: ZMQ_PRIORITY.
	Priority int

	// BindToDevice names the network interface that traffic must use. Empty
	// means any. For tcp, on Linux (where it may need CAP_NET_RAW) and macOS.
	// libzmq: ZMQ_BINDTODEVICE.
	BindToDevice string

	// MaxRetransmit is how long sent data may stay unacknowledged before the
	// connection is given up, rounded up to what the system counts in (milliseconds or
	// seconds). Zero means the system's default. For tcp, on Linux, macOS,
	// Windows, Solaris and illumos. libzmq: ZMQ_TCP_MAXRT.
	MaxRetransmit time.Duration

	// BusyPoll is how long a read that finds nothing asks the network device
	// again before it waits, rounded up to microseconds. Zero leaves it to the
	// system. For tcp, on Linux (where more than the system's own value needs
	// CAP_NET_ADMIN). libzmq: ZMQ_BUSY_POLL.
	BusyPoll time.Duration

	// LoopbackFastPath takes connections within this machine past most of the
	// network stack; both ends must want it. For tcp, on Windows.
	// libzmq: ZMQ_LOOPBACK_FASTPATH.
	LoopbackFastPath bool

	// Proxy is what opens connections in our place. For tcp.
	Proxy Proxy

	// AcceptFrom are the addresses of peers that a listener admits: all, if
	// there is none. An IPv4 address is the same whether it comes as ::ffff:a.b.c.d
	// or not. For tcp. libzmq: ZMQ_TCP_ACCEPT_FILTER.
	AcceptFrom []netip.Prefix

	// AcceptPIDs, AcceptUIDs and AcceptGIDs are the processes, users and groups
	// that a listener admits: all, if there is none in any of the three, else
	// whoever is in one of them. A peer's groups are its own, the other groups
	// of its process, and those of its user in the system's book of groups. For
	// ipc, on Linux. libzmq: ZMQ_IPC_FILTER_PID, _UID, _GID.
	AcceptPIDs             []int32
	AcceptUIDs, AcceptGIDs []uint32

	// TLS is who this side of a connection is, and whom it trusts. For tls+tcp.
	TLS TLS

	// Dialer, when set, opens connections instead of the net package: the user
	// brings the network. It is called with network "tcp", "tcp4" or "unix" and
	// an address as net.Dial takes it, names unresolved. It must honour ctx,
	// and the connection must outlive ctx. Options that need the socket apply
	// after connecting, to a *net.TCPConn or *net.UnixConn only; a source
	// address, BindToDevice, Priority and LoopbackFastPath cannot be combined with
	// it. Of a Proxy it opens the connection to the proxy.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)

	// Connecting, when set, is called by a Dial whose outcome has to be waited for:
	// names are resolved, and the peer's system is about to be asked. At most once
	// a Dial, on any goroutine; it must not block. For tcp; an ipc address answers
	// at once. libzmq: ZMQ_EVENT_CONNECT_DELAYED.
	Connecting func()

	// Logger gets records of what happens between calls: that the files of a listener
	// of TLS have changed and cannot be used. Nil means silence.
	Logger *slog.Logger
}

// Proxy is a SOCKS5 server that connects to peers in our place (RFC 1928). It
// resolves their names. The zero value is none.
type Proxy struct {
	// Address is "host:port"; empty means none. libzmq: ZMQ_SOCKS_PROXY.
	Address string

	// User and Password are told to a proxy that asks for them, at most 255
	// octets each (RFC 1929). Without User it is told that there are none.
	// libzmq: ZMQ_SOCKS_USERNAME, ZMQ_SOCKS_PASSWORD.
	User, Password string
}

// TLS says who this side of a connection is, and whom it trusts: either by Config,
// or by files in PEM. The zero value has no certificate, so that nothing can be
// bound, and trusts the authorities that the system trusts.
type TLS struct {
	// Config is a configuration of crypto/tls, which must not change any more. A
	// ServerName that is empty is the host of the address that is dialled. It goes
	// with none of the other fields.
	Config *tls.Config

	// CertFile and KeyFile have the chain of certificates that is shown to peers,
	// our own first, and its key. They are for listeners, which must have one, and
	// for dialling to listeners that want one.
	CertFile, KeyFile string

	// CAFile has the authorities, one or more, of which one must have signed the
	// certificate of a listener. Empty means those of the system.
	CAFile string

	// ClientCAFile has the authorities of which one must have signed the certificate
	// that everybody who dials a listener must show. Empty means that no certificate
	// is asked for.
	ClientCAFile string

	// ServerName is the name that the certificate of a listener must be for. Empty
	// means the host of the address that is dialled.
	ServerName string
}

// KeepAlive sets tcp's probes of silent connections. The zero value leaves
// everything to the system.
type KeepAlive struct {
	// Mode turns the probes on or off; the other fields count only if it is
	// KeepAliveOn. libzmq: ZMQ_TCP_KEEPALIVE.
	Mode KeepAliveMode

	// Idle is how long a connection is silent before the first probe, and
	// Interval the time between probes; both are rounded up to whole seconds.
	// Zero means the system's default.
	// libzmq: ZMQ_TCP_KEEPALIVE_IDLE, ZMQ_TCP_KEEPALIVE_INTVL.
	Idle, Interval time.Duration

	// Count is the number of unanswered probes that ends a connection. Zero
	// means the system's default. libzmq: ZMQ_TCP_KEEPALIVE_CNT.
	Count int
}

// KeepAliveMode says whether silent connections are probed.
type KeepAliveMode uint8

const (
	KeepAliveDefault KeepAliveMode = iota // as the system does; libzmq's -1
	KeepAliveOff                          // never; libzmq's 0
	KeepAliveOn                           // as the other fields say; libzmq's 1
)

// CallDialer has the Dialer, which is there, open a connection. It is an error when
// that returns neither a connection nor an error.
func (o *Options) CallDialer(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := o.Dialer(ctx, network, address)
	if conn == nil && err == nil {
		err = errNoConn
	}
	return conn, err
}

var errNoConn = errors.New("the Dialer returned no connection, and no error")

// ListenBacklog returns the number to hand to listen(2).
func (o *Options) ListenBacklog() int {
	switch {
	case o == nil || o.Backlog == 0:
		return DefaultBacklog
	case o.Backlog < 0:
		return 0
	default:
		return o.Backlog
	}
}
