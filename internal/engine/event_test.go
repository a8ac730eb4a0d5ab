package engine

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// betweenHosts is a connection in memory that has the addresses of a real one.
type betweenHosts struct{ net.Conn }

func (betweenHosts) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

func (betweenHosts) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 2} }

// What nobody reads is not written: a flood of refusals costs little.
func TestALoggerThatIsNotInterestedCostsNothing(t *testing.T) {
	s := newSocket(t, "PULL", "PUSH")
	e := Event{Kind: EventHandshakeAuth, Endpoint: "mem://", Err: &HandshakeError{Phase: PhaseMechanism, Err: errGone}}
	cost := func(logger *slog.Logger) float64 {
		env := &Env{Logger: logger}
		return testing.AllocsPerRun(100, func() { report(env, s, e); s.events = s.events[:0] })
	}
	deaf := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))
	if none, some := cost(nil), cost(deaf); some > none+1 { // what As looks for
		t.Errorf("it takes %v objects, and %v without", some, none)
	}
}

// Whatever happens to a connection is told with its endpoint and both its ends, and
// from the end of the handshake on with its peer.
func TestEventsNameTheConnectionAndItsPeer(t *testing.T) {
	v31, v20 := dialects[0], dialects[2]
	opening := v31.opening("DEALER", "them")
	for _, test := range []struct {
		name string
		set  func(s *socket)
		says []byte
		then func(session *Session, peer net.Conn)
		want string // events; those with a peer say so
	}{
		{
			"the peer leaves", nil, opening,
			func(_ *Session, peer net.Conn) { _ = peer.Close() },
			"began, handshake succeeded (them), disconnected (them)",
		},
		{
			"the peer breaks the protocol", nil, append(bytes.Clone(opening), 2, 0xff, 0, 0, 0, 0, 0, 0, 0),
			nil,
			"began, handshake succeeded (them), disconnected (them)",
		},
		{
			"the peer is silent for too long",
			func(s *socket) { s.cfg.HeartbeatInterval, s.cfg.HeartbeatTimeout = time.Second, time.Second },
			opening,
			func(*Session, net.Conn) { pass(3 * time.Second) },
			"began, handshake succeeded (them), disconnected (them)",
		},
		{
			"the peer breaks the rules of the socket type", nil, opening,
			func(session *Session, _ net.Conn) { session.Expel(ErrViolation) },
			"began, handshake succeeded (them), disconnected (them)",
		},
		{
			"the peer is not served",
			func(s *socket) { s.turnAway = func(*message.Peer) bool { return true } },
			opening, nil,
			"began, handshake succeeded (them), disconnected (them)",
		},
		{
			"the peer gets no pipe",
			func(s *socket) { s.noPipe = true },
			opening, nil,
			"began, disconnected (them)",
		},
		{
			"an older peer leaves", nil, v20.opening("DEALER", "them"),
			func(_ *Session, peer net.Conn) { _ = peer.Close() },
			"began, disconnected (them)",
		},
		{
			"a peer without protocol leaves",
			func(s *socket) { s.cfg.Raw = true },
			[]byte("GET / HTTP/1.1"),
			func(_ *Session, peer net.Conn) { _ = peer.Close() },
			"began, disconnected ()",
		},
		{
			"the handshake breaks the protocol", nil, opening[:zmtp.GreetingSize+3],
			func(_ *Session, peer net.Conn) { _ = peer.Close() },
			"began, handshake failed, disconnected",
		},
		{
			"the peer speaks another mechanism", nil,
			append(zmtp.AppendGreeting(nil, zmtp.Greeting{Major: 3, Mechanism: "PLAIN"}, 0), opening[zmtp.GreetingSize:]...),
			nil,
			"began, handshake failed: protocol, disconnected",
		},
		{
			"the peer refuses us", nil,
			zmtp.AppendFrame(bytes.Clone(opening[:zmtp.GreetingSize]), zmtp.FlagCommand, zmtp.AppendError(nil, "400")),
			nil,
			"began, handshake failed: authentication, disconnected",
		},
	} {
		for _, began := range []string{"accepted", "connected"} {
			t.Run(test.name+", "+began, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, n := newSocket(t, "ROUTER", "DEALER"), newNetwork()
					var log bytes.Buffer
					s.env.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
					s.cfg.ReconnectInterval = 0
					s.cfg.Immediate = true // the pipe is made when the peer is known
					if test.set != nil {
						test.set(s)
					}
					session, theirs := s.open(n, began == "accepted")
					go func() { _, _ = io.Copy(io.Discard, theirs) }()
					<-say(theirs, test.says)
					synctest.Wait()
					if test.then != nil {
						test.then(session, theirs)
					}
					synctest.Wait()
					checkNamed(t, s.heard(), strings.Replace(test.want, "began", began, 1), log.String())
					_ = theirs.Close()
					s.close(0)
				})
			})
		}
	}
}

// open makes a session of a connection between hosts, and returns the far end.
func (s *socket) open(n *network, accepted bool) (*Session, net.Conn) {
	if !accepted {
		n.wrap = func(c net.Conn) net.Conn { return betweenHosts{c} }
		session := Connect(s.env, s, &s.cfg, n, "address", "mem://endpoint", nil)
		return session, <-n.dialled
	}
	ours, theirs := net.Pipe()
	return Attach(s.env, s, &s.cfg, betweenHosts{ours}, "mem://endpoint", "192.0.2.2"), theirs
}

// checkNamed checks what events say of a connection, and that the log says the same.
func checkNamed(t *testing.T, events []Event, want, log string) {
	t.Helper()
	var got []string
	for _, e := range events {
		text := e.Kind.String()
		if e.Peer != nil {
			text += " (" + string(e.Peer.RoutingID) + ")"
		}
		got = append(got, text)
		if e.Endpoint != "mem://endpoint" || e.Local != "192.0.2.1:1" || e.Remote != "192.0.2.2:2" || e.Time.IsZero() {
			t.Errorf("%s: of endpoint %q, between %q and %q, at %v", text, e.Endpoint, e.Local, e.Remote, e.Time)
		}
		if p := e.Peer; p != nil && (p.Endpoint != e.Endpoint || p.Address == "") {
			t.Errorf("%s: the peer is of endpoint %q, at %q", text, p.Endpoint, p.Address)
		}
	}
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("events: %s\n  want: %s", got, want)
	}
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if len(lines) != len(events) {
		t.Fatalf("%d events and this log:\n%s", len(events), log)
	}
	for i, e := range events {
		for _, part := range []string{"endpoint=mem://endpoint", "local=192.0.2.1:1", "remote=192.0.2.2:2"} {
			if !strings.Contains(lines[i], part) {
				t.Errorf("no %s in %s", part, lines[i])
			}
		}
		if e.Peer != nil && !strings.Contains(lines[i], "peer.routing_id="+string(e.Peer.RoutingID)) {
			t.Errorf("no peer in %s", lines[i])
		}
	}
}

// What happens to a listener is told with its endpoint and what it is bound to.
func TestEventsNameTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PULL", "PUSH"), newNetwork()
		l, err := Listen(s.env, s, &s.cfg, n, "mem", "mem://")
		if err != nil {
			t.Fatal(err)
		}
		n.accept <- errors.New("out of descriptors")
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		var got []string
		for _, e := range s.heard() {
			got = append(got, e.Kind.String()+" "+e.Endpoint+" "+e.Local+e.Remote)
		}
		if got, want := strings.Join(got, ", "), "listening mem://mem mem, accept failed mem://mem mem, closed mem://mem mem"; got != want {
			t.Errorf("events: %s\n  want: %s", got, want)
		}
		s.close(0)
	})
}
