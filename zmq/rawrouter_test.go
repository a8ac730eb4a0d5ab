package zmq_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"zeromux/zmq"
)

// dialPlain opens a connection to an endpoint of tcp that speaks no protocol.
func dialPlain(t *testing.T, endpoint string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestARawRouterSpeaksPlainOctets is what libzmq's does with ZMQ_ROUTER_RAW, step
// by step: see interop.
func TestARawRouterSpeaksPlainOctets(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.ROUTER, &zmq.Config{Router: zmq.Router{Raw: true}, Linger: zmq.Forever})
	conn := dialPlain(t, bind(t, s, "tcp://127.0.0.1:*"))
	hello := recv(t, s)
	if len(hello.Frames) != 2 || len(hello.Frames[0]) != 5 || hello.Frames[0][0] != 0 || len(hello.Frames[1]) != 0 {
		t.Fatalf("on connecting: %q", hello.Frames)
	}
	id := string(hello.Frames[0])
	if _, err := io.WriteString(conn, "question"); err != nil {
		t.Fatal(err)
	}
	want(t, s, id, "question")
	send(t, s, id, "answer")
	send(t, s, id, "")
	if got, err := io.ReadAll(conn); string(got) != "answer" || err != nil {
		t.Errorf("the peer gets %q, %v", got, err)
	}
	send(t, s, id, "to nobody") // which is no error
	eventually(t, "what went nowhere is counted", func() bool { return s.Stats().DroppedUnroutable > 0 })
	nothing(t, s)
}

func TestAMandatoryRawRouterSaysThatNobodyIsThere(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.ROUTER, &zmq.Config{Router: zmq.Router{Raw: true, Mandatory: true}})
	bind(t, s, "tcp://127.0.0.1:*")
	if err := s.SendString(within(t), "who", "hello"); !is(err, zmq.ErrHostUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestARawRouterConnectsByName(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSocket(t, newContext(t), zmq.ROUTER, nil)
	if err := s.Configure(func(c *zmq.Config) { c.Router.Raw = true }); err != nil {
		t.Fatal(err)
	}
	if err := s.ConnectAs("tcp://"+l.Addr().String(), "server"); err != nil {
		t.Fatal(err)
	}
	send(t, s, "server", "hello")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(conn, b); string(b) != "hello" || err != nil {
		t.Errorf("the server gets %q, %v", b, err)
	}
	want(t, s, "server", "")
	conn.Close()
	want(t, s, "server", "")
}

func TestARouterStaysAsItIsOnceItHasAnEndpoint(t *testing.T) {
	for name, raw := range map[string]bool{"raw": true, "not raw": false} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, newContext(t), zmq.ROUTER, &zmq.Config{Router: zmq.Router{Raw: raw}})
			change := func(on bool) error { return s.Configure(func(c *zmq.Config) { c.Router.Raw = on }) }
			if err := change(!raw); err != nil {
				t.Error(err)
			}
			if err := change(raw); err != nil {
				t.Error(err)
			}
			if err := s.Unbind(bind(t, s, "tcp://127.0.0.1:*")); err != nil {
				t.Fatal(err)
			}
			if err := change(!raw); !is(err, zmq.ErrInvalid) || !containsText(err, "Router.Raw") {
				t.Errorf("got %v", err)
			}
			if got := s.Config().Router.Raw; got != raw {
				t.Errorf("it is raw: %v", got)
			}
		})
	}
}

// An endpoint that came to nothing leaves a ROUTER free.
func TestARouterIsFreeWhenItsFirstEndpointCouldNotBeOpened(t *testing.T) {
	c := newContext(t)
	taken := bind(t, newSocket(t, c, zmq.PULL, nil), "tcp://127.0.0.1:*")
	bind(t, newSocket(t, c, zmq.PULL, nil), "inproc://taken")
	for name, open := range map[string]func(*zmq.Socket) error{
		"a port in use":           func(s *zmq.Socket) error { _, err := s.Bind(taken); return err },
		"a name in use":           func(s *zmq.Socket) error { _, err := s.Bind("inproc://taken"); return err },
		"no file":                 func(s *zmq.Socket) error { _, err := s.BindFile("tcp://*:*", nil); return err },
		"nowhere to connect to":   func(s *zmq.Socket) error { return s.Connect("tcp://*:*") },
		"no listener":             func(s *zmq.Socket) error { _, err := s.Serve(nil); return err },
		"no connection":           func(s *zmq.Socket) error { return s.Attach(nil) },
		"an unknown kind of name": func(s *zmq.Socket) error { return s.Connect("nothing://x") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, c, zmq.ROUTER, nil)
			if open(s) == nil {
				t.Fatal("it was opened")
			}
			if err := s.Configure(func(c *zmq.Config) { c.Router.Raw = true }); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRawOctetsHaveNoInproc(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.ROUTER, &zmq.Config{Router: zmq.Router{Raw: true}})
	if _, err := s.Bind("inproc://x"); !is(err, zmq.ErrIncompatible) {
		t.Errorf("bind: %v", err)
	}
	if err := s.Connect("inproc://x"); !is(err, zmq.ErrIncompatible) {
		t.Errorf("connect: %v", err)
	}
}

// TestReadMostIsTheLengthOfAChunk sends more than fits in one message of STREAM.
func TestReadMostIsTheLengthOfAChunk(t *testing.T) {
	for most, longest := range map[int]int{0: 8192, 100: 100, 20_000: 20_000} {
		s := newSocket(t, newContext(t), zmq.STREAM, &zmq.Config{
			Network: zmq.Network{ReadMost: most, RecvBuffer: 1 << 20}, Stream: zmq.Stream{Silent: true},
		})
		conn := dialPlain(t, bind(t, s, "tcp://127.0.0.1:*"))
		all := strings.Repeat("x", 50_000)
		if _, err := io.WriteString(conn, all); err != nil {
			t.Fatal(err)
		}
		got, chunk := 0, 0
		for got < len(all) {
			n := len(recv(t, s).Frames[1])
			got += n
			chunk = max(chunk, n)
		}
		if chunk > longest || chunk < min(longest, 8192)/2 {
			t.Errorf("ReadMost %d: the longest chunk has %d octets, want %d", most, chunk, longest)
		}
	}
}
