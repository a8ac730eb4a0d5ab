// Package message holds what every floor says about a message: its frames, its
// kind, the peer it came from, and the blocks of memory that carry it.
//
// It imports nothing of ours and knows neither wire nor socket.
package message

import "log/slog"

// Kind tells an ordinary message from those that a pattern handles itself.
type Kind uint8

const (
	// Data is a message of the application.
	Data Kind = iota
	// Subscribe asks a publisher for every message that begins with the one
	// frame it carries. RFC 29 "Subscription".
	Subscribe
	// Cancel takes one Subscribe back.
	Cancel
)

// A Message is what a pattern sees: frames that it may strip, prepend or judge
// but whose octets it never changes.
//
// On the way out the frames belong to the application and are copied when a
// pipe takes them. On the way in they are borrowed from the pipe and stay valid
// until the next message is read from it.
type Message struct {
	Frames [][]byte
	Kind   Kind
	// Peer is the connection that the message came over; nil on the way out
	// and for messages that a pattern made itself.
	Peer *Peer
	// Owned, when not nil, says that Frames are the sender's for keeps: bodies
	// of LargeFrame octets and more are queued by reference, and Owned is
	// released once for every reference that was taken on it.
	Owned *Owner
	// Lender, when not nil, knows the blocks that Frames lie in: a body of
	// LargeFrame octets and more is queued by reference where it can lend it.
	Lender Lender
}

// A Lender has received a message, and lends the memory of its bodies to whoever
// sends it on.
type Lender interface {
	// Lend returns the block that body, a frame of the last message received, lies
	// in, with a reference more, and where in it. It returns nil when body lies
	// elsewhere, or cannot be lent.
	Lend(body []byte) (c *Chunk, off int)
}

// Empty takes the frames off and keeps their list for others. But for the first, which
// the next one takes the place of, the list does not keep their memory alive.
func (m *Message) Empty() {
	if len(m.Frames) > 1 {
		clear(m.Frames)
	}
	m.Frames = m.Frames[:0]
}

// Size is the sum of the lengths of all frames, in octets.
func (m *Message) Size() int {
	size := 0
	for _, f := range m.Frames {
		size += len(f)
	}
	return size
}

// Small is the most octets of a message that costs less to encode once more than
// to share.
const Small = 1 << 10

// IsSmall reports whether the message is data in one frame of at most Small octets.
func (m *Message) IsSmall() bool {
	return m.Kind == Data && len(m.Frames) == 1 && len(m.Frames[0]) <= Small
}

// A Peer is what is known of the other side of one connection. It is made when
// the handshake ends and never changes after that, so it is shared freely.
type Peer struct {
	// Address is the peer's numeric IP without port for tcp, and
	// "localhost:UID:GID:PID" for ipc where the system tells. libzmq:
	// "Peer-Address".
	Address string
	// Endpoint is the endpoint of ours that the connection belongs to.
	Endpoint string
	// SocketType is the type that the peer announced, empty when it did not.
	SocketType string
	// RoutingID is the peer's Identity, empty when it announced none.
	RoutingID []byte
	// Mechanism is the security mechanism of the connection, "NULL" and so on;
	// empty where there was no handshake.
	Mechanism string
	// UserID is the name that authentication gave the peer. libzmq: "User-Id".
	UserID string
	// Version is the peer's protocol version, such as "3.1"; empty for inproc
	// and raw connections.
	Version string
	// Properties are the peer's metadata in the order of arrival.
	Properties []Property
	// Inproc says that the peer is a socket of the same process.
	Inproc bool
	// TLS is what the transport found out about the peer before the first octet of
	// ours, for those who know its type: a *tls.ConnectionState of crypto/tls. Nil
	// where the connection is not one of TLS.
	TLS any
}

// LogValue implements slog.LogValuer: who the peer is, and nothing for no peer.
// Of a routing id, which may be of any length, it is the first 255 octets.
func (p *Peer) LogValue() slog.Value {
	if p == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(
		slog.String("address", p.Address),
		slog.String("type", p.SocketType),
		slog.String("routing_id", string(p.RoutingID[:min(len(p.RoutingID), 255)])),
		slog.String("user_id", p.UserID),
	)
}

// A Property is one entry of a peer's metadata. RFC 37 "Connection Metadata".
type Property struct {
	Name  string
	Value []byte
}

// Property returns the first value under name, matched by letter case as libzmq
// does, and whether there is one.
func (p *Peer) Property(name string) ([]byte, bool) {
	if p == nil {
		return nil, false
	}
	for i := range p.Properties {
		if p.Properties[i].Name == name {
			return p.Properties[i].Value, true
		}
	}
	return nil, false
}
