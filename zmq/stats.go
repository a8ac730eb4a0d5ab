package zmq

import (
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

// Counts are the numbers of a socket, or of its part with one peer. What is counted
// begins at zero with the socket or peer and never goes back.
type Counts struct {
	// Sent and Received are whole messages: handed to the pipe to a peer, and arrived
	// in one from it. A message to many subscribers counts for each. What the library
	// says to a peer counts like what the application says, here and there: a
	// subscription and its end, Router.Probe, PubSub.Welcome and Presence.Hello. What it
	// tells its own application counts for neither, since it comes from no peer: the
	// notices of Router.NotifyConnect, Router.NotifyDisconnect and STREAM,
	// Presence.Disconnect, Presence.Hiccup, and what an XPUB reports of a peer that
	// has gone.
	Sent, Received uint64
	// SentOctets and ReceivedOctets are those of their frames as encoded.
	SentOctets, ReceivedOctets uint64
	// SendQueue is how many messages wait for the peers that the socket has. Those
	// that a peer of the same context has received are among them until they are an
	// eighth of the mark, or it finds nothing more.
	SendQueue int
	// RecvQueue is how many messages wait to be received, whoever made them; those of
	// a socket include what peers have left behind that are gone. Some of them the
	// socket may yet find to be filtered or malformed.
	RecvQueue int
	// SendHighWater and RecvHighWater are the marks beside these queues, in
	// messages, or Unlimited: of a peer, what its pipe holds, which for one of
	// the same context is the sum of both sides; of a socket, its own share for
	// each peer.
	SendHighWater, RecvHighWater int
	// DroppedFull counts messages dropped because a peer's high-water mark was
	// reached, DroppedUnroutable because there was no such peer,
	// DroppedFiltered because nobody here subscribes to what arrived, or it is a
	// reply that nobody waits for, and DroppedMalformed because the envelope was
	// wrong.
	DroppedFull, DroppedUnroutable, DroppedFiltered, DroppedMalformed uint64
	// DroppedConflated counts messages that a newer one replaced before they were
	// sent or received: Config.Conflate.
	DroppedConflated uint64
	// Reconnects is how often a connection that was lost came up again, at the
	// endpoints that were connected to.
	Reconnects uint64
	// HandshakeFailures counts connections that were open and came to nothing
	// because the two sides could not agree, or did not in time. What one that
	// was accepted adds is its socket's alone: it never became a peer.
	HandshakeFailures uint64
	// RoundTrip is how long the last PING took to be answered, and SmoothedRoundTrip
	// the same with the last answer weighing an eighth, as in RFC 6298. What the
	// PING waited for in our queue and the answer in the peer's is part of it. Zero:
	// none is answered yet, the connection is down, or there are none: see
	// Heartbeat. Of a socket it is the longest of its peers'.
	RoundTrip, SmoothedRoundTrip time.Duration
}

// Stats counts what went through a socket.
type Stats struct {
	Counts
	// Peers is the number of peers that are connected now.
	Peers int
	// EventsLost counts the events that readers of Events and Monitor have missed
	// because they were behind, all together.
	EventsLost uint64
}

// PeerStats counts what went through the pipe to one peer.
type PeerStats struct {
	// Peer is who is connected, or was last. Of an endpoint at which nobody has
	// been yet, it has the Endpoint alone.
	Peer PeerInfo
	// Connected says that a connection is up, or the neighbour there.
	Connected bool
	Counts
}

// dropped counts a message to or from e, or nil, that was thrown away.
func (s *Socket) dropped(cause pattern.Cause, e *pipe.End) {
	if e == nil {
		s.drops[cause].Add(1)
		return
	}
	e.Drop(uint8(cause))
}

// retire adds the counts of a pipe that ends to those of the socket.
func (s *Socket) retire(e *pipe.End) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired.traffic(e.TakeWritten(), e.TakeArrived())
	s.sendMu.Lock()
	s.recvMu.Lock()
	e.RetireDrops(&s.drops)
	s.recvMu.Unlock()
	s.sendMu.Unlock()
}

// Stats returns the counts of this moment. It adds up what the pipes have counted,
// so that it costs as much as the socket has peers, and a message nothing.
func (s *Socket) Stats() Stats {
	var st Stats
	st.EventsLost = s.monitors.missed()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Counts = s.retired
	st.Peers = len(s.online)
	send, recv := s.config.HighWater.marks()
	st.SendHighWater, st.RecvHighWater = shownMark(send), shownMark(recv)
	st.Reconnects, st.HandshakeFailures = s.reconnects.Load(), s.handshakeFailures.Load()
	var drops [len(pipe.Drops{})]uint64
	for cause := range drops {
		drops[cause] = s.drops[cause].Load()
	}
	st.drops(drops)
	for session, e := range s.sessions {
		if e != nil {
			st.pipe(e, &s.drops)
		}
		st.roundTrip(session)
	}
	for e := range s.links {
		st.pipe(e, &s.drops)
	}
	st.RecvQueue = s.unread(nil)
	return st
}

// unread is how many messages wait to be received that have come from a peer or are
// about it, or with nil all of them. s.mu may be held.
func (s *Socket) unread(of *pipe.End) (n int) {
	keeper, receives := s.pattern.(pattern.Keeper)
	if !receives {
		return 0
	}
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	s.recvMu.Lock()
	defer s.recvMu.Unlock()
	s.hub.Readable(s.pattern.Readable)
	if of == nil {
		n = keeper.Waiting()
	} else {
		n = keeper.WaitingOf(of)
	}
	if s.back.waits && (of == nil || of == s.back.from) {
		n++
	}
	return n
}

// PeerStats returns the counts of every pipe that there is at this moment, in no
// order: one for each peer, and one for each endpoint that was connected to, whether
// a connection is up or not. What a peer that is gone had is in Stats alone.
func (s *Socket) PeerStats() []PeerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]PeerStats, 0, len(s.sessions)+len(s.links))
	for session, e := range s.sessions {
		if e == nil {
			continue
		}
		p := s.statsOf(e, session.Endpoint())
		p.Reconnects, p.HandshakeFailures = session.Reconnects(), session.Failures()
		p.roundTrip(session)
		list = append(list, p)
	}
	for e, l := range s.links {
		list = append(list, s.statsOf(e, l.endpoint))
	}
	return list
}

// statsOf is what a pipe has counted. s.mu is held.
func (s *Socket) statsOf(e *pipe.End, endpoint string) PeerStats {
	p := PeerStats{Peer: PeerInfo{Endpoint: endpoint}}
	peer, connected := s.online[e]
	if !connected {
		s.recvMu.Lock()
		peer = e.Peer
		s.recvMu.Unlock()
	}
	if peer != nil {
		p.Peer = *newPeerInfo(peer)
		if p.Peer.Endpoint == "" { // a neighbour, which does not know
			p.Peer.Endpoint = endpoint
		}
	}
	p.Connected = connected
	send, recv := e.Marks()
	p.SendHighWater, p.RecvHighWater = shownMark(send), shownMark(recv)
	p.pipe(e, &s.drops)
	p.RecvQueue = s.unread(e)
	return p
}

// shownMark is a high-water mark as the application says it, from how package pipe
// counts it.
func shownMark(n int) int {
	if n == 0 {
		return Unlimited
	}
	return n
}

// pipe adds what a pipe has counted, but for what waits to be received, and for what is
// dropped and in all.
func (c *Counts) pipe(e *pipe.End, all *pipe.Drops) {
	c.traffic(e.Written(), e.Arrived())
	c.SendQueue += e.Unsent()
	c.drops(e.Dropped(all))
}

// traffic adds what was written and what arrived.
func (c *Counts) traffic(written, arrived pipe.Tally) {
	c.Sent += written.Messages
	c.SentOctets += written.Octets
	c.Received += arrived.Messages
	c.ReceivedOctets += arrived.Octets
	c.DroppedConflated += written.Conflated + arrived.Conflated
}

// drops adds what was dropped, by the causes of package pattern.
func (c *Counts) drops(n [len(pipe.Drops{})]uint64) {
	c.DroppedFull += n[pattern.DroppedFull]
	c.DroppedUnroutable += n[pattern.DroppedUnroutable]
	c.DroppedFiltered += n[pattern.DroppedFiltered]
	c.DroppedMalformed += n[pattern.DroppedMalformed]
}

// roundTrip takes the round trip of a session in, if it is longer.
func (c *Counts) roundTrip(session *engine.Session) {
	last, smoothed := session.RoundTrip()
	c.RoundTrip = max(c.RoundTrip, last)
	c.SmoothedRoundTrip = max(c.SmoothedRoundTrip, smoothed)
}
