package zmq

import (
	"context"
	"crypto/tls"
	"crypto/x509"

	"zeromux/internal/message"
)

// PeerInfo is what is known of a peer. It does not change.
type PeerInfo struct {
	// Address is the peer's numeric IP without port for tcp, and
	// "localhost:UID:GID:PID" for ipc where the system tells. libzmq:
	// "Peer-Address".
	Address string
	// Endpoint is the socket's own endpoint that the connection belongs to.
	Endpoint string
	// Type is the socket type that the peer announced; empty if it did not.
	Type string
	// RoutingID is the identity that the peer announced; empty if none.
	RoutingID string
	// Mechanism is the security of the connection, such as "NULL"; empty for
	// inproc, STREAM and peers of ZMTP 1.0 and 2.0.
	Mechanism string
	// UserID is the name that authentication gave the peer. libzmq: "User-Id".
	UserID string
	// Version is the protocol that is spoken with the peer, such as "3.1".
	Version string
	// Inproc says that the peer is a socket of the same context.
	Inproc bool
	// TLS is what the handshake of TLS found out: version, cipher, the certificates
	// that the peer has shown. Nil: the connection is not one of TLS. It is shared by
	// all that is known of the peer, and not to be changed.
	TLS *tls.ConnectionState

	properties []message.Property
}

func newPeerInfo(p *message.Peer) *PeerInfo {
	return &PeerInfo{
		Address: p.Address, Endpoint: p.Endpoint, Type: p.SocketType, RoutingID: string(p.RoutingID),
		Mechanism: p.Mechanism, UserID: p.UserID, Version: p.Version, Inproc: p.Inproc,
		TLS: tlsState(p), properties: p.Properties,
	}
}

// tlsState is what TLS has found out about a peer, or nil.
func tlsState(p *message.Peer) *tls.ConnectionState {
	state, _ := p.TLS.(*tls.ConnectionState)
	return state
}

// Certificates are the chain by which the peer has proven by TLS who it is, from its own
// certificate to that of the authority; nil if it has not. They are not to be changed. A
// certificate that was shown but not verified, as Config.TLS.Config can have it, is in
// the field TLS alone.
func (p *PeerInfo) Certificates() []*x509.Certificate {
	if p == nil || p.TLS == nil || len(p.TLS.VerifiedChains) == 0 {
		return nil
	}
	return p.TLS.VerifiedChains[0]
}

// Property returns a property by the name under which the peer announced it, or
// libzmq's names "Peer-Address", "User-Id" and "Routing-Id". The first two are Address
// and UserID, whatever the peer says of itself.
func (p *PeerInfo) Property(name string) (value string, ok bool) {
	if p == nil {
		return "", false
	}
	switch name {
	case "Peer-Address":
		return p.Address, p.Address != ""
	case "User-Id":
		return p.UserID, p.UserID != ""
	}
	for _, property := range p.properties {
		if property.Name == name {
			return string(property.Value), true
		}
	}
	switch name {
	case "Routing-Id", "Identity":
		return p.RoutingID, p.RoutingID != ""
	case "Socket-Type":
		return p.Type, p.Type != ""
	}
	return "", false
}

// Peers returns the peers that are connected now, in no order.
func (s *Socket) Peers() []PeerInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]PeerInfo, 0, len(s.online))
	for _, p := range s.online {
		list = append(list, *newPeerInfo(p))
	}
	return list
}

// WaitPeers waits until at least n peers are connected and have shaken hands. It
// ends the guessing when a program must not begin alone. A publisher's peer
// subscribes a moment later than that: where the very first message counts, use
// an XPUB, which receives the subscriptions.
func (s *Socket) WaitPeers(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		enough, changed := len(s.online) >= n, s.changed
		err := s.alive()
		s.mu.Unlock()
		switch {
		case err != nil:
			return s.fail("wait for peers", "", err)
		case enough:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s.fail("wait for peers", "", ctx.Err())
		}
	}
}
