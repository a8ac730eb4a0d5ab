package zmq

import (
	"context"
	"iter"
	"sync"
	"time"

	"zeromux/internal/engine"
)

// An EventKind tells what happened to an endpoint or connection, by libzmq's
// numbers. libzmq: zmq_socket_monitor.
type EventKind uint32

// What can happen.
const (
	// EventConnected: a connection that the socket opened is up; the handshake
	// follows.
	EventConnected = EventKind(engine.EventConnected)
	// EventConnectRetried: another attempt follows after a pause; Value is the
	// pause in milliseconds.
	EventConnectRetried = EventKind(engine.EventConnectRetried)
	// EventListening: the endpoint is bound.
	EventListening = EventKind(engine.EventListening)
	// EventBindFailed: it could not be; Value is the errno.
	EventBindFailed = EventKind(engine.EventBindFailed)
	// EventAccepted: a connection came in; the handshake follows.
	EventAccepted = EventKind(engine.EventAccepted)
	// EventAcceptFailed: one could not be accepted; Value is the errno.
	EventAcceptFailed = EventKind(engine.EventAcceptFailed)
	// EventClosed: a listener was closed, or an attempt to connect has failed.
	EventClosed = EventKind(engine.EventClosed)
	// EventDisconnected: a connection has ended; Err says why.
	EventDisconnected = EventKind(engine.EventDisconnected)
	// EventHandshakeFailedNoDetail: no handshake; Value is the errno.
	EventHandshakeFailedNoDetail = EventKind(engine.EventHandshakeNoDetail)
	// EventHandshakeSucceeded: the peer is ready, and Peer tells who it is.
	EventHandshakeSucceeded = EventKind(engine.EventHandshakeSucceeded)
	// EventHandshakeFailedProtocol: the peer broke the protocol; Value is
	// libzmq's number for how.
	EventHandshakeFailedProtocol = EventKind(engine.EventHandshakeProtocol)
	// EventHandshakeFailedAuth: one side refused the other; Value is the ZAP
	// status.
	EventHandshakeFailedAuth = EventKind(engine.EventHandshakeAuth)
)

// String is the event in words.
func (k EventKind) String() string { return engine.EventKind(k).String() }

// An Event is one thing that happened to an endpoint or connection of a socket.
// There are none for inproc.
type Event struct {
	Kind EventKind
	// Time is when it happened.
	Time time.Time
	// Endpoint is the socket's own, as bound or connected.
	Endpoint string
	// Local and Remote are the addresses of the connection, if there is one; of a
	// listener there is Local alone.
	Local, Remote string
	// Peer is the peer, after the handshake; else nil.
	Peer *PeerInfo
	// Value is libzmq's number for the event; see EventKind.
	Value int
	// Err is why, where there is a reason: a *HandshakeError when a handshake
	// failed.
	Err error
}

// eventBuffer is how many events wait for one reader of Events. A reader that
// falls behind by more loses the newest: it never holds the socket up.
const eventBuffer = 1024

// monitors are the readers of a socket's events.
type monitors struct {
	mu      sync.Mutex // guards all below
	readers map[chan Event]struct{}
	stopped bool
}

func (m *monitors) emit(e engine.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.readers) == 0 {
		return
	}
	event := Event{
		Kind: EventKind(e.Kind), Time: e.Time, Endpoint: e.Endpoint, Local: e.Local, Remote: e.Remote,
		Value: e.Value, Err: handshakeError(e.Err, e.Remote),
	}
	if e.Peer != nil {
		event.Peer = newPeerInfo(e.Peer)
	}
	for c := range m.readers {
		select {
		case c <- event:
		default:
		}
	}
}

func (m *monitors) add() chan Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(chan Event, eventBuffer)
	if m.stopped {
		close(c)
		return c
	}
	if m.readers == nil {
		m.readers = make(map[chan Event]struct{})
	}
	m.readers[c] = struct{}{}
	return c
}

func (m *monitors) remove(c chan Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.readers, c)
}

func (m *monitors) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	for c := range m.readers {
		close(c)
	}
	m.readers = nil
}

// Events yields what happens to the socket's endpoints and connections, from
// the call of Events on, until ctx ends or the socket is closed. A reader that
// falls 1024 events behind loses some; the socket never waits for it.
func (s *Socket) Events(ctx context.Context) iter.Seq[Event] {
	first := make(chan chan Event, 1)
	registered := s.monitors.add()
	first <- registered
	forget := context.AfterFunc(ctx, func() { s.monitors.remove(registered) }) // if nobody ranges over it
	return func(yield func(Event) bool) {
		var c chan Event
		select {
		case c = <-first:
		default:
			c = s.monitors.add() // the sequence is ranged over once more
		}
		defer s.monitors.remove(c)
		defer forget()
		for {
			select {
			case e, ok := <-c:
				if !ok || !yield(e) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}
