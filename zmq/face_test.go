package zmq_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"zeromux/zmq"
)

func TestTypesHaveTheProtocolsNamesAndLibzmqsNumbers(t *testing.T) {
	for number, name := range []string{"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM"} {
		typ := zmq.SocketType(number)
		if typ.String() != name {
			t.Errorf("%d is %v, want %s", number, typ, name)
		}
		if got, err := zmq.ParseSocketType(name); got != typ || err != nil {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "push", "PUSHER"} {
		if _, err := zmq.ParseSocketType(name); !is(err, zmq.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := zmq.SocketType(99).String(); got != "SocketType(99)" {
		t.Errorf("got %s", got)
	}
}

func TestWhatASocketCanDoWithoutPeersDependsOnItsType(t *testing.T) {
	c := newContext(t)
	sends := "PUB XPUB XSUB ROUTER STREAM"
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		s := newSocket(t, c, typ, nil)
		if s.Type() != typ || s.Context() != c {
			t.Errorf("%v says that it is %v", typ, s.Type())
		}
		if got, want := s.CanSend(), strings.Contains(" "+sends+" ", " "+typ.String()+" "); got != want {
			t.Errorf("%v: can send is %v, want %v", typ, got, want)
		}
		if s.CanRecv() {
			t.Errorf("%v can receive", typ)
		}
	}
}

func TestAMessageIsAListOfFrames(t *testing.T) {
	for name, row := range map[string]struct {
		m             zmq.Message
		bytes, string string
		size          int
	}{
		"the zero message": {zmq.Message{}, "", "", 0},
		"one frame":        {zmq.NewStringMessage("a b"), "a b", "a b", 3},
		"several frames":   {zmq.NewMessage([]byte("a"), nil, []byte("bc")), "bc", "a  bc", 3},
		"an empty frame":   {zmq.NewStringMessage(""), "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range []zmq.Message{row.m, row.m.Clone()} {
				if string(m.Bytes()) != row.bytes || m.String() != row.string || m.Size() != row.size || len(m.Frames) != len(row.m.Frames) {
					t.Errorf("got %q, %q, %d", m.Bytes(), m.String(), m.Size())
				}
				if m.Peer() != nil {
					t.Error("it has a peer")
				}
				if _, ok := m.Property("Socket-Type"); ok {
					t.Error("it has a property")
				}
			}
		})
	}
}

func TestAMessageKnowsItsSender(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := &zmq.Config{RoutingID: "me", Metadata: map[string]string{"X-b": "2", "X-a": "1"}}
		router, dealer := join(t, c, endpoint, side{zmq.ROUTER, nil}, side{zmq.DEALER, config})
		send(t, dealer, "x")
		m := recv(t, router)
		address := "127.0.0.1"
		if strings.HasPrefix(endpoint, "ipc") {
			address = fmt.Sprintf("localhost:%d:%d:%d", os.Getuid(), os.Getgid(), os.Getpid())
		}
		for name, want := range map[string]string{
			"Socket-Type": "DEALER", "Identity": "me", "Routing-Id": "me", "Peer-Address": address, "X-a": "1", "X-b": "2",
		} {
			if got, ok := m.Property(name); !ok || got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for _, name := range []string{"x-a", "X-c", "User-Id"} {
			if got, ok := m.Property(name); ok {
				t.Errorf("%s is %q", name, got)
			}
		}
		p := m.Peer()
		if p.Type != "DEALER" || p.Version != "3.1" || p.Mechanism != "NULL" || p.Endpoint != router.LastEndpoint() || p.Inproc {
			t.Errorf("got %+v", p)
		}
	})
}

func TestStatsCount(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		for i := range 10 {
			send(t, push, fmt.Sprint(i), "second")
		}
		eventually(t, "everything has arrived", func() bool { return pull.Stats().Received == 10 })
		for range 4 {
			recv(t, pull)
		}
		sent, received := push.Stats(), pull.Stats()
		// A frame has a header of two octets.
		if sent.Sent != 10 || sent.SentOctets != 10*(2+1+2+6) || sent.Peers != 1 || sent.Received != 0 {
			t.Errorf("sender: %+v", sent)
		}
		if received.Received != 10 || received.ReceivedOctets != sent.SentOctets || received.RecvQueue < 6 || received.Sent != 0 {
			t.Errorf("receiver: %+v", received)
		}
		// Counts outlive connections.
		if err := push.Disconnect(pull.LastEndpoint()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the peer is gone", func() bool { return pull.Stats().Peers == 0 })
		eventually(t, "the sender knows that everything is written", func() bool { return push.Stats().SendQueue == 0 })
		if got := push.Stats(); got.Sent != 10 || got.Peers != 0 {
			t.Errorf("sender afterwards: %+v", got)
		}
		if got := pull.Stats(); got.Received != 10 || got.ReceivedOctets != sent.SentOctets {
			t.Errorf("receiver afterwards: %+v", got)
		}
	})
}

func TestIPv6IsUsedWhenItIsAskedFor(t *testing.T) {
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skip("this system has no IPv6: ", err)
	} else {
		l.Close()
	}
	for name, row := range map[string]struct {
		context *zmq.ContextConfig
		socket  *zmq.Config
	}{
		"of the context": {&zmq.ContextConfig{IPv6: true}, nil},
		"of the socket":  {nil, &zmq.Config{Network: zmq.Network{IPv6: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := zmq.NewContext(row.context)
			defer term(t, c)
			pull, push := join(t, c, "tcp://[::1]:*", side{zmq.PULL, row.socket}, side{zmq.PUSH, row.socket})
			send(t, push, "x")
			want(t, pull, "x")
			if !strings.HasPrefix(pull.LastEndpoint(), "tcp://[::1]:") || !pull.Config().Network.IPv6 {
				t.Errorf("bound to %s", pull.LastEndpoint())
			}
		})
	}
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	if _, err := s.Bind("tcp://[::1]:*"); err == nil {
		t.Error("bound without being asked")
	}
}

func TestALoggerHearsOfEveryEvent(t *testing.T) {
	var out locked
	c := zmq.NewContext(&zmq.ContextConfig{Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	pull, push := join(t, c, "tcp://127.0.0.1:*", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	endpoint := pull.LastEndpoint()
	if err := push.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the peer is gone", func() bool { return len(pull.Peers()) == 0 })
	term(t, c)
	for _, word := range []string{"zmq: listening", "zmq: accepted", "zmq: connected", "zmq: handshake succeeded", "zmq: disconnected", endpoint} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("nothing about %q in\n%s", word, out.String())
		}
	}
}

// locked is a buffer for several writers.
type locked struct {
	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

func TestTheDefaultContextIsOneForAll(t *testing.T) {
	var sockets []*zmq.Socket
	for _, typ := range []zmq.SocketType{zmq.PULL, zmq.PUSH} {
		s, err := zmq.NewSocket(typ, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Context() != zmq.DefaultContext() {
			t.Error("another context")
		}
		sockets = append(sockets, s)
	}
	bind(t, sockets[0], "inproc://default")
	connect(t, sockets[1], "inproc://default")
	send(t, sockets[1], "x")
	want(t, sockets[0], "x")
	for _, s := range sockets {
		if err := s.CloseContext(within(t)); err != nil {
			t.Error(err)
		}
	}
}
