package zmq_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"zeromux/zmq"
)

// heard is an event as a feed tells it, in either format.
type heard struct {
	kind          zmq.EventKind
	values        []uint64
	local, remote string // format 1 has one text: local
}

// readers are the types that receive from a feed of a type.
var readers = map[zmq.SocketType]zmq.SocketType{zmq.PAIR: zmq.PAIR, zmq.PUB: zmq.SUB, zmq.PUSH: zmq.PULL}

// feeds are the feeds that tests have asked for, each of which has a name of its own.
var feeds atomic.Int64

// monitored has a feed tell of all events of s, and returns what reads it.
func monitored(t *testing.T, c *zmq.Context, s *zmq.Socket, o zmq.MonitorOptions) *zmq.Socket {
	t.Helper()
	endpoint := fmt.Sprintf("inproc://%s-%d", t.Name(), feeds.Add(1))
	events := zmq.AllEvents
	if o.Version == 2 {
		events = zmq.AllEventsV2
	}
	if err := s.Monitor(endpoint, events, o); err != nil {
		t.Fatal(err)
	}
	reader := newSocket(t, c, readers[o.Type], nil)
	if o.Type == zmq.PUB {
		subscribe(t, reader, "")
	}
	connect(t, reader, endpoint)
	return reader
}

// hear reads one event.
func hear(t *testing.T, reader *zmq.Socket, version int) heard {
	t.Helper()
	m := recv(t, reader)
	native := binary.NativeEndian
	if version != 2 {
		if len(m.Frames) != 2 || len(m.Frames[0]) != 6 {
			t.Fatalf("format 1: %q", m.Frames)
		}
		head := m.Frames[0]
		return heard{zmq.EventKind(native.Uint16(head)), []uint64{uint64(native.Uint32(head[2:]))}, string(m.Frames[1]), ""}
	}
	n := int(native.Uint64(m.Frames[1]))
	if len(m.Frames) != 4+n {
		t.Fatalf("format 2: %d values in %q", n, m.Frames)
	}
	e := heard{kind: zmq.EventKind(native.Uint64(m.Frames[0])), local: string(m.Frames[2+n]), remote: string(m.Frames[3+n])}
	for _, f := range m.Frames[2 : 2+n] {
		e.values = append(e.values, native.Uint64(f))
	}
	return e
}

// What a feed tells of a connection's life, on both sides of it.
func TestAMonitorSendsEventsInLibzmqsFormats(t *testing.T) {
	for _, version := range []int{0, 1, 2} {
		for typ := range readers {
			over(t, network, func(t *testing.T, endpoint string) {
				c := newContext(t)
				o := zmq.MonitorOptions{Version: version, Type: typ}
				server, client := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, soon())
				s, cl := monitored(t, c, server, o), monitored(t, c, client, o)
				bound := bind(t, server, endpoint)
				connect(t, client, bound)
				scheme, _, _ := strings.Cut(bound, "://")

				// A side is where an endpoint is known: here, there, or both.
				check := func(reader *zmq.Socket, kind zmq.EventKind, local, remote bool) heard {
					t.Helper()
					e := hear(t, reader, version)
					if e.kind != kind {
						t.Fatalf("%v told, want %v", e.kind, kind)
					}
					if len(e.values) != 1 {
						t.Errorf("%v: %d values", kind, len(e.values))
					}
					if version != 2 {
						if e.local != bound {
							t.Errorf("%v of %q, want %q", kind, e.local, bound)
						}
						return e
					}
					for text, known := range map[string]bool{e.local: local, e.remote: remote} {
						if known != strings.HasPrefix(text, scheme+"://") && scheme == "tcp" {
							t.Errorf("%v between %q and %q", kind, e.local, e.remote)
						}
					}
					if e.local != bound && e.remote != bound {
						t.Errorf("%v between %q and %q, none is %q", kind, e.local, e.remote, bound)
					}
					return e
				}
				listening := check(s, zmq.EventListening, true, false)
				accepted := check(s, zmq.EventAccepted, true, true)
				check(s, zmq.EventHandshakeSucceeded, true, true)
				if scheme == "tcp" {
					check(cl, zmq.EventConnectDelayed, false, true)
				}
				connected := check(cl, zmq.EventConnected, true, true)
				if e := check(cl, zmq.EventHandshakeSucceeded, true, true); e.values[0] != 0 {
					t.Errorf("the handshake succeeds with %d", e.values[0])
				}
				for _, e := range []heard{listening, accepted, connected} {
					if fd := e.values[0]; fd == 0 || fd > 1<<20 {
						t.Errorf("%v has descriptor %#x", e.kind, fd)
					}
				}
				if err := server.Unbind(bound); err != nil {
					t.Fatal(err)
				}
				if e := check(s, zmq.EventClosed, true, false); e.values[0] != listening.values[0] {
					t.Errorf("closed: descriptor %d, was listening as %d", e.values[0], listening.values[0])
				}
				if e := check(cl, zmq.EventDisconnected, true, true); e.values[0] != connected.values[0] {
					t.Errorf("disconnected: descriptor %d, was connected as %d", e.values[0], connected.values[0])
				}
				if e := check(cl, zmq.EventConnectRetried, false, true); e.values[0] == 0 || e.values[0] > 1000 {
					t.Errorf("retried after %d ms", e.values[0])
				}
				if err := server.Close(); err != nil {
					t.Fatal(err)
				}
				if e := hear(t, s, version); e.kind != zmq.EventMonitorStopped || e.local+e.remote != "" || e.values[0] != 0 {
					t.Errorf("at the end: %+v", e)
				}
				nothing(t, s)
			})
		}
	}
}

func TestAMonitorTellsOnlyTheEventsThatItIsFor(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	if err := s.Monitor("inproc://m", zmq.EventClosed, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	reader := newSocket(t, c, zmq.PAIR, nil)
	connect(t, reader, "inproc://m")
	if err := s.Unbind(bind(t, s, "tcp://127.0.0.1:*")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, reader, 1); e.kind != zmq.EventClosed {
		t.Errorf("told of %v", e.kind)
	}
	nothing(t, reader)
}

// The bind that fails has an address and no scheme, as with libzmq.
func TestAMonitorTellsOfABindThatFails(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	reader := monitored(t, c, s, zmq.MonitorOptions{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := s.Bind("tcp://" + taken.Addr().String()); !is(err, zmq.ErrAddressInUse) {
		t.Fatalf("bind: %v", err)
	}
	if e := hear(t, reader, 1); e.kind != zmq.EventClosed {
		t.Errorf("first %v", e.kind)
	}
	if e := hear(t, reader, 1); e.kind != zmq.EventBindFailed || e.values[0] != uint64(zmq.Errno(zmq.ErrAddressInUse)) || e.local != taken.Addr().String() {
		t.Errorf("then %+v", e)
	}
}

func TestAMonitorIsRefusedAsByLibzmq(t *testing.T) {
	c := newContext(t)
	s, other := newSocket(t, c, zmq.STREAM, nil), newSocket(t, c, zmq.PULL, nil)
	bind(t, other, "inproc://taken")
	if err := s.Monitor("inproc://mine", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	reader := newSocket(t, c, zmq.PAIR, nil)
	connect(t, reader, "inproc://mine")
	for name, row := range map[string]struct {
		endpoint string
		events   zmq.EventKind
		o        zmq.MonitorOptions
		want     error
	}{
		"no endpoint at all":              {"nonsense", zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrInvalid},
		"not inproc":                      {"tcp://127.0.0.1:*", zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrUnknownScheme},
		"nothing known":                   {"foo://bar", zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrUnknownScheme},
		"a name in use":                   {"inproc://taken", zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrAddressInUse},
		"an event that format 1 has not":  {"inproc://m", zmq.EventPipesStats, zmq.MonitorOptions{Version: 1}, zmq.ErrInvalid},
		"all events where no format said": {"inproc://m", zmq.AllEventsV2, zmq.MonitorOptions{}, zmq.ErrInvalid},
		"format 3":                        {"inproc://m", zmq.AllEvents, zmq.MonitorOptions{Version: 3}, zmq.ErrInvalid},
		"format -1":                       {"inproc://m", zmq.AllEvents, zmq.MonitorOptions{Version: -1}, zmq.ErrInvalid},
		"a type that receives":            {"inproc://m", zmq.AllEvents, zmq.MonitorOptions{Type: zmq.PULL}, zmq.ErrInvalid},
		"a type that there is not":        {"inproc://m", zmq.AllEvents, zmq.MonitorOptions{Type: 77}, zmq.ErrInvalid},
	} {
		if err := s.Monitor(row.endpoint, row.events, row.o); !is(err, row.want) || !strings.Contains(err.Error(), row.endpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	nothing(t, reader) // the monitor that there is has not stopped
	bind(t, s, "tcp://127.0.0.1:*")
	if e := hear(t, reader, 1); e.kind != zmq.EventListening {
		t.Errorf("the earlier monitor tells of %v", e.kind)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); !is(err, zmq.ErrClosed) {
		t.Errorf("of a closed socket: %v", err)
	}
	c.Shutdown()
	if err := other.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); !is(err, zmq.ErrTerminated) {
		t.Errorf("after Shutdown: %v", err)
	}
}

func TestAMonitorTakesThePlaceOfTheEarlierOne(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	first := monitored(t, c, s, zmq.MonitorOptions{})
	second := monitored(t, c, s, zmq.MonitorOptions{Type: zmq.PUSH})
	if e := hear(t, first, 1); e.kind != zmq.EventMonitorStopped {
		t.Errorf("the first tells %v", e.kind)
	}
	bind(t, s, "tcp://127.0.0.1:*")
	if e := hear(t, second, 1); e.kind != zmq.EventListening {
		t.Errorf("the second tells %v", e.kind)
	}
	nothing(t, first)
	if err := s.Monitor("", 0, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, second, 1); e.kind != zmq.EventMonitorStopped {
		t.Errorf("stopped, the second tells %v", e.kind)
	}
	if err := s.Monitor("", 0, zmq.MonitorOptions{}); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	for range 3 { // under one name
		if err := s.Monitor("inproc://again", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// A reader may come after the events: they wait for it, up to a bound.
func TestAMonitorWaitsForItsFirstReader(t *testing.T) {
	for _, typ := range []zmq.SocketType{zmq.PAIR, zmq.PUSH} {
		c := newContext(t)
		s := newSocket(t, c, zmq.PULL, nil)
		if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{Type: typ}); err != nil {
			t.Fatal(err)
		}
		bound := bind(t, s, "tcp://127.0.0.1:*")
		if err := s.Unbind(bound); err != nil {
			t.Fatal(err)
		}
		reader := newSocket(t, c, readers[typ], nil)
		connect(t, reader, "inproc://m")
		for _, kind := range []zmq.EventKind{zmq.EventListening, zmq.EventClosed} {
			if e := hear(t, reader, 1); e.kind != kind || e.local != bound {
				t.Errorf("%v: told %+v, want %v", typ, e, kind)
			}
		}
	}
}

// flood raises n events, two for each bind, while messages go through the socket.
func flood(t *testing.T, c *zmq.Context, s *zmq.Socket, n int) {
	t.Helper()
	push := newSocket(t, c, zmq.PUSH, nil)
	connect(t, push, bind(t, s, "inproc://"+fmt.Sprintf("flood-%p", push)))
	for i := range n / 2 {
		if err := s.Unbind(bind(t, s, "tcp://127.0.0.1:*")); err != nil {
			t.Fatal(err)
		}
		send(t, push, fmt.Sprint(i))
		want(t, s, fmt.Sprint(i))
	}
	if err := push.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAMonitorThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	for typ := range readers {
		for _, connected := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, connected %v", typ, connected), func(t *testing.T) {
				c := newContext(t)
				s := newSocket(t, c, zmq.PULL, nil)
				if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{Type: typ}); err != nil {
					t.Fatal(err)
				}
				if connected {
					reader := newSocket(t, c, readers[typ], marks(10, 10))
					if typ == zmq.PUB {
						subscribe(t, reader, "")
					}
					connect(t, reader, "inproc://m")
				}
				flood(t, c, s, 2400)
				if lost := s.Stats().EventsLost; (lost > 0) == (typ == zmq.PUB) {
					t.Errorf("%d events are said to be lost", lost) // a PUB drops by itself
				}
				if err := s.Close(); err != nil { // stopping does not wait either
					t.Fatal(err)
				}
			})
		}
	}
}

// A reader that is behind gets, in order, what was kept, and the end.
func TestAMonitorsSlowReaderHearsOfTheEnd(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	reader := newSocket(t, c, zmq.PAIR, marks(0, 100))
	connect(t, reader, "inproc://m")
	flood(t, c, s, 2400)
	lost := s.Stats().EventsLost
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var kinds []zmq.EventKind
	for {
		e := hear(t, reader, 1)
		kinds = append(kinds, e.kind)
		if e.kind == zmq.EventMonitorStopped {
			break
		}
	}
	nothing(t, reader)
	if got := len(kinds) - 1 + int(lost); got != 2400 || lost < 200 {
		t.Errorf("%d events told and %d lost, of 2400", len(kinds)-1, lost)
	}
	for i, kind := range kinds[:100] {
		if kind != []zmq.EventKind{zmq.EventListening, zmq.EventClosed}[i%2] {
			t.Fatalf("event %d is %v", i, kind)
		}
	}
}

func TestMonitorPipesTellsWhatWaits(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, nil)
		if err := push.MonitorPipes(); !is(err, zmq.ErrInvalid) {
			t.Errorf("not monitored: %v", err)
		}
		if err := push.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{Version: 2}); err != nil {
			t.Fatal(err)
		}
		if err := push.MonitorPipes(); !is(err, zmq.ErrInvalid) {
			t.Errorf("monitored without it: %v", err)
		}
		reader := monitored(t, c, pull, zmq.MonitorOptions{Version: 2})
		if err := pull.MonitorPipes(); !is(err, zmq.ErrWouldBlock) {
			t.Errorf("without pipes: %v", err)
		}
		connect(t, push, bind(t, pull, endpoint))
		peers(t, pull, 1)
		for range 3 {
			send(t, push, "hello")
		}
		eventually(t, "all have arrived", func() bool { return pull.Stats().Received == 3 })
		happens := watch(t, pull)
		if err := pull.MonitorPipes(); err != nil {
			t.Fatal(err)
		}
		if e := happens.await(zmq.EventPipesStats); e.SendQueue != 0 || e.RecvQueue != 3 || e.Peer == nil || e.Peer.Type != "PUSH" || e.Endpoint != pull.LastEndpoint() {
			t.Errorf("event %+v", e)
		}
		for {
			e := hear(t, reader, 2)
			if e.kind != zmq.EventPipesStats {
				continue
			}
			if !slices.Equal(e.values, []uint64{0, 3}) || e.local != pull.LastEndpoint() {
				t.Errorf("told %+v", e)
			}
			break
		}
	})
}

// A monitor is one of the context's sockets, from which it ends with its own.
func TestAMonitorCountsAsASocket(t *testing.T) {
	c := zmq.NewContext(&zmq.ContextConfig{MaxSockets: 2, NotBlocky: true})
	defer term(t, c)
	s := newSocket(t, c, zmq.PULL, nil)
	if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSocket(zmq.PULL, nil); !is(err, zmq.ErrTooManySockets) {
		t.Errorf("a third: %v", err)
	}
	if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Errorf("the same anew: %v", err)
	}
	if err := s.Monitor("", 0, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	other := newSocket(t, c, zmq.PULL, nil)
	if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); !is(err, zmq.ErrTooManySockets) {
		t.Errorf("a monitor that is too many: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // takes its monitor along
		t.Fatal(err)
	}
	newSocket(t, c, zmq.PULL, nil)
	newSocket(t, c, zmq.PULL, nil)
}

// A monitor that cannot be leaves the earlier one as it was, under whatever name, and at
// no time is the name free.
func TestAMonitorThatFailsLeavesTheEarlierOne(t *testing.T) {
	const name = "inproc://monitor"
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	if err := s.Monitor(name, zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	reader := newSocket(t, c, zmq.PAIR, nil)
	connect(t, reader, name)
	bind(t, newSocket(t, c, zmq.PULL, nil), "inproc://taken")
	for what, failing := range map[string]func() error{
		"a name that is taken":    func() error { return s.Monitor("inproc://taken", zmq.AllEvents, zmq.MonitorOptions{}) },
		"a name that is nobody's": func() error { return s.Monitor("inproc://", zmq.AllEvents, zmq.MonitorOptions{}) },
		"an unknown format":       func() error { return s.Monitor(name, zmq.AllEvents, zmq.MonitorOptions{Version: 3}) },
		"another type":            func() error { return s.Monitor(name, zmq.AllEvents, zmq.MonitorOptions{Type: zmq.SUB}) },
	} {
		if failing() == nil {
			t.Errorf("%s: there is a monitor", what)
		}
	}
	bind(t, s, "tcp://127.0.0.1:*")
	if e := hear(t, reader, 1); e.kind != zmq.EventListening {
		t.Errorf("the earlier one tells %v", e.kind)
	}
}

// Whoever wants the name of a monitor does not get it while one takes another's place.
func TestTheNameOfAMonitorIsNeverFree(t *testing.T) {
	const name = "inproc://monitor"
	c := newContext(t)
	s, thief := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PULL, nil)
	if err := s.Monitor(name, zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	stolen := make(chan bool)
	go func() {
		for !over.Load() {
			if _, err := thief.Bind(name); err == nil {
				stolen <- true
				return
			}
		}
		stolen <- false
	}()
	for range 1000 {
		if err := s.Monitor(name, zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
			t.Error(err)
			break
		}
	}
	over.Store(true)
	if <-stolen {
		t.Error("somebody else has it")
	}
}
