package engine

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// told writes events down, with their values.
func told(events []Event) string {
	var all []string
	for _, e := range events {
		text := e.Kind.String()
		switch e.Kind {
		case EventConnectRetried:
			// Its value is told by the tests of pauses.
		case EventHandshakeProtocol:
			text += fmt.Sprintf(" %#x", e.Value)
		case EventConnected, EventAccepted, EventListening, EventClosed, EventDisconnected:
			// Their value is a descriptor.
		default:
			if e.Value != 0 {
				text += fmt.Sprintf(" %d", e.Value)
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestPausesBetweenAttempts(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		name      string
		base, max time.Duration
		least     []time.Duration // the pauses, or the least of them
		jitter    time.Duration   // below which is added at random
	}{
		{"the interval and a random part", 100 * ms, 0, slices.Repeat([]time.Duration{100 * ms}, 200), 100 * ms},
		{"a short interval", 2 * ms, 0, slices.Repeat([]time.Duration{2 * ms}, 200), 2 * ms},
		{
			"doubling up to the maximum", 100 * ms, 1000 * ms,
			[]time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms, 1000 * ms},
			0,
		},
		{"a maximum that is a power", 100 * ms, 400 * ms, []time.Duration{100 * ms, 200 * ms, 400 * ms, 400 * ms}, 0},
		{"a maximum below the interval shortens it", 100 * ms, 30 * ms, []time.Duration{30 * ms, 30 * ms, 30 * ms}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
				s.cfg.ReconnectInterval, s.cfg.ReconnectIntervalMax = test.base, test.max
				n.refuse = len(test.least)
				Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				peer := <-n.dialled
				times := n.attempts()
				var values []int
				for _, e := range s.heard() {
					if e.Kind == EventConnectRetried {
						values = append(values, e.Value)
					}
				}
				spread := make(map[int]bool)
				for i, least := range test.least {
					// The wheel turns in whole milliseconds: up to one more.
					pause := times[i+1].Sub(times[i])
					if most := least + test.jitter + ms; pause < least || pause > most {
						t.Errorf("pause %d: %v, want %v up to %v", i, pause, least, most)
					}
					if v := time.Duration(values[i]) * ms; v < least || v > least+test.jitter || pause-v >= 2*ms {
						t.Errorf("pause %d is %v, the event says %v", i, pause, v)
					}
					spread[values[i]] = true
				}
				if test.jitter > 10*ms && len(spread) < 50 {
					t.Errorf("%d pauses have %d values", len(test.least), len(spread))
				}
				_ = peer.Close()
				s.close(0)
			})
		})
	}
}

// A connection that came up begins the pauses anew.
func TestPausesBeginAnewAfterAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
		s.cfg.ReconnectIntervalMax = 10 * time.Second
		n.refuse = 4
		Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		l := listen(<-n.dialled)
		<-say(l, dialects[0].opening("PULL", ""))
		synctest.Wait()
		began := time.Now()
		_ = l.Close()
		l = listen(<-n.dialled)
		if pause := time.Since(began); pause < 100*time.Millisecond || pause > 102*time.Millisecond {
			t.Errorf("the first pause is %v", pause)
		}
		_ = l.Close()
		s.close(0)
	})
}

// Why a connection ends decides whether a connecting socket tries again.
func TestReasonsToTryAgain(t *testing.T) {
	v31 := dialects[0]
	greeting := v31.opening("PULL", "")[:zmtp.GreetingSize]
	frame := func(body string) []byte { return zmtp.AppendFrame(nil, zmtp.FlagCommand, []byte(body)) }
	for _, test := range []struct {
		name   string
		says   []byte
		hangUp bool
		again  bool
		events string
		set    func(*Config)
	}{
		{
			name: "the peer hangs up before it says anything", hangUp: true, again: true,
			events: "connected, handshake failed 32, disconnected",
		},
		{
			name: "the peer hangs up in the greeting", says: greeting[:20], hangUp: true, again: true,
			events: "connected, handshake failed 32, disconnected",
		},
		{
			name: "the peer hangs up after the handshake", says: v31.opening("PULL", ""), hangUp: true, again: true,
			events: "connected, handshake succeeded, disconnected",
		},
		{name: "the peer says nothing", again: true, events: "connected, handshake failed 11, disconnected"},
		{
			name: "the peer stops in the middle of its READY", says: v31.opening("PULL", "")[:70], again: true,
			events: "connected, handshake failed 11, disconnected",
		},
		{
			name: "the peer is silent after a PING", says: v31.opening("PULL", ""), again: true,
			events: "connected, handshake succeeded, disconnected",
			set:    func(c *Config) { c.HeartbeatInterval, c.HeartbeatTimeout = time.Second, time.Second },
		},
		{
			name: "the time to live is over", says: append(v31.opening("PULL", ""), ping(5)...), again: true,
			events: "connected, handshake succeeded, disconnected",
		},
		{
			name: "another mechanism", says: zmtp.AppendGreeting(nil, zmtp.Greeting{Mechanism: "CURVE"}, 0),
			events: "connected, handshake failed: protocol 0x11000002, disconnected",
		},
		{
			name: "no mechanism at all", says: slices.Concat(greeting[:12], []byte("null"), greeting[16:]),
			events: "connected, handshake failed: protocol 0x11000002, disconnected",
		},
		{
			name: "an unexpected command", says: append(slices.Clone(greeting), frame("\x05HELLO")...),
			events: "connected, handshake failed: protocol 0x10000001, disconnected",
		},
		{
			name: "a message before the READY", says: append(slices.Clone(greeting), zmtp.AppendFrame(nil, 0, []byte("x"))...),
			events: "connected, handshake failed: protocol 0x10000001, disconnected",
		},
		{name: "a type that does not fit", says: v31.opening("PUB", ""), events: "connected, disconnected"},
		{
			name: "malformed metadata", says: append(slices.Clone(greeting), frame("\x05READY\x0bSocket-Type\x00\x00\x00\x09PULL")...),
			events: "connected, disconnected",
		},
		{
			name: "ERROR with a status", says: append(slices.Clone(greeting), frame("\x05ERROR\x03400")...),
			events: "connected, handshake failed: authentication 400, disconnected",
		},
		{
			name: "ERROR with any reason", says: append(slices.Clone(greeting), frame("\x05ERROR\x04none")...),
			events: "connected, disconnected",
		},
		{
			name: "a frame too large", says: append(v31.opening("PULL", ""), zmtp.AppendHeader(nil, 0, 1001)...),
			events: "connected, handshake succeeded, disconnected",
		},
		{
			name: "a size that cannot be", says: append(v31.opening("PULL", ""), "\x02\x80\x00\x00\x00\x00\x00\x00\x00"...),
			events: "connected, handshake succeeded, disconnected",
		},
		{
			name: "a handshake larger than frames may be", says: v31.opening("PULL", ""),
			events: "connected, disconnected", set: func(c *Config) { c.MaxMessageSize = 10 },
		},
		{
			name: "a peer of 2.0 where security is asked for", says: dialects[2].opening("PULL", ""), again: true,
			events: "connected, disconnected", set: func(c *Config) { c.RefuseOld = true },
		},
		{
			name: "a peer without version where security is asked for", says: dialects[4].opening("PULL", ""), again: true,
			events: "connected, disconnected", set: func(c *Config) { c.RefuseOld = true },
		},
		{
			name: "a frame of 1.0 of length zero", says: append(dialects[4].opening("PULL", ""), 0),
			events: "connected, disconnected",
		},
		{
			name: "no interval to try again after", says: v31.opening("PULL", ""), hangUp: true,
			events: "connected, handshake succeeded, disconnected", set: func(c *Config) { c.ReconnectInterval = -1 },
		},
		{
			name: "a lost connection with the handshake as a reason to stop", says: greeting, hangUp: true,
			events: "connected, handshake failed 32, disconnected", set: func(c *Config) { c.ReconnectStop = StopHandshake },
		},
		{
			name: "a timeout with the handshake as a reason to stop", says: greeting,
			events: "connected, handshake failed 11, disconnected", set: func(c *Config) { c.ReconnectStop = StopHandshake },
		},
		{
			name: "a connection lost later, with the handshake as a reason to stop", says: v31.opening("PULL", ""), hangUp: true, again: true,
			events: "connected, handshake succeeded, disconnected", set: func(c *Config) { c.ReconnectStop = StopHandshake },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
				s.cfg.MaxMessageSize = 1000
				if test.set != nil {
					test.set(&s.cfg)
				}
				session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				l := listen(<-n.dialled)
				<-say(l, test.says)
				synctest.Wait()
				if test.hangUp {
					_ = l.Close()
				}
				var second net.Conn
				select {
				case second = <-n.dialled:
				case <-session.Done():
				case <-time.After(time.Hour):
					t.Fatal("neither given up nor tried again")
				}
				if again := second != nil; again != test.again {
					t.Errorf("tried again: %v, want %v", again, test.again)
				}
				want := test.events
				if test.again {
					want += ", connect retried, connected"
				}
				synctest.Wait()
				if got := told(s.heard()); got != want {
					t.Errorf("events:\n%s, want\n%s", got, want)
				}
				s.close(0)
				_ = l.Close()
				if second != nil {
					_ = second.Close()
				}
			})
		})
	}
}

func TestRefusedConnections(t *testing.T) {
	for _, stop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
			n.refuse = 1
			want := "closed"
			if stop {
				s.cfg.ReconnectStop = StopRefused
			} else {
				want += ", connect retried, connected"
			}
			session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
			select {
			case l := <-n.dialled:
				synctest.Wait()
				_ = l.Close()
			case <-session.Done():
			}
			if got := told(s.heard()); !strings.HasPrefix(got, want) {
				t.Errorf("events: %s, want %s", got, want)
			}
			s.close(0)
		})
	}
}

// The usual order of events, of libzmq's monitor.
func TestEventsOfABoundSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PULL", "PUSH"), newNetwork()
		listener, err := Listen(s.env, s, &s.cfg, n, "address", "mem://")
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		n.accept <- ours
		l := listen(theirs)
		<-say(l, dialects[0].opening("PUSH", ""))
		synctest.Wait()
		_ = l.Close()
		synctest.Wait()
		ours, theirs = net.Pipe()
		n.accept <- ours
		l = listen(theirs)
		<-say(l, dialects[0].opening("PUSH", ""))
		synctest.Wait()
		_ = listener.Close()
		events := s.heard()
		want := "listening, accepted, handshake succeeded, disconnected, accepted, handshake succeeded, closed"
		if got := told(events); got != want {
			t.Errorf("events:\n%s, want\n%s", got, want)
		}
		for _, e := range events {
			if e.Endpoint != "mem://mem" || e.Time.IsZero() {
				t.Errorf("%s of endpoint %q at %v", e.Kind, e.Endpoint, e.Time)
			}
			if e.Kind == EventHandshakeSucceeded && (e.Peer == nil || e.Peer.SocketType != "PUSH") {
				t.Errorf("the handshake is with %+v", e.Peer)
			}
		}
		s.close(0)
		if got := told(s.heard()); got != "" {
			t.Errorf("the socket's own end raised: %s", got)
		}
		_ = l.Close()
	})
}

// Every call of a Host comes in its order, and Ended is the last.
func TestCallsOfAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
		Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		for range 2 {
			l := listen(<-n.dialled)
			<-say(l, dialects[0].opening("PULL", ""))
			synctest.Wait()
			_ = l.Close()
			synctest.Wait()
		}
		s.close(0)
		if got := strings.Join(s.calls, " "); got != "started open online offline online offline detach ended" {
			t.Errorf("calls: %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
		s.cfg.Immediate = true
		Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		for range 2 {
			l := listen(<-n.dialled)
			<-say(l, dialects[0].opening("PULL", ""))
			synctest.Wait()
			_ = l.Close()
			synctest.Wait()
		}
		s.close(0)
		if got := strings.Join(s.calls, " "); got != "started open online offline detach open online offline detach ended" {
			t.Errorf("with Immediate: calls: %s", got)
		}
	})
}

// A peer that the pattern does not serve gets nothing and gives nothing.
func TestAPeerThatIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newSocket(t, "DEALER", "DEALER"), dialects[0]
		s.turnAway = func(p *message.Peer) bool { return string(p.RoutingID) == "taken" }
		ours, theirs := net.Pipe()
		session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
		l := listen(theirs)
		<-say(l, append(d.opening("DEALER", "taken"), d.encode("hello")...))
		<-session.Done()
		if got := s.recv(); len(got) > 0 {
			t.Errorf("received %q", got)
		}
		if got := told(s.heard()); got != "accepted, handshake succeeded, disconnected" {
			t.Errorf("events: %s", got)
		}
		s.close(0)
		_ = l.Close()
	})
}

// A pipe that dies announces no room: a sender that waits would give it a message
// to take along.
func TestADyingPipeAnnouncesNoRoom(t *testing.T) {
	for _, immediate := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
			s.pipe.SendMark = 2
			s.cfg.Immediate = immediate
			var peer net.Conn
			if immediate {
				Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				peer = <-n.dialled
			} else {
				var ours net.Conn
				ours, peer = net.Pipe()
				Attach(s.env, s, &s.cfg, ours, "mem://", "")
			}
			said := say(peer, dialects[0].opening("PULL", ""))
			readAll(peer, len(dialects[0].opening("PUSH", "")))
			<-said
			synctest.Wait()
			for s.send("hello") == pipe.OK {
				synctest.Wait()
			}
			s.onDetach = func() {
				if s.hub.HasWritable() {
					t.Errorf("immediate %v: room is announced in a pipe that is about to go", immediate)
				}
			}
			_ = peer.Close()
			synctest.Wait()
			s.close(0)
		})
	}
}
