package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"zeromux/transport"
)

// MonitorOptions say how Monitor tells of events. The zero value is what
// zmq_socket_monitor does.
type MonitorOptions struct {
	// Version is the format of the messages, 1 or 2. Zero is the default, 1.
	Version int
	// Type is the type of the socket that sends them: PAIR, which is the zero
	// value, PUB or PUSH.
	Type SocketType
}

// feedBuffer is how many events wait, beside those in its pipe, for the reader of
// a monitor's socket. One that falls behind by more loses the newest.
const feedBuffer = 1000

// Monitor binds a socket of the same context to endpoint, an inproc name, that sends
// a message for each of events as libzmq does; Events tells the same to programs
// that need no libzmq's format. It takes the place of an earlier monitor, which ends
// with EventMonitorStopped, if that is among its events. An empty endpoint ends the
// earlier one alone. libzmq: zmq_socket_monitor, zmq_socket_monitor_versioned.
//
// In format 1 a message has two frames: the event in two octets and its value in
// four, in the order of octets of this machine; and the endpoint, of a socket that
// connected the remote one, else the local one. In format 2 the frames are the event
// and the number of its values, in eight octets each, each value in eight, the local
// and the remote endpoint; one that is not known is empty.
//
// The socket never waits for who reads: while nobody is connected to a PAIR or PUSH,
// or the reader is behind, 1000 events wait in addition to the high-water marks, and
// more are lost, which Stats.EventsLost tells. The monitor counts among the sockets
// of the context until the socket is closed, or it is ended.
//
// The error wraps ErrInvalid for a bad endpoint, version or type, or an event that
// format 1 does not know; ErrUnknownScheme for an endpoint that is not inproc,
// ErrAddressInUse, ErrTooManySockets, ErrClosed or ErrTerminated. Then the earlier
// monitor goes on.
func (s *Socket) Monitor(endpoint string, events EventKind, options MonitorOptions) error {
	if err := s.monitor(endpoint, events, options); err != nil {
		return s.fail("monitor", endpoint, err)
	}
	return nil
}

func (s *Socket) monitor(endpoint string, events EventKind, o MonitorOptions) error {
	s.mu.Lock()
	err := s.alive()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if endpoint == "" {
		s.replaceFeed(nil)
		return nil
	}
	if o.Version == 0 {
		o.Version = 1
	}
	scheme, name, err := transport.SplitEndpoint(endpoint)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case scheme != inprocScheme:
		return fmt.Errorf("%w %q: events go over inproc", ErrUnknownScheme, scheme)
	case o.Version != 1 && o.Version != 2:
		return fmt.Errorf("%w: Version %d, must be 1 or 2", ErrInvalid, o.Version)
	case o.Version == 1 && events&^AllEvents != 0:
		return fmt.Errorf("%w: events %#x, format 1 has %#x", ErrInvalid, uint32(events), uint32(AllEvents))
	case o.Type != PAIR && o.Type != PUB && o.Type != PUSH:
		return fmt.Errorf("%w: Type %v, must be PAIR, PUB or PUSH", ErrInvalid, o.Type)
	}
	s.monitors.changing.Lock()
	defer s.monitors.changing.Unlock()
	earlier := s.monitors.feeds()
	socket, err := s.ctx.newSocket(o.Type, &Config{Linger: NoLinger}, earlier)
	if err != nil {
		return reason(err)
	}
	config := socket.Config()
	if err := socket.bindName(name, endpoint, &config, earlier); err != nil {
		_ = socket.Close()
		return err
	}
	f := &feed{socket: socket, mask: events, version: o.Version}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	if !s.replaceFeed(f) {
		f.end()
		return ErrClosed // meanwhile
	}
	return nil
}

// reason is why a call failed, without the call.
func reason(err error) error {
	var op *OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// feeds returns the socket that sends events, or nil.
func (m *monitors) feeds() *Socket {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.feed == nil {
		return nil
	}
	return m.feed.socket
}

// replaceFeed puts f, or nil, in the place of the feed that there is, and ends
// that. It reports false when there are no events any more.
func (s *Socket) replaceFeed(f *feed) bool {
	m := &s.monitors
	m.mu.Lock()
	if m.stopped {
		m.mu.Unlock()
		return false
	}
	old := m.feed
	m.feed = f
	m.mu.Unlock()
	if old != nil {
		old.end()
	}
	return true
}

// A feed tells of events in libzmq's formats.
type feed struct {
	socket  *Socket
	mask    EventKind
	version int

	ctx    context.Context // of the pump; ends with the feed
	cancel context.CancelFunc

	mu      sync.Mutex // guards all below; under it the locks of socket
	pending []Message  // what there was no room for, oldest first
	pump    chan struct{}
	failed  bool // the socket takes no more
}

// offer sends an event, or keeps it until there is room, and reports whether it
// could. It does not wait.
func (f *feed) offer(e *Event) bool {
	if f.mask&e.Kind == 0 {
		return true
	}
	m := f.encode(e)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.failed:
		return false
	case len(f.pending) == 0 && f.socket.TrySend(m) == nil:
		return true
	case len(f.pending) == feedBuffer:
		return false
	}
	f.pending = append(f.pending, m)
	if f.pump == nil {
		f.pump = make(chan struct{})
		go f.run(f.pump)
	}
	return true
}

// run is the goroutine that waits for room, as long as something is pending.
func (f *feed) run(done chan struct{}) {
	defer close(done)
	for {
		f.mu.Lock()
		if len(f.pending) == 0 {
			f.pending, f.pump = nil, nil
			f.mu.Unlock()
			return
		}
		m := f.pending[0]
		f.mu.Unlock()
		err := f.socket.Send(f.ctx, m)
		f.mu.Lock()
		if err != nil {
			f.failed = true // the feed ends, or its context
			f.mu.Unlock()
			return
		}
		f.pending = f.pending[1:]
		f.mu.Unlock()
	}
}

// end sends what is pending and that this was all, beyond any mark, and closes the
// socket. What nobody is connected for is lost. Called once, when offer is not called
// any more.
func (f *feed) end() {
	f.cancel()
	f.mu.Lock()
	pump := f.pump
	f.mu.Unlock()
	if pump != nil {
		<-pump
	}
	last := f.pending
	if f.mask&EventMonitorStopped != 0 {
		last = append(last, f.encode(&Event{Kind: EventMonitorStopped}))
	}
	_ = f.socket.Configure(func(c *Config) { c.HighWater.Send = Unlimited }) // it fails when the context is shut down
	for _, m := range last {
		if f.socket.TrySend(m) != nil {
			break
		}
	}
	_ = f.socket.Close()
}

// encode makes the message of an event.
func (f *feed) encode(e *Event) Message {
	local, remote := e.ends()
	native := binary.NativeEndian
	if f.version == 1 {
		text := local
		if e.Connecting {
			text = remote
		}
		if e.Kind == EventBindFailed {
			_, text, _ = strings.Cut(text, "://") // as in libzmq
		}
		head := native.AppendUint16(nil, uint16(e.Kind))
		return NewMessage(native.AppendUint32(head, uint32(e.Value)), []byte(text))
	}
	values := []uint64{uint64(e.Value)}
	if e.Kind == EventPipesStats {
		values = []uint64{uint64(e.SendQueue), uint64(e.RecvQueue)}
	}
	frames := [][]byte{
		native.AppendUint64(nil, uint64(e.Kind)),
		native.AppendUint64(nil, uint64(len(values))),
	}
	for _, v := range values {
		frames = append(frames, native.AppendUint64(nil, v))
	}
	return NewMessage(append(frames, []byte(local), []byte(remote))...)
}

// ends are the endpoints of both sides, as far as they are known: the socket's own as
// it was bound or connected, or as it is in the one connection.
func (e *Event) ends() (local, remote string) {
	scheme, _, _ := strings.Cut(e.Endpoint, "://")
	with := func(address string) string {
		if address == "" || address == "@" { // a Unix-domain socket without a name
			return ""
		}
		return scheme + "://" + address
	}
	if e.Connecting {
		return with(e.Local), e.Endpoint
	}
	if local = with(e.Local); local == "" {
		local = e.Endpoint
	}
	return local, with(e.Remote)
}
