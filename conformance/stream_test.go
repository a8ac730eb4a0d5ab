package conformance

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// STREAM, and raw peers of other types.

func silent(c *zmq.Config) { c.Stream.Silent = true }

// dial opens a connection of the system, or of TLS over one, to the endpoint of the
// stage.
func (s *stage) dial() net.Conn {
	s.Helper()
	network, address, _ := strings.Cut(s.endpoint, "://")
	switch network {
	case "ipc":
		network = "unix"
	case overTLS:
		network = "tcp"
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		s.Fatal(err)
	}
	if s.scheme == overTLS {
		config := bothSides().Clone()
		config.ServerName = "127.0.0.1"
		conn = tls.Client(conn, config)
	}
	s.Cleanup(func() { _ = conn.Close() })
	return conn
}

// gather receives from a STREAM until so many octets of one peer have come.
func (a *actor) gather(size int) (octets []byte) {
	a.t.Helper()
	id := ""
	for len(octets) < size {
		m := a.recv()
		if len(m.Frames) != 2 || id != "" && id != string(m.Frames[0]) {
			a.t.Fatalf("received %.80q", m.Frames)
		}
		id = string(m.Frames[0])
		octets = append(octets, m.Frames[1]...)
	}
	return octets
}

// comes receives the word that a connection has come, and returns its routing id.
func (a *actor) comes() (id string) {
	a.t.Helper()
	id = string(a.recv().Frames[0])
	if len(id) != 5 || id[0] != 0 {
		a.t.Errorf("routing id %x", id)
	}
	return id
}

const greeting = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"

func TestStream(t *testing.T) {
	t.Run("ZMTP by hand", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			stream := s.bind(zmq.STREAM)
			dealer := s.connect(zmq.DEALER)
			id := stream.comes()
			stream.send(id, greeting+strings.Repeat("\x00", 64-len(greeting)))
			octets := stream.gather(64)
			if !bytes.HasPrefix(octets, []byte{0xff}) || octets[9] != 0x7f || octets[10] != 3 || !bytes.HasPrefix(octets[12:], []byte("NULL")) {
				s.Fatalf("greeting %q", octets[:64])
			}
			rest := octets[64:]
			stream.send(id, "\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER\x08Identity\x00\x00\x00\x00")
			ready := "\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
			if missing := len(ready) - len(rest); missing > 0 {
				rest = append(rest, stream.gather(missing)...)
			}
			if string(rest) != ready {
				s.Fatalf("got %q, want %q", rest, ready)
			}
			dealer.send("Hello")
			octets = stream.gather(7)
			if string(octets) != "\x00\x05Hello" {
				s.Fatalf("got %q", octets)
			}
			stream.send(id, "\x01\x03two\x00\x06frames")
			dealer.want("two", "frames")
		})
	})
	t.Run("a page by HTTP", func(t *testing.T) {
		over(t, func(s *stage) {
			server, client := s.bind(zmq.STREAM, lingering), s.connect(zmq.STREAM)
			to := client.comes()
			if client.LastID() != to {
				s.Errorf("the connection is %x, the socket says %x", to, client.LastID())
			}
			client.send(to, "GET /\n\n")
			from := server.comes()
			m := server.want(from, "GET /\n\n")
			if address, _ := m.Property("Peer-Address"); address != "127.0.0.1" {
				s.Errorf("Peer-Address is %q", address)
			}
			server.send(from, "HTTP/1.0 200 OK\r\n\r\nHello")
			server.send(from, "")
			page := client.gather(24)
			if string(page) != "HTTP/1.0 200 OK\r\n\r\nHello" {
				s.Errorf("page %q", page)
			}
			client.want(to, "") // it is over
		}, "tcp")
	})
}

func TestStreamDisconnect(t *testing.T) {
	overNetwork(t, func(s *stage) {
		server, client := s.bind(zmq.STREAM), s.connect(zmq.STREAM, func(c *zmq.Config) { c.Reconnect.Interval = zmq.Never })
		to, from := client.comes(), server.comes()
		client.send(to, "ping")
		server.want(from, "ping")
		server.send(from, "pong")
		client.want(to, "pong")
		server.send(from, "")
		client.want(to, "")
		server.peers(0)
		s.wrong(server.try(from, "too late"), zmq.ErrHostUnreachable)
		s.until("it is gone for the other as well", func() bool { return errors.Is(client.try(to, "too late"), zmq.ErrHostUnreachable) })
		server.silent() // it has closed the connection itself
	})
}

func TestStreamEmpty(t *testing.T) {
	overNetwork(t, func(s *stage) {
		dealer := s.bind(zmq.DEALER)
		stream := s.socket(zmq.STREAM, silent)
		stream.connect(s.endpoint)
		stream.send(stream.LastID(), "")
		peer := s.connect(zmq.DEALER)
		peer.send("all is well")
		dealer.want("all is well")
	})
}

func TestStreamExceedsBuffer(t *testing.T) {
	overNetwork(t, func(s *stage) {
		const size = 8193
		stream := s.bind(zmq.STREAM, silent)
		burst := make([]byte, size)
		for i := range burst {
			burst[i] = byte(i % 251)
		}
		conn := s.dial()
		if _, err := conn.Write(burst); err != nil {
			s.Fatal(err)
		}
		if octets := stream.gather(size); !bytes.Equal(octets, burst) {
			s.Errorf("%d octets came otherwise", len(octets))
		}
	})
}

// Who says nothing is closed when the time of the handshake is over, whoever has opened
// the connection.
func TestStreamTimeout(t *testing.T) {
	soon := func(c *zmq.Config) { c.Reconnect.HandshakeTimeout = 20 * time.Millisecond }
	t.Run("accepting", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.bind(zmq.DEALER, soon)
			conn := s.dial()
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			_, err := io.Copy(io.Discard, conn)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) { // where TLS was not done with its own
				s.Errorf("the connection is not closed: %v", err)
			}
		})
	})
	t.Run("connecting", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			stream := s.bind(zmq.STREAM)
			s.connect(zmq.DEALER, soon)
			id := stream.comes()
			for {
				m := stream.recv()
				if string(m.Frames[0]) == id && len(m.Frames[1]) == 0 {
					return // it has gone
				}
			}
		})
	})
}

// older plays a peer over a plain connection, which follows a script.
func (s *stage) older(script string) *zmtptest.Peer {
	s.Helper()
	peer := zmtptest.NewPeer(s.dial())
	s.Cleanup(func() { _ = peer.Close() })
	if !peer.Play(s.T, script) {
		s.FailNow()
	}
	return peer
}

func TestMockPubSub(t *testing.T) {
	for version, how := range map[string]struct{ subscribe, cancel string }{
		"3.0": {`frame "\x01A"`, `frame "\x00A"`},
		"3.1": {`subscribe "A"`, `cancel "A"`},
	} {
		t.Run("their SUB of "+version, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				pub := s.bind(zmq.XPUB)
				peer := s.older("send greeting " + version + " NULL\nexpect greeting\nexpect ready XPUB\nsend ready SUB\nsend " + how.subscribe)
				pub.want("\x01A")
				pub.send("B")
				pub.send("ALOL")
				peer.Play(s.T, `expect frame "ALOL"`+"\nsend "+how.cancel)
				pub.want("\x00A")
			})
		})
		t.Run("their PUB of "+version, func(t *testing.T) {
			s := newStage(t, "tcp")
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				s.Fatal(err)
			}
			defer listener.Close()
			sub := s.socket(zmq.SUB)
			sub.subscribe("A")
			sub.connect("tcp://" + listener.Addr().String())
			conn, err := listener.Accept()
			if err != nil {
				s.Fatal(err)
			}
			peer := zmtptest.NewPeer(conn)
			defer peer.Close()
			peer.Play(s.T, "send greeting "+version+" NULL\nexpect greeting\nexpect ready SUB\nsend ready PUB\n"+
				"expect "+how.subscribe+"\n"+`send frame "B"`+"\n"+`send frame "ALOL"`)
			sub.want("ALOL")
			sub.unsubscribe("A")
			peer.Play(s.T, "expect "+how.cancel)
		})
	}
}

// A ROUTER may speak plain octets, as a STREAM.
func TestRouterRaw(t *testing.T) {
	raw := func(c *zmq.Config) { c.Router.Raw = true }
	overNetwork(t, func(s *stage) {
		router := s.bind(zmq.ROUTER, raw, lingering)
		conn := s.dial()
		if _, err := io.WriteString(conn, "GET /\n"); err != nil {
			s.Fatal(err)
		}
		id := string(router.recv().Frames[0])
		router.want(id, "GET /\n")
		router.send("nobody", "is lost")
		router.configure(func(c *zmq.Config) { c.Router.Mandatory = true })
		s.wrong(router.try("nobody", "is missed"), zmq.ErrHostUnreachable)
		if can, err := router.CanSendTo(id); !can || err != nil {
			s.Errorf("room for it: %v, %v", can, err)
		}
		router.send(id, "a page")
		router.send(id, "")
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if page, err := io.ReadAll(conn); err != nil || string(page) != "a page" {
			s.Errorf("got %q, %v", page, err)
		}
		client := s.connect(zmq.ROUTER, raw)
		client.send(client.LastID(), "hello")
		id = string(router.recv().Frames[0])
		router.want(id, "hello")
		s.wrong(client.Connect("inproc://x"), zmq.ErrIncompatible)
		_, err := s.ctx.NewSocket(zmq.ROUTER, &zmq.Config{Router: zmq.Router{Raw: true, Handover: true}})
		s.wrong(err, zmq.ErrInvalid)
	})
}
