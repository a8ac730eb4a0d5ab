package conformance

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/zmq"
)

// Two sides of a mechanism, who is asked about them, and what monitors are told, by
// libzmq's numbers.

// An identity is a pair of keys of CURVE.
type identity struct {
	public zmq.CurvePublicKey
	secret zmq.CurveSecretKey
}

func newIdentity(t testing.TB) identity {
	t.Helper()
	public, secret, err := zmq.NewCurveKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return identity{public, secret}
}

func plainServer() zmq.Security { return zmq.Security{Plain: zmq.Plain{Server: true}} }

func plainClient(user, password string) zmq.Security {
	return zmq.Security{Plain: zmq.Plain{Username: user, Password: zmq.Secret(password)}}
}

func curveServer(own identity) zmq.Security {
	return zmq.Security{Curve: zmq.Curve{Server: true, SecretKey: own.secret}}
}

func curveClient(own identity, server zmq.CurvePublicKey) zmq.Security {
	return zmq.Security{Curve: zmq.Curve{PublicKey: own.public, SecretKey: own.secret, ServerKey: server}}
}

// asking is a security with a domain, which may be enforced.
func asking(s zmq.Security, domain string, enforced bool) zmq.Security {
	s.ZAPDomain, s.ZAPEnforceDomain = domain, enforced
	return s
}

func secured(s zmq.Security) set { return func(c *zmq.Config) { c.Security = s } }

// A match is the two sides of a mechanism that belong together. The server has a domain,
// "home", so that with NULL as well there is something to ask.
type match struct {
	name           string
	server, client zmq.Security
	credentials    []string // which the client shows
}

func matches(t testing.TB) []match {
	t.Helper()
	server, client := newIdentity(t), newIdentity(t)
	return []match{
		{"NULL", asking(zmq.Security{}, "home", false), zmq.Security{}, nil},
		{"PLAIN", asking(plainServer(), "home", false), plainClient("admin", "password"), []string{"admin", "password"}},
		{"CURVE", asking(curveServer(server), "home", false), curveClient(client, server.public), []string{string(client.public[:])}},
	}
}

// An answer is what a ZAP handler says to a question, both in the frames that a REP sees.
// Nil is nothing at all.
type answer func(question []string) []string

// saying is the answer with a status. It tells who the peer is, and a property of it.
func saying(status string) answer {
	return func(q []string) []string {
		return []string{"1.0", q[1], status, "because", "joe", "\x04Rank\x00\x00\x00\x05first"}
	}
}

// to is the answer with status 200 to whoever shows these credentials, and with 400 to
// anybody else.
func to(credentials ...string) answer {
	return func(q []string) []string {
		if slices.Equal(q[6:], credentials) {
			return saying("200")(q)
		}
		return saying("400")(q)
	}
}

// handle has a REP or ROUTER answer the questions of ZAP, and returns these.
func (s *stage) handle(typ zmq.SocketType, a answer) <-chan []string {
	s.Helper()
	handler := s.socket(typ)
	handler.bind(zmq.ZAPEndpoint)
	questions, done := make(chan []string, 1000), make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := handler.Recv(context.Background())
			if err != nil {
				return
			}
			at := 0 // where the question begins
			if typ == zmq.ROUTER {
				at = 2
			}
			var q []string
			for _, f := range m.Frames[at:] {
				q = append(q, string(f))
			}
			questions <- q
			frames := slices.Clone(m.Frames[:at])
			for _, f := range a(q) {
				frames = append(frames, []byte(f))
			}
			if len(frames) > at {
				_ = handler.SendFrames(context.Background(), frames...) // who asked may have gone
			}
		}
	}()
	s.Cleanup(func() {
		handler.close()
		<-done
	})
	return questions
}

// A verdict is what a monitor is told of a handshake, by libzmq's numbers. The zero one
// is that the connection has ended and nobody says why.
type verdict struct{ event, value uint64 }

var (
	succeeded = verdict{0x1000, 0}
	hungUp    = verdict{0x0800, uint64(syscall.EPIPE)} // by the other side
	timedOut  = verdict{0x0800, uint64(syscall.EAGAIN)}
	unjudged  = verdict{0x0800, uint64(syscall.EFAULT)} // there is no handler
)

// breach is how the protocol was broken, and denied the status of a refusal.
func breach(code uint64) verdict { return verdict{0x2000, code} }

func denied(status uint64) verdict { return verdict{0x4000, status} }

// verdict is the next that the monitor is told of.
func (m *monitor) verdict() verdict {
	m.t.Helper()
	for {
		switch e := m.hear(); e.kind {
		case 0x0800, 0x1000, 0x2000, 0x4000:
			v := verdict{uint64(e.kind), e.values[0]}
			if v == (verdict{0x0800, uint64(syscall.ECONNRESET)}) {
				v = hungUp // before it had read all that we said
			}
			return v
		case 0x0200:
			return verdict{}
		}
	}
}

// judges checks the next verdict.
func (m *monitor) judges(want verdict) {
	m.t.Helper()
	if got := m.verdict(); got != want {
		m.t.Errorf("told of %#x with %#x, want %#x with %#x", got.event, got.value, want.event, want.value)
	}
}

// await skips to the next event of a kind.
func (m *monitor) await(kind zmq.EventKind) {
	m.t.Helper()
	for m.hear().kind != kind {
	}
}

// A meeting is a client that connects to a server and has something to say, and what
// monitors are told of both.
type meeting struct {
	server, client *actor
	ours, theirs   *monitor // of the server and of the client
}

// meet has the two meet. A client that is to try again has an hour to do so.
func (s *stage) meet(server, client zmq.Security, options ...set) *meeting {
	s.Helper()
	rarely := func(c *zmq.Config) { c.Reconnect.Interval = time.Hour }
	m := &meeting{server: s.socket(zmq.DEALER, append(options, secured(server))...), client: s.socket(zmq.DEALER, secured(client), rarely)}
	m.ours, m.theirs = m.server.monitor(1, zmq.PAIR), m.client.monitor(1, zmq.PAIR)
	s.endpoint = m.server.bind(s.endpoint)
	m.client.connect(s.endpoint)
	_ = m.client.try("hello") // which fails where it has been refused already
	return m
}

// succeeds checks that the two talk.
func (m *meeting) succeeds() {
	m.server.t.Helper()
	m.ours.judges(succeeded)
	m.theirs.judges(succeeded)
	m.server.want("hello")
	m.server.send("", strings.Repeat("x", 10_000))
	m.client.want("", strings.Repeat("x", 10_000))
}

// fails checks what the two are told, and that nothing got through. The client tries
// again unless it was told no by the server, or has broken off itself. What a client is
// told that is kept, or that may be first to see what is wrong, is not looked at: for it
// there is untold.
func (m *meeting) fails(ours, theirs verdict) {
	m.server.t.Helper()
	m.ours.judges(ours)
	switch theirs {
	case untold:
	case hungUp:
		m.theirs.judges(theirs)
		m.theirs.await(zmq.EventConnectRetried)
	default:
		m.theirs.judges(theirs)
		m.theirs.await(zmq.EventDisconnected)
	}
	m.client.close()
	if theirs != untold && theirs != hungUp {
		if e := m.theirs.hear(); e.kind != zmq.EventMonitorStopped {
			m.client.t.Errorf("after the refusal the client is told of %q", e.kind)
		}
	}
	if ours != (verdict{}) {
		m.ours.await(zmq.EventDisconnected)
	}
	m.server.silent()
	m.server.peers(0)
}

// untold stands for what is not looked at.
var untold = verdict{event: 1 << 63}
