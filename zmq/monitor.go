package zmq

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/pipe"
)

// An EventKind tells what happened to an endpoint or connection, by libzmq's
// numbers, each a bit of its own. libzmq: zmq_socket_monitor.
type EventKind uint32

// What can happen.
const (
	// EventConnected: a connection that the socket opened is up; the handshake
	// follows. Value is the descriptor.
	EventConnected = EventKind(engine.EventConnected)
	// EventConnectDelayed: a connection is being opened, and the answer of the
	// peer's system is waited for; Value is EINPROGRESS. Over ipc there is no
	// such wait.
	EventConnectDelayed = EventKind(engine.EventConnectDelayed)
	// EventConnectRetried: another attempt follows after a pause; Value is the
	// pause in milliseconds. Err says why if no address was tried: when the name of a
	// host, above all, is not known.
	EventConnectRetried = EventKind(engine.EventConnectRetried)
	// EventListening: the endpoint is bound; Value is the descriptor.
	EventListening = EventKind(engine.EventListening)
	// EventBindFailed: it could not be; Value is the errno.
	EventBindFailed = EventKind(engine.EventBindFailed)
	// EventAccepted: a connection came in; the handshake follows. Value is the
	// descriptor.
	EventAccepted = EventKind(engine.EventAccepted)
	// EventAcceptFailed: one could not be accepted; Value is the errno.
	EventAcceptFailed = EventKind(engine.EventAcceptFailed)
	// EventClosed: a listener was closed, or an attempt to connect or to bind has
	// failed, and Err says why. Value is the descriptor of a listener.
	EventClosed = EventKind(engine.EventClosed)
	// EventCloseFailed: a listener was closed, and something of it stays behind,
	// such as the directory of "ipc://*"; Value is the errno.
	EventCloseFailed = EventKind(engine.EventCloseFailed)
	// EventDisconnected: a connection has ended; Err says why. Value is the
	// descriptor that it had.
	EventDisconnected = EventKind(engine.EventDisconnected)
	// EventMonitorStopped: there are no more events; it is the last.
	EventMonitorStopped = EventKind(engine.EventMonitorStopped)
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
	// EventPipesStats tells what waits for and from one peer: see
	// Socket.MonitorPipes.
	EventPipesStats = EventKind(engine.EventPipesStats)

	// AllEvents is every event that format 1 of Monitor knows, and AllEventsV2
	// every one there is. libzmq: ZMQ_EVENT_ALL_V1, ZMQ_EVENT_ALL_V2.
	AllEvents   EventKind = 0xFFFF
	AllEventsV2 EventKind = 0x1FFFF
)

// String is the event in words.
func (k EventKind) String() string { return engine.EventKind(k).String() }

// An Event is one thing that happened to an endpoint or connection of a socket.
// There are none for inproc, but for EventPipesStats.
type Event struct {
	Kind EventKind
	// Time is when it happened.
	Time time.Time
	// Endpoint is the socket's own, as bound or connected.
	Endpoint string
	// Connecting says that Endpoint was connected to, not bound.
	Connecting bool
	// Local and Remote are the addresses of the connection, if there is one; of a
	// listener there is Local alone.
	Local, Remote string
	// Peer is the peer, after the handshake; else nil.
	Peer *PeerInfo
	// Value is libzmq's number for the event; see EventKind. A descriptor only
	// tells connections apart, and is -1 where the system gave none: the
	// connection may be in the hands of a copy of it.
	Value int
	// SendQueue and RecvQueue are the messages that wait, of EventPipesStats: see
	// Counts.
	SendQueue, RecvQueue int
	// Err is why, where there is a reason: a *HandshakeError when a handshake
	// failed.
	Err error
	// Lost is how many events this reader has missed right before this one, because
	// it was too far behind.
	Lost uint64
}

// eventBuffer is how many events wait for one reader of Events. A reader that
// falls behind by more loses the newest: it never holds the socket up.
const eventBuffer = 1024

// monitors are those who hear of a socket's events.
type monitors struct {
	changing sync.Mutex // held by who puts a feed in the place of another

	mu      sync.Mutex // guards all below; under it the feed's, and the locks of the feed's socket
	readers map[*eventReader]struct{}
	feed    *feed // of Monitor; nil: none
	stopped bool
	lost    uint64
}

// An eventReader is a reader of Events.
type eventReader struct {
	bell chan struct{} // holds a signal when something is new

	// Guarded by monitors.mu.
	waiting []Event // oldest first, but for the first read of them, which were taken
	read    int
	lost    uint64 // since the last one that had room
	over    bool   // no more will come
}

// emit hands an event of the engine on.
func (m *monitors) emit(e engine.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.readers) == 0 && m.feed == nil {
		return
	}
	event := Event{
		Kind: EventKind(e.Kind), Time: e.Time, Endpoint: e.Endpoint, Connecting: e.Connecting,
		Local: e.Local, Remote: e.Remote, Value: e.Value, Err: handshakeError(e.Err, e.Remote),
	}
	if e.Peer != nil {
		event.Peer = newPeerInfo(e.Peer)
	}
	m.hand(event)
}

// hand gives an event to everybody. m.mu is held.
func (m *monitors) hand(e Event) {
	for r := range m.readers {
		if len(r.waiting)-r.read >= eventBuffer {
			r.lost++
			m.lost++
			continue
		}
		r.give(e)
	}
	if m.feed != nil && !m.feed.offer(&e) {
		m.lost++
	}
}

// give gives the reader an event, whether there is room or not. monitors.mu is held.
func (r *eventReader) give(e Event) {
	if r.read > len(r.waiting)/2 {
		n := copy(r.waiting, r.waiting[r.read:])
		clear(r.waiting[n:])
		r.waiting, r.read = r.waiting[:n], 0
	}
	e.Lost, r.lost = r.lost, 0
	r.waiting = append(r.waiting, e)
	push(r.bell)
}

// take takes the reader's next event, if there is one, or else tells whether there will
// be none.
func (m *monitors) take(r *eventReader) (e Event, ok, over bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.read == len(r.waiting) {
		return Event{}, false, r.over
	}
	e = r.waiting[r.read]
	r.waiting[r.read] = Event{}
	r.read++
	return e, true, false
}

// wants reports whether anybody hears of events of a kind.
func (m *monitors) wants(kind EventKind) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.readers) > 0 || m.feed != nil && m.feed.mask&kind != 0
}

// missed is how many events somebody should have heard of and has not.
func (m *monitors) missed() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
}

func (m *monitors) add() *eventReader {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &eventReader{bell: make(chan struct{}, 1), over: m.stopped}
	if m.stopped {
		return r
	}
	if m.readers == nil {
		m.readers = make(map[*eventReader]struct{})
	}
	m.readers[r] = struct{}{}
	return r
}

func (m *monitors) remove(r *eventReader) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.readers, r)
}

// stop tells everybody that there are no more events.
func (m *monitors) stop() {
	m.mu.Lock()
	m.stopped = true
	for r := range m.readers {
		r.over = true
		r.give(Event{Kind: EventMonitorStopped, Time: time.Now()})
	}
	m.readers = nil
	last := m.feed
	m.feed = nil
	m.mu.Unlock()
	if last != nil {
		last.end()
	}
}

// Events yields what happens to the socket's endpoints and connections, from the
// call of Events on, until ctx ends, or the socket is closed and nothing is left of
// it: messages may still go out for as long as Linger says. Then the last event is
// EventMonitorStopped. A reader that falls 1024 events behind loses some, which
// Event.Lost tells; the socket never waits for it. A sequence that nobody has ranged
// over is given up when ctx ends, or when the program has let go of it.
func (s *Socket) Events(ctx context.Context) iter.Seq[Event] {
	first := s.hearken(ctx)
	return func(yield func(Event) bool) {
		r := first.take()
		if r == nil {
			r = s.monitors.add() // the sequence is ranged over once more
		}
		defer s.monitors.remove(r)
		for ctx.Err() == nil {
			e, ok, over := s.monitors.take(r)
			switch {
			case ok && !yield(e), over:
				return
			case ok:
				continue
			}
			select {
			case <-r.bell:
			case <-ctx.Done():
			}
		}
	}
}

// An ear hears of events for a sequence that nobody has ranged over yet. It goes with
// its context, or with the sequence: what nobody can range over costs nothing.
type ear struct {
	mu      sync.Mutex   // guards reader
	reader  *eventReader // nil: taken
	forget  func() bool
	cleanup runtime.Cleanup
}

// hearken makes an ear that hears of events from now on.
func (s *Socket) hearken(ctx context.Context) *ear {
	r := s.monitors.add()
	leave := func(r *eventReader) { s.monitors.remove(r) }
	first := &ear{reader: r, forget: context.AfterFunc(ctx, func() { leave(r) })}
	forget := first.forget
	first.cleanup = runtime.AddCleanup(first, func(r *eventReader) { forget(); leave(r) }, r)
	return first
}

// take takes the reader, which is the caller's from then on, or returns nil.
func (f *ear) take() *eventReader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.reader
	f.reader = nil
	if r != nil {
		f.forget()
		f.cleanup.Stop()
	}
	return r
}

// MonitorPipes raises EventPipesStats once for each pipe that there is: what waits
// to and from a peer, or an endpoint that was connected to. PeerStats tells more,
// without events. libzmq: zmq_socket_monitor_pipes_stats.
//
// The error wraps ErrInvalid when nobody hears of that event, ErrWouldBlock when
// there is no pipe, ErrClosed or ErrTerminated.
func (s *Socket) MonitorPipes() error {
	const op = "monitor pipes"
	s.mu.Lock()
	err := s.alive()
	events := s.pipeEvents()
	s.mu.Unlock()
	switch {
	case err != nil:
	case !s.monitors.wants(EventPipesStats):
		err = fmt.Errorf("%w: pipe statistics are not monitored", ErrInvalid)
	case len(events) == 0:
		err = fmt.Errorf("%w: there are no pipes", ErrWouldBlock)
	}
	if err != nil {
		return s.fail(op, "", err)
	}
	s.monitors.mu.Lock()
	defer s.monitors.mu.Unlock()
	for _, e := range events {
		s.monitors.hand(e)
	}
	return nil
}

// pipeEvents is an EventPipesStats for each pipe. s.mu is held.
func (s *Socket) pipeEvents() (events []Event) {
	event := func(end *pipe.End, endpoint string, connecting bool) Event {
		e := Event{Kind: EventPipesStats, Time: time.Now(), Endpoint: endpoint, Connecting: connecting}
		e.SendQueue, e.RecvQueue = end.Unsent(), s.unread(end)
		if peer := s.online[end]; peer != nil {
			e.Peer = newPeerInfo(peer)
		}
		return e
	}
	for session, end := range s.sessions {
		if end == nil {
			continue
		}
		e := event(end, session.Endpoint(), session.Connecting())
		e.Local, e.Remote = session.Ends()
		events = append(events, e)
	}
	for end, l := range s.links {
		events = append(events, event(end, l.endpoint, l.connects))
	}
	return events
}
