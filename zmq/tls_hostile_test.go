package zmq_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// unanswered is a connection that keeps what is written to it, and then fails.
type unanswered struct {
	net.Conn
	said bytes.Buffer
}

func (u *unanswered) Write(b []byte) (int, error) {
	u.said.Write(b)
	return 0, io.ErrClosedPipe
}

// clientHello is what a client of TLS says first.
func clientHello(t testing.TB) []byte {
	t.Helper()
	var u unanswered
	if err := tls.Client(&u, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Fatal("nobody has answered")
	}
	return u.said.Bytes()
}

// reachable is how much memory is in use, goroutines' stacks among it, in octets.
func reachable() int {
	octets, _ := heap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return octets + int(m.StackInuse)
}

// Peers that stop in the middle of a handshake of TLS cost a bounded amount of memory,
// hold nobody up, and end with their socket.
func TestHalfAHandshakeOfTLSHoldsNobodyUp(t *testing.T) {
	const connections = 200
	greeting := clientHello(t)
	for name, test := range map[string]struct {
		said   []byte
		answer bool // there is one
		most   int  // octets that a connection takes
	}{
		"nothing":                  {nil, false, 16 << 10},
		"half a greeting":          {greeting[:len(greeting)/2], false, 20 << 10},
		"the header of a greeting": {[]byte{22, 3, 1, 0x40, 0}, false, 40 << 10},
		"a greeting":               {greeting, true, 48 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			_, bound, connected := trusting(t)
			c := newContext(t)
			s := newSocket(t, c, zmq.PULL, bound)
			seen := watch(t, s)
			endpoint := bind(t, s, "tls+tcp://127.0.0.1:*")
			before := reachable()
			clients := make([]net.Conn, connections)
			for i := range clients {
				conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tls+tcp://"))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := conn.Write(test.said); err != nil {
					t.Fatal(err)
				}
				seen.await(zmq.EventAccepted)
				if test.answer {
					if _, err := conn.Read(make([]byte, 1)); err != nil {
						t.Fatal(err)
					}
				}
				clients[i] = conn
			}
			each := (reachable() - before) / connections
			t.Logf("%d octets", each)
			if each > test.most && !raceEnabled {
				t.Errorf("a connection takes %d octets, want at most %d", each, test.most)
			}
			honest := newSocket(t, c, zmq.PUSH, connected)
			connect(t, honest, endpoint)
			send(t, honest, "let me in")
			want(t, s, "let me in")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for _, conn := range clients {
				if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Fatal(err)
				}
			}
		})
	}
}

// Whatever octets come to a port of TLS, they are an error of their own connection, and
// the next peer is served.
func TestAnyOctetsToAPortOfTLS(t *testing.T) {
	_, bound, connected := trusting(t)
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, bound)
	endpoint := bind(t, s, "tls+tcp://127.0.0.1:*")
	address := strings.TrimPrefix(endpoint, "tls+tcp://")
	greeting := clientHello(t)
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	octets := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	all := [][]byte{
		{},
		{0},
		{22},
		{22, 3, 1, 0xff, 0xff},
		{21, 3, 3, 0, 2, 2, 40},
		{20, 3, 3, 0, 1, 1},
		{23, 3, 3, 0, 1, 1},
		[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), hello("PUSH"),
		{0x80, 0x2e, 1, 0, 2},
		append([]byte{22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, make([]byte, 16<<10)...),
		bytes.Repeat([]byte{22, 3, 1, 0, 0}, 100), bytes.Repeat([]byte{22, 3, 3, 0, 4, 0, 0, 0, 0}, 100),
	}
	for range 50 {
		all = append(all, octets(random.IntN(2000)), append([]byte{22, 3, 1}, octets(random.IntN(2000))...))
		bent := bytes.Clone(greeting)
		bent[random.IntN(len(bent))] ^= byte(1 << random.IntN(8))
		all = append(all, bent, append(bent, octets(500)...), bent[:random.IntN(len(bent))])
	}
	for _, said := range all {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(said) // it may have been cut off by then
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	push := newSocket(t, c, zmq.PUSH, connected)
	connect(t, push, endpoint)
	send(t, push, "still there?")
	want(t, s, "still there?")
	nothing(t, s)
	if n := s.Stats().Peers; n != 1 {
		t.Errorf("%d peers", n)
	}
}

// A peer that has shaken hands by TLS may say anything behind that, and is let go.
func TestAnyOctetsWithinTLS(t *testing.T) {
	a, bound, connected := trusting(t)
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, bound)
	endpoint := bind(t, s, "tls+tcp://127.0.0.1:*")
	own := &tls.Config{RootCAs: a.Pool(), Certificates: []tls.Certificate{a.Issue(t, "hostile")}}
	for _, said := range []string{"", "x", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 100), string(hello("PUSH"))[:70], string(hello("REQ")), string(hello("PUSH")) + "\x02\xff\xff\xff\xff\xff\xff\xff\xff"} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(endpoint, "tls+tcp://"), own)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(said)) // it may have been cut off by then
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	push := newSocket(t, c, zmq.PUSH, connected)
	connect(t, push, endpoint)
	send(t, push, "still there?")
	want(t, s, "still there?")
	nothing(t, s)
}

// Of the certificates with which a stranger was refused little is kept: what an event
// tells may wait for as long as nobody reads it.
func TestMuchThatAStrangerShowsIsNotKept(t *testing.T) {
	_, bound, _ := trusting(t)
	other := zmtptest.NewAuthority(t, "another authority")
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, bound)
	seen := watch(t, s)
	endpoint := bind(t, s, "tls+tcp://127.0.0.1:*")
	for name, test := range map[string]struct {
		certificates int
		kept         bool
	}{
		"an ordinary chain": {2, true},
		"a very long one":   {100, false},
	} {
		t.Run(name, func(t *testing.T) {
			stranger := other.Issue(t, "stranger")
			for len(stranger.Certificate) < test.certificates {
				stranger.Certificate = append(stranger.Certificate, stranger.Certificate[0])
			}
			conn, err := tls.Dial("tcp", strings.TrimPrefix(endpoint, "tls+tcp://"), &tls.Config{
				InsecureSkipVerify:   true,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Read(make([]byte, 1)) // the refusal
			_ = conn.Close()
			e := seen.await(zmq.EventHandshakeFailedNoDetail)
			var unverified *tls.CertificateVerificationError
			if kept := errors.As(e.Err, &unverified); kept != test.kept {
				t.Errorf("the certificates are kept: %v, want %v", kept, test.kept)
			}
			if !strings.Contains(e.Err.Error(), "certificate signed by unknown authority") {
				t.Errorf("the event tells %v", e.Err)
			}
		})
	}
}
