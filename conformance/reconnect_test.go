package conformance

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

// Connections that are lost, refused and made again.

func TestReconnectIvl(t *testing.T) {
	never := func(c *zmq.Config) { c.Reconnect.Interval = zmq.Never }
	overNetwork(t, func(s *stage) {
		pull, push := s.join(as(zmq.PULL), as(zmq.PUSH, never))
		events := s.watch(push)
		pull.close()
		events.await(zmq.EventDisconnected)
		s.until("the endpoint is forgotten", func() bool { return errors.Is(push.Disconnect(s.endpoint), zmq.ErrNotFound) })
		push.blocked()
		pull = s.bind(zmq.PULL)
		push.blocked()
		push.connect(s.endpoint)
		push.send("hello")
		pull.want("hello")
	})
}

func TestReconnectOptions(t *testing.T) {
	with := func(f func(*zmq.Reconnect)) set { return func(c *zmq.Config) { f(&c.Reconnect) } }
	// garbage accepts connections to the stage's endpoint, and says nothing.
	garbage := func(s *stage) (stop func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Fatal(err)
		}
		s.endpoint = "tcp://" + l.Addr().String()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
		}()
		return func() { _ = l.Close() }
	}
	forgotten := func(s *stage, a *actor) {
		s.Helper()
		s.until("the endpoint is forgotten", func() bool { return errors.Is(a.Disconnect(s.endpoint), zmq.ErrNotFound) })
	}
	t.Run("the order of events", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			pull := s.bind(zmq.PULL)
			push := s.socket(zmq.PUSH)
			events := s.watch(push)
			push.connect(s.endpoint)
			events.want(zmq.EventConnected, zmq.EventHandshakeSucceeded)
			pull.close()
			events.want(zmq.EventDisconnected, zmq.EventConnectRetried, zmq.EventClosed, zmq.EventConnectRetried, zmq.EventClosed)
			s.bind(zmq.PULL)
			events.await(zmq.EventConnected)
			events.want(zmq.EventHandshakeSucceeded)
		})
	})
	t.Run("stop when refused", func(t *testing.T) {
		over(t, func(s *stage) {
			s.reserve()
			push := s.socket(zmq.PUSH, with(func(r *zmq.Reconnect) { r.StopRefused = true }))
			events := s.watch(push)
			push.connect(s.endpoint)
			events.want(zmq.EventClosed)
			forgotten(s, push)
		}, "tcp")
	})
	t.Run("stop when the handshake fails", func(t *testing.T) {
		over(t, func(s *stage) {
			defer garbage(s)()
			push := s.socket(zmq.PUSH, with(func(r *zmq.Reconnect) { r.StopHandshake = true }))
			events := s.watch(push)
			push.connect(s.endpoint)
			events.want(zmq.EventConnected, zmq.EventHandshakeFailedNoDetail, zmq.EventDisconnected)
			forgotten(s, push)
		}, "tcp")
	})
	t.Run("or try again", func(t *testing.T) {
		over(t, func(s *stage) {
			defer garbage(s)()
			push := s.socket(zmq.PUSH)
			events := s.watch(push)
			push.connect(s.endpoint)
			for range 3 {
				events.want(zmq.EventConnected, zmq.EventHandshakeFailedNoDetail, zmq.EventDisconnected, zmq.EventConnectRetried)
			}
		}, "tcp")
	})
	t.Run("stop when the application disconnects", func(t *testing.T) {
		over(t, func(s *stage) {
			s.reserve()
			push := s.connect(zmq.PUSH, lingering, with(func(r *zmq.Reconnect) { r.StopDisconnect = true }))
			push.send("lost, or the context would not end")
			if err := push.Disconnect(s.endpoint); err != nil {
				s.Fatal(err)
			}
		}, "tcp")
	})
	for name, row := range map[string]struct {
		interval, most time.Duration
		want           string // milliseconds
	}{
		"an interval grows up to its most":      {time.Millisecond, 5 * time.Millisecond, "1 2 4 5 5"},
		"a most below the interval shortens it": {10 * time.Millisecond, 2 * time.Millisecond, "2 2 2 2 2"},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, func(s *stage) {
				s.reserve()
				push := s.socket(zmq.PUSH, with(func(r *zmq.Reconnect) { r.Interval, r.Max = row.interval, row.most }))
				events := s.watch(push)
				push.connect(s.endpoint)
				var got []string
				for range 5 {
					got = append(got, fmt.Sprint(events.await(zmq.EventConnectRetried).Value))
				}
				if s := strings.Join(got, " "); s != row.want {
					t.Errorf("intervals %s, want %s", s, row.want)
				}
			}, "tcp")
		})
	}
}
