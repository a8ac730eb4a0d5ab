package zmq

import (
	"context"

	"zeromux/internal/message"
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
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

	properties []message.Property
}

func newPeerInfo(p *message.Peer) *PeerInfo {
	return &PeerInfo{
		Address: p.Address, Endpoint: p.Endpoint, Type: p.SocketType, RoutingID: string(p.RoutingID),
		Mechanism: p.Mechanism, UserID: p.UserID, Version: p.Version, Inproc: p.Inproc,
		properties: p.Properties,
	}
}

// Property returns a property by the name under which the peer announced it, or
// libzmq's names "Peer-Address", "User-Id" and "Routing-Id".
func (p *PeerInfo) Property(name string) (value string, ok bool) {
	if p == nil {
		return "", false
	}
	for _, property := range p.properties {
		if property.Name == name {
			return string(property.Value), true
		}
	}
	switch name {
	case "Peer-Address":
		return p.Address, p.Address != ""
	case "User-Id":
		return p.UserID, p.UserID != ""
	case "Routing-Id", "Identity":
		return p.RoutingID, p.RoutingID != ""
	case "Socket-Type":
		return p.Type, p.Type != ""
	}
	return "", false
}

// Stats counts what went through a socket. Counts begin at zero with the socket
// and never go back.
type Stats struct {
	// Sent and Received are whole messages: handed to a pipe by Send, and
	// arrived in one for Recv. A message to many subscribers counts for each.
	Sent, Received uint64
	// SentOctets and ReceivedOctets are those of their frames as encoded.
	SentOctets, ReceivedOctets uint64
	// SendQueue and RecvQueue are the messages that wait now, to and from the peers
	// that the socket has; what one that is gone left behind is not among them.
	SendQueue, RecvQueue int
	// Peers is the number of peers that are connected now.
	Peers int
	// DroppedFull counts messages dropped because a peer's high-water mark was
	// reached, DroppedUnroutable because there was no such peer,
	// DroppedFiltered because nobody here subscribes to what arrived, and
	// DroppedMalformed because the envelope was wrong.
	DroppedFull, DroppedUnroutable, DroppedFiltered, DroppedMalformed uint64
}

// counters are the counts of pipes that are no more.
type counters struct {
	sent, received, sentOctets, receivedOctets uint64
}

// retire adds the counts of a pipe that ends.
func (s *Socket) retire(e *pipe.End) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, octets := e.TakeWritten()
	s.retired.sent += messages
	s.retired.sentOctets += octets
	messages, octets = e.TakeArrived()
	s.retired.received += messages
	s.retired.receivedOctets += octets
}

// Stats returns the counts of this moment.
func (s *Socket) Stats() Stats {
	st := Stats{
		DroppedFull:       s.drops[pattern.DroppedFull].Load(),
		DroppedUnroutable: s.drops[pattern.DroppedUnroutable].Load(),
		DroppedFiltered:   s.drops[pattern.DroppedFiltered].Load(),
		DroppedMalformed:  s.drops[pattern.DroppedMalformed].Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Peers = len(s.online)
	st.Sent, st.SentOctets = s.retired.sent, s.retired.sentOctets
	st.Received, st.ReceivedOctets = s.retired.received, s.retired.receivedOctets
	for _, e := range s.sessions {
		if e != nil {
			st.add(e)
		}
	}
	for e := range s.links {
		st.add(e)
	}
	return st
}

func (st *Stats) add(e *pipe.End) {
	messages, octets := e.Written()
	st.Sent += messages
	st.SentOctets += octets
	messages, octets = e.Arrived()
	st.Received += messages
	st.ReceivedOctets += octets
	out, in := e.Depth()
	st.SendQueue += out
	st.RecvQueue += in
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

// CanSendTo tells whether a ROUTER could send to the peer with this routing id now
// without waiting or losing the message. libzmq: zmq_socket_get_peer_state.
//
// The error wraps ErrHostUnreachable when no peer has the routing id,
// ErrUnsupported for other types, ErrClosed or ErrTerminated.
func (s *Socket) CanSendTo(routingID string) (bool, error) {
	const op = "ask for the peer"
	p, ok := s.pattern.(pattern.Asked)
	if !ok {
		return false, s.fail(op, "", pattern.ErrUnsupported)
	}
	can := false
	var err error
	if !s.both(func() { can, err = p.CanSendTo([]byte(routingID)) }) {
		err = s.death()
	}
	if err != nil {
		return false, s.fail(op, "", err)
	}
	return can, nil
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
