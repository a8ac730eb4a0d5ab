package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
	"zeromux/zmtp"
)

func beating(interval time.Duration) set {
	return func(c *zmq.Config) { c.Heartbeat.Interval = interval }
}

// inFakeTime plays with connections that have no system behind them: dial returns the
// other end of the next connection that a socket opens.
func inFakeTime(t *testing.T, play func(s *stage, dial set, accept func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		conns := make(chan net.Conn, 100)
		s := newStage(t, "tcp")
		play(s, func(c *zmq.Config) {
			c.Network.Dial = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				conns <- theirs
				return ours, nil
			}
		}, func() net.Conn { return <-conns })
	})
}

func TestHeartbeats(t *testing.T) {
	t.Run("a silent peer is dropped", func(t *testing.T) {
		inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
			dealer := s.socket(zmq.DEALER, dial, beating(2*time.Second), func(c *zmq.Config) { c.Heartbeat.Timeout = 3 * time.Second })
			dealer.connect("tcp://127.0.0.1:1")
			peer := zmtptest.NewPeer(accept())
			peer.Play(s.T, "send greeting 3.1 NULL\nexpect greeting\nexpect ready DEALER Identity=\"\"\nsend ready ROUTER\nexpect ping 0")
			start := time.Now()
			peer.Play(s.T, "expect ping 0\nexpect eof")
			if d := time.Since(start); d != 3*time.Second {
				s.Errorf("it is dropped %v after the first PING, want 3 s", d)
			}
			peer.Close()
		})
	})
	t.Run("and so is one over a connection of the system", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.bind(zmq.DEALER, beating(10*time.Millisecond))
			conn := s.dial()
			_, _ = io.WriteString(conn, greeting+strings.Repeat("\x00", 64-len(greeting))+
				"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER\x08Identity\x00\x00\x00\x00")
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				s.Errorf("the connection is not closed: %v", err)
			}
		})
	})
	t.Run("a PING is answered with its context", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.bind(zmq.DEALER)
			s.older("send greeting 3.1 NULL\nexpect greeting\nexpect ready DEALER Identity=\"\"\nsend ready ROUTER\n" +
				"send ping 10\nexpect pong\nsend ping 10 \"0123456789abcdef\"\nexpect pong \"0123456789abcdef\"")
		})
	})
	t.Run("a time to live ends a connection that falls silent", func(t *testing.T) {
		inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
			dealer := s.socket(zmq.DEALER, dial)
			dealer.connect("tcp://127.0.0.1:1")
			peer := zmtptest.NewPeer(accept())
			peer.Play(s.T, "send greeting 3.1 NULL\nexpect greeting\nexpect ready DEALER Identity=\"\"\nsend ready ROUTER\n"+
				"expect silence 1h\nsend ping 20\nexpect pong")
			start := time.Now()
			peer.Play(s.T, "expect eof")
			if d := time.Since(start); d != 2*time.Second {
				s.Errorf("it is dropped after %v, want 2 s", d)
			}
			peer.Close()
		})
	})
	for _, match := range matches(t) {
		t.Run(match.name, match.beats)
	}
	t.Run("the range of a time to live", func(t *testing.T) {
		s := newStage(t, "tcp")
		for ttl, want := range map[time.Duration]error{
			0: nil, 99 * time.Millisecond: nil, 100 * time.Millisecond: nil, 6553500 * time.Millisecond: nil,
			6553600 * time.Millisecond: zmq.ErrInvalid, -time.Millisecond: zmq.ErrInvalid,
		} {
			_, err := s.ctx.NewSocket(zmq.DEALER, &zmq.Config{Heartbeat: zmq.Heartbeat{TTL: ttl}})
			s.wrong(err, want)
		}
	})
}

// beats is the same with a mechanism, by which both commands may be sealed.
func (m *match) beats(t *testing.T) {
	t.Run("a silent peer is dropped", func(t *testing.T) {
		inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
			h := m.shaken(s, accept, dial, beating(2*time.Second), func(c *zmq.Config) { c.Heartbeat.Timeout = 3 * time.Second })
			h.wants(zmtp.AppendPing(nil, 0, nil))
			start := time.Now()
			h.wants(zmtp.AppendPing(nil, 0, nil))
			expectEnd(s, h.conn)
			if d := time.Since(start); d != 3*time.Second {
				s.Errorf("it is dropped %v after the first PING, want 3 s", d)
			}
		})
	})
	t.Run("a PING is answered with its context", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.handle(zmq.REP, saying("200"))
			s.bind(zmq.DEALER, secured(m.server))
			h := take(s, s.dial(), sideOf(s, m.client, zmq.DEALER))
			h.shake()
			const most = "0123456789abcdef"
			for _, context := range []string{"", "x", most, most + "and more"} {
				h.write(h.seal(zmtp.FlagCommand, append(zmtp.AppendPing(nil, 10, nil), context...)))
				h.wants(zmtp.AppendPong(nil, []byte(context[:min(len(context), len(most))])))
			}
		})
	})
	t.Run("a time to live ends a connection that falls silent", func(t *testing.T) {
		inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
			h := m.shaken(s, accept, dial)
			h.write(h.seal(zmtp.FlagCommand, zmtp.AppendPing(nil, 20, nil)))
			h.wants(zmtp.AppendPong(nil, nil))
			start := time.Now()
			expectEnd(s, h.conn)
			if d := time.Since(start); d != 2*time.Second {
				s.Errorf("it is dropped after %v, want 2 s", d)
			}
		})
	})
	for _, types := range [][2]zmq.SocketType{
		{zmq.ROUTER, zmq.DEALER},
		{zmq.REP, zmq.REQ},
		{zmq.PULL, zmq.PUSH},
		{zmq.PUSH, zmq.PULL},
		{zmq.PUB, zmq.SUB},
		{zmq.XPUB, zmq.XSUB},
		{zmq.PAIR, zmq.PAIR},
		{zmq.DEALER, zmq.DEALER},
	} {
		t.Run(fmt.Sprintf("no false alarm between %v and %v", types[0], types[1]), func(t *testing.T) {
			inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
				s.handle(zmq.REP, saying("200"))
				live := func(c *zmq.Config) { c.Heartbeat.TTL = time.Second }
				a := s.socket(types[0], secured(m.server), beating(500*time.Millisecond), live)
				b := s.socket(types[1], secured(m.client), dial, beating(300*time.Millisecond))
				events := s.watch(b)
				b.connect("tcp://127.0.0.1:1")
				if err := a.Attach(accept()); err != nil {
					s.Fatal(err)
				}
				a.peers(1)
				<-time.After(20 * time.Minute) // of the bubble
				synctest.Wait()
				a.peers(1)
				b.close()
				for e, ok := events.next(); ok; e, ok = events.next() {
					if e.Kind == zmq.EventDisconnected {
						s.Errorf("%v", e.Err)
					}
				}
			})
		})
	}
}

// shaken has a hand shake hands as a client with a server in fake time.
func (m *match) shaken(s *stage, accept func() net.Conn, options ...set) *hand {
	s.Helper()
	s.handle(zmq.REP, saying("200"))
	s.socket(zmq.DEALER, append(options, secured(m.server))...).connect("tcp://127.0.0.1:1")
	h := take(s, accept(), sideOf(s, m.client, zmq.DEALER))
	s.Cleanup(func() { _ = h.conn.Close() })
	h.shake()
	return h
}

// wants hears what is within the next frame.
func (h *hand) wants(body []byte) {
	h.Helper()
	if got := h.open(); !bytes.Equal(got, body) {
		h.Fatalf("heard %q, want %q", got, body)
	}
}
