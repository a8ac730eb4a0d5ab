package conformance

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"zeromux/zmq"
)

// What a monitor tells over inproc, in libzmq's two formats.

// readerOf is the type that receives from a monitor of a type.
var readerOf = map[zmq.SocketType]zmq.SocketType{zmq.PAIR: zmq.PAIR, zmq.PUB: zmq.SUB, zmq.PUSH: zmq.PULL}

// A monitor is who reads what is told of a socket.
type monitor struct {
	*actor
	version int
}

// told is one event. In format 1 its endpoint is local.
type told struct {
	kind          zmq.EventKind
	values        []uint64
	local, remote string
}

// monitor has all events of a socket told from now on.
func (a *actor) monitor(version int, typ zmq.SocketType) *monitor {
	a.t.Helper()
	endpoint := inprocName()
	all := zmq.AllEvents
	if version == 2 {
		all = zmq.AllEventsV2
	}
	if err := a.Monitor(endpoint, all, zmq.MonitorOptions{Version: version, Type: typ}); err != nil {
		a.t.Fatal(err)
	}
	reader := a.t.socket(readerOf[typ])
	if typ == zmq.PUB {
		reader.subscribe("")
	}
	reader.connect(endpoint)
	return &monitor{reader, version}
}

// hear reads the next event.
func (m *monitor) hear() (e told) {
	m.t.Helper()
	frames := m.recv().Frames
	native := binary.NativeEndian
	if m.version == 1 {
		if len(frames) != 2 || len(frames[0]) != 6 {
			m.t.Fatalf("format 1: %q", frames)
		}
		value := uint64(native.Uint32(frames[0][2:]))
		return told{zmq.EventKind(native.Uint16(frames[0])), []uint64{value}, string(frames[1]), ""}
	}
	if len(frames) < 5 || native.Uint64(frames[1]) != uint64(len(frames)-4) {
		m.t.Fatalf("format 2: %q", frames)
	}
	for _, f := range frames[2 : len(frames)-2] {
		e.values = append(e.values, native.Uint64(f))
	}
	e.kind = zmq.EventKind(native.Uint64(frames[0]))
	e.local, e.remote = string(frames[len(frames)-2]), string(frames[len(frames)-1])
	return e
}

// wants checks that the next events are of these kinds and about an endpoint, and
// returns the last. That an attempt is under way is left out.
func (m *monitor) wants(endpoint string, kinds ...zmq.EventKind) (e told) {
	m.t.Helper()
	for _, kind := range kinds {
		for e = m.hear(); e.kind == zmq.EventConnectDelayed; {
			e = m.hear()
		}
		if e.kind != kind {
			m.t.Fatalf("told of %q, want %q", e.kind, kind)
		}
		if e.local != endpoint && e.remote != endpoint {
			m.t.Errorf("%q is about %q and %q, want %q", kind, e.local, e.remote, endpoint)
		}
	}
	return e
}

func TestMonitor(t *testing.T) {
	for version := 1; version <= 2; version++ {
		for typ := range readerOf {
			t.Run(fmt.Sprintf("format %d by a %v", version, typ), func(t *testing.T) {
				overNetwork(t, func(s *stage) { s.monitorsALife(version, typ) })
				t.Run("tcp of IPv6", func(t *testing.T) {
					s := newStage(t, "tcp")
					s.endpoint = "tcp://[::1]:*"
					s.ctx = newContext(t, &zmq.ContextConfig{IPv6: true})
					s.monitorsALife(version, typ)
				})
			})
		}
	}
	t.Run("what waits in pipes", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pull, push := s.bind(zmq.PULL), s.socket(zmq.PUSH)
			s.wrong(push.MonitorPipes(), zmq.ErrInvalid) // nobody hears of it
			pulls, pushes := pull.monitor(2, zmq.PAIR), push.monitor(2, zmq.PAIR)
			s.wrong(pull.MonitorPipes(), zmq.ErrWouldBlock) // there is none
			push.connect(s.endpoint)
			pull.peers(1)
			push.peers(1)
			for range 5 {
				push.send("hello")
			}
			s.until("all have arrived", func() bool { return pull.Stats().Received == 5 })
			for m, row := range map[*monitor]struct {
				of   *actor
				want []uint64 // to go out, and come in
			}{pulls: {pull, []uint64{0, 5}}, pushes: {push, []uint64{0, 0}}} {
				if s.scheme == "inproc" && row.of == push {
					row.want = []uint64{5, 0} // one queue
				}
				if err := row.of.MonitorPipes(); err != nil {
					s.Fatal(err)
				}
				e := m.hear()
				for e.kind != zmq.EventPipesStats {
					e = m.hear()
				}
				if !slices.Equal(e.values, row.want) || e.local != s.endpoint && e.remote != s.endpoint {
					s.Errorf("of a %v: %+v, want %d", row.of.Type(), e, row.want)
				}
			}
			if err := push.Monitor("inproc://narrow", zmq.AllEvents, zmq.MonitorOptions{Version: 2}); err != nil {
				s.Fatal(err)
			}
			s.wrong(push.MonitorPipes(), zmq.ErrInvalid) // not of this event
		})
	})
	t.Run("what is refused", func(t *testing.T) {
		s := newStage(t, "inproc")
		a, name := s.socket(zmq.DEALER), s.bind(zmq.PULL).LastEndpoint()
		for what, row := range map[string]struct {
			endpoint string
			events   zmq.EventKind
			o        zmq.MonitorOptions
			want     error
		}{
			"another protocol":               {"tcp://127.0.0.1:*", zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrUnknownScheme},
			"no endpoint":                    {"monitor", zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrInvalid},
			"a name in use":                  {name, zmq.AllEvents, zmq.MonitorOptions{}, zmq.ErrAddressInUse},
			"another type":                   {"inproc://m", zmq.AllEvents, zmq.MonitorOptions{Type: zmq.SUB}, zmq.ErrInvalid},
			"another type, format 2":         {"inproc://m", zmq.AllEventsV2, zmq.MonitorOptions{Version: 2, Type: zmq.ROUTER}, zmq.ErrInvalid},
			"a format that there is not":     {"inproc://m", zmq.AllEvents, zmq.MonitorOptions{Version: 3}, zmq.ErrInvalid},
			"what format 1 cannot tell":      {"inproc://m", zmq.AllEventsV2, zmq.MonitorOptions{Version: 1}, zmq.ErrInvalid},
			"pipe statistics and a format 1": {"inproc://m", zmq.EventPipesStats, zmq.MonitorOptions{}, zmq.ErrInvalid},
		} {
			t.Run(what, func(*testing.T) { s.wrong(a.Monitor(row.endpoint, row.events, row.o), row.want) })
		}
		a.close()
		s.wrong(a.Monitor("inproc://m", zmq.AllEvents, zmq.MonitorOptions{}), zmq.ErrClosed)
		s.wrong(a.MonitorPipes(), zmq.ErrClosed)
	})
}

// monitorsALife checks what is told of both ends of a connection, from its beginning
// to its end.
func (s *stage) monitorsALife(version int, typ zmq.SocketType) {
	s.Helper()
	rep, req := s.socket(zmq.REP), s.socket(zmq.DEALER)
	server, client := rep.monitor(version, typ), req.monitor(version, typ)
	s.endpoint = rep.bind(s.endpoint)
	listening := server.wants(s.endpoint, zmq.EventListening)
	req.connect(s.endpoint)
	req.send("", "hello")
	rep.want("hello")
	rep.send("hello")
	req.want("", "hello")
	connected := client.wants(s.endpoint, zmq.EventConnected)
	if version == 2 && s.scheme == "tcp" && (!strings.HasPrefix(connected.local, "tcp://") || connected.remote != s.endpoint) {
		s.Errorf("connected from %q to %q", connected.local, connected.remote)
	}
	client.wants(s.endpoint, zmq.EventHandshakeSucceeded)
	server.wants(s.endpoint, zmq.EventAccepted, zmq.EventHandshakeSucceeded)
	req.close()
	client.wants("", zmq.EventMonitorStopped)
	server.wants(s.endpoint, zmq.EventDisconnected)
	rep.close()
	if e := server.wants(s.endpoint, zmq.EventClosed); !slices.Equal(e.values, listening.values) {
		s.Errorf("the listener was %d and is %d when it is closed", listening.values, e.values)
	}
	server.wants("", zmq.EventMonitorStopped)
	server.silent()
}

// A monitor that nobody reads holds libzmq up, and even bind: here it loses events.
func TestQuirkMonitorHoldsNobodyUp(t *testing.T) {
	for typ := range readerOf {
		t.Run(typ.String(), func(t *testing.T) {
			over(t, func(s *stage) {
				a := s.socket(zmq.PULL)
				if err := a.Monitor("inproc://unread", zmq.AllEvents, zmq.MonitorOptions{Type: typ}); err != nil {
					s.Fatal(err)
				}
				for range 3000 { // two events each
					if err := a.Unbind(a.bind(s.another())); err != nil {
						s.Fatal(err)
					}
				}
				if lost := a.Stats().EventsLost; lost == 0 && typ != zmq.PUB { // which drops by itself
					s.Error("nothing is said to be lost")
				}
				pull, push := s.join(as(zmq.PULL), as(zmq.PUSH))
				push.send("hello")
				pull.want("hello")
				a.close()
			}, "tcp")
		})
	}
}
