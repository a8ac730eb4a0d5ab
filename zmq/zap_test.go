package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

// handles makes a socket that is bound to the endpoint of ZAP and answers as a test says.
// Questions have the frames that a REP sees.
func handles(t testing.TB, c *zmq.Context, typ zmq.SocketType, answer func(question []string) []string) {
	t.Helper()
	s := newSocket(t, c, typ, nil)
	bind(t, s, zmq.ZAPEndpoint)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := s.Recv(context.Background())
			if err != nil {
				return
			}
			at := 0
			if typ == zmq.ROUTER {
				at = 2
			}
			var question []string
			for _, f := range m.Frames[at:] {
				question = append(question, string(f))
			}
			reply := answer(question)
			if reply == nil {
				continue // of a REP this is its last word
			}
			frames := slices.Clone(m.Frames[:at])
			for _, f := range reply {
				frames = append(frames, []byte(f))
			}
			if err := s.SendFrames(context.Background(), frames...); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
}

// answers is an answer to every question with a status.
func answers(status string) func([]string) []string {
	return func(q []string) []string {
		return []string{"1.0", q[1], status, "because", "joe", "\x04Rank\x00\x00\x00\x05first"}
	}
}

// Any REP and any ROUTER may be the handler. What it is asked is what RFC 27 says, and
// what it answers reaches the peer's messages.
func TestAHandlerIsAskedAsRFC27Says(t *testing.T) {
	key := newIdentity(t)
	for mechanism, test := range map[string]struct {
		server, client zmq.Security
		credentials    []string
	}{
		"NULL":  {zmq.Security{ZAPDomain: "home"}, zmq.Security{}, nil},
		"PLAIN": {plainServer(), plainClient("joe", "secret"), []string{"joe", "secret"}},
		"CURVE": {curveServer(key), curveClient(key, key.public), []string{string(key.public[:])}},
	} {
		for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
			over(t, network, func(t *testing.T, endpoint string) {
				t.Run(fmt.Sprint(mechanism, " and ", typ), func(t *testing.T) {
					questions := make(chan []string, 10)
					c := newContext(t)
					handles(t, c, typ, func(q []string) []string {
						questions <- q
						return answers("200")(q)
					})
					server := newSocket(t, c, zmq.ROUTER, &zmq.Config{RoutingID: "me", Security: test.server})
					client := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "you", Security: test.client})
					connect(t, client, bind(t, server, endpoint))
					send(t, client, "hello")
					m := want(t, server, "you", "hello")
					user, _ := m.Property("User-Id")
					rank, _ := m.Property("Rank")
					if user != "joe" || rank != "first" || m.Peer().UserID != "joe" || m.Peer().Mechanism != mechanism {
						t.Errorf("user %q, rank %q, peer %+v", user, rank, m.Peer())
					}
					q := <-questions
					wanted := append([]string{"1.0", "1", test.server.ZAPDomain, m.Peer().Address, "me", mechanism}, test.credentials...)
					if !slices.Equal(q, wanted) {
						t.Errorf("asked %q, want %q", q, wanted)
					}
					if a := m.Peer().Address; a != "127.0.0.1" && !strings.HasPrefix(a, "localhost:") {
						t.Errorf("the peer is at %q", a)
					}
				})
			})
		}
	}
}

// Where there is no handler, or one that cannot be, the mechanism decides.
func TestWhoIsLetInWhereNobodyCanBeAsked(t *testing.T) {
	key := newIdentity(t)
	with := func(s zmq.Security, domain string, enforce bool) zmq.Security {
		s.ZAPDomain, s.ZAPEnforceDomain = domain, enforce
		return s
	}
	curve := curveClient(key, key.public)
	for name, test := range map[string]struct {
		server, client zmq.Security
		asked          bool // a handler that there is
		in             bool // nobody
	}{
		"NULL":                                 {zmq.Security{}, zmq.Security{}, false, true},
		"NULL that enforces":                   {with(zmq.Security{}, "", true), zmq.Security{}, false, true},
		"NULL with a domain":                   {with(zmq.Security{}, "home", false), zmq.Security{}, true, true},
		"NULL with a domain that it enforces":  {with(zmq.Security{}, "home", true), zmq.Security{}, true, false},
		"PLAIN":                                {plainServer(), plainClient("a", "b"), true, false},
		"PLAIN with a domain":                  {with(plainServer(), "home", false), plainClient("a", "b"), true, false},
		"PLAIN with a domain that it enforces": {with(plainServer(), "home", true), plainClient("a", "b"), true, false},
		"CURVE":                                {curveServer(key), curve, true, true},
		"CURVE that enforces":                  {with(curveServer(key), "", true), curve, false, true},
		"CURVE with a domain":                  {with(curveServer(key), "home", false), curve, true, true},
		"CURVE with a domain that it enforces": {with(curveServer(key), "home", true), curve, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, bound := range []zmq.SocketType{zmq.PAIR, zmq.PULL, zmq.REP} { // PAIR stands for nobody
				c := newContext(t)
				asked := make(chan struct{}, 100)
				switch bound {
				case zmq.PULL: // which cannot answer
					bind(t, newSocket(t, c, zmq.PULL, nil), zmq.ZAPEndpoint)
				case zmq.REP:
					handles(t, c, zmq.REP, func(q []string) []string {
						asked <- struct{}{}
						return answers("200")(q)
					})
				}
				config := &zmq.Config{Security: test.server, Reconnect: zmq.Reconnect{HandshakeTimeout: 200 * time.Millisecond}}
				server, client := newSocket(t, c, zmq.PULL, config), newSocket(t, c, zmq.PUSH, &zmq.Config{Security: test.client})
				failures := refusals(server)
				connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
				if test.in || bound == zmq.REP {
					send(t, client, "hello")
					want(t, server, "hello")
					if got := len(asked) > 0; got != (test.asked && bound == zmq.REP) {
						t.Errorf("with a %v there: asked %v", bound, got)
					}
					continue
				}
				if e, failed := next(t, failures); e.Kind != zmq.EventHandshakeFailedNoDetail || e.Value != 14 || failed.Status != 0 {
					t.Errorf("with a %v there: %v %d, %v", bound, e.Kind, e.Value, failed)
				}
				if n := len(server.Peers()); n != 0 {
					t.Errorf("%d peers", n)
				}
			}
		})
	}
}

// What a handler answers and is no answer is told by libzmq's numbers.
func TestAnAnswerThatIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		reply []string
		code  int
	}{
		"another version":        {[]string{"2.0", "1", "200", "", "", ""}, 0x20000003},
		"another question's":     {[]string{"1.0", "2", "200", "", "", ""}, 0x20000002},
		"a status that is none":  {[]string{"1.0", "1", "100", "", "", ""}, 0x20000004},
		"too few frames":         {[]string{"1.0", "1", "200", "", ""}, 0x20000001},
		"too many frames":        {[]string{"1.0", "1", "200", "", "", "", ""}, 0x20000001},
		"metadata that are none": {[]string{"1.0", "1", "200", "", "", "x"}, 0x20000005},
	} {
		t.Run(name, func(t *testing.T) {
			for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
				c := newContext(t)
				handles(t, c, typ, func([]string) []string { return test.reply })
				server := newSocket(t, c, zmq.PULL, &zmq.Config{Security: plainServer()})
				failures := refusals(server)
				connect(t, newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("a", "b")}), bind(t, server, "tcp://127.0.0.1:*"))
				if e, failed := next(t, failures); e.Kind != zmq.EventHandshakeFailedProtocol || e.Value != test.code {
					t.Errorf("%v: %v %#x, want %#x: %v", typ, e.Kind, e.Value, test.code, failed)
				}
			}
		})
	}
}

// A handler that is a ROUTER may take its time for one peer: others are let in
// meanwhile, although all questions have the same id.
func TestASlowAnswerHoldsNobodyElseUp(t *testing.T) {
	c := newContext(t)
	router := newSocket(t, c, zmq.ROUTER, nil)
	bind(t, router, zmq.ZAPEndpoint)
	server := newSocket(t, c, zmq.ROUTER, &zmq.Config{Security: plainServer()})
	endpoint := bind(t, server, "tcp://127.0.0.1:*")
	const n = 20
	for i := range n {
		client := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: fmt.Sprint(i), Security: plainClient(fmt.Sprint(i), "")})
		connect(t, client, endpoint)
		send(t, client, "hello")
	}
	var waiting []zmq.Message
	for range n {
		m, err := router.Recv(within(t))
		if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, m)
	}
	slices.Reverse(waiting) // the last one first
	for _, m := range waiting {
		user := string(m.Frames[8])
		send(t, router, string(m.Frames[0]), "", "1.0", "1", "200", "", user, "")
		got, err := server.Recv(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Frames[0]) != user || got.Peer().UserID != user {
			t.Errorf("%q was let in as %q, %q was meant", got.Frames[0], got.Peer().UserID, user)
		}
	}
}

// A handler that says nothing, goes away, or comes late, leaves nothing behind, and the
// client tries again.
func TestAHandlerThatIsNotThere(t *testing.T) {
	hasty := zmq.Reconnect{Interval: 10 * time.Millisecond}
	for name, test := range map[string]struct {
		gone func(*zmq.Socket) error
		code int
		time time.Duration // of a handshake, at the server; zero: more than there is
	}{
		"it says nothing":             {func(*zmq.Socket) error { return nil }, 11, 200 * time.Millisecond},
		"it closes":                   {(*zmq.Socket).Close, 32, 0},
		"it unbinds and says nothing": {func(s *zmq.Socket) error { return s.Unbind(zmq.ZAPEndpoint) }, 11, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
				c := newContext(t)
				mute := newSocket(t, c, typ, nil)
				bind(t, mute, zmq.ZAPEndpoint)
				server := newSocket(t, c, zmq.PULL, &zmq.Config{
					Security: plainServer(), Reconnect: zmq.Reconnect{HandshakeTimeout: test.time},
				})
				client := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("a", "b"), Reconnect: hasty})
				failures := refusals(server)
				connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
				if _, err := mute.Recv(within(t)); err != nil {
					t.Fatal(err)
				}
				if err := test.gone(mute); err != nil {
					t.Fatal(err)
				}
				if e, failed := next(t, failures); e.Kind != zmq.EventHandshakeFailedNoDetail || e.Value != test.code {
					t.Errorf("%v: %v %d: %v", typ, e.Kind, e.Value, failed)
				}
				replaceHandler(t, c, mute)
				send(t, client, "hello")
				want(t, server, "hello")
			}
		})
	}
}

// replaceHandler closes a handler of c, if it is not closed yet, and has one of its type in
// its place that lets everybody in.
func replaceHandler(t *testing.T, c *zmq.Context, old *zmq.Socket) {
	t.Helper()
	if err := old.Close(); err != nil && !is(err, zmq.ErrClosed) {
		t.Fatal(err)
	}
	eventually(t, "its end", func() bool { // its name is free
		s := newSocket(t, c, zmq.REP, nil)
		_, err := s.Bind(zmq.ZAPEndpoint)
		return errors.Join(err, s.Close()) == nil
	})
	handles(t, c, old.Type(), answers("200"))
}

// Who connects and asks a handler about the server tries again when that has gone, as
// one who binds is tried again.
func TestOneWhoConnectsOutlivesTheHandler(t *testing.T) {
	for name, test := range map[string]struct {
		gone func(*zmq.Socket) error
		time time.Duration // of a handshake; zero: more than there is
	}{
		"it says nothing": {func(*zmq.Socket) error { return nil }, 200 * time.Millisecond},
		"it closes":       {(*zmq.Socket).Close, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
				c := newContext(t)
				mute := newSocket(t, c, typ, nil)
				bind(t, mute, zmq.ZAPEndpoint)
				server := newSocket(t, newContext(t), zmq.PULL, nil)
				client := newSocket(t, c, zmq.PUSH, &zmq.Config{
					Security:  zmq.Security{ZAPDomain: "d"},
					Reconnect: zmq.Reconnect{Interval: 10 * time.Millisecond, HandshakeTimeout: test.time},
				})
				failures := refusals(client)
				connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
				if _, err := mute.Recv(within(t)); err != nil {
					t.Fatal(err)
				}
				if err := test.gone(mute); err != nil {
					t.Fatal(err)
				}
				if e, failed := next(t, failures); e.Kind != zmq.EventHandshakeFailedNoDetail {
					t.Errorf("%v: %v %d: %v", typ, e.Kind, e.Value, failed)
				}
				replaceHandler(t, c, mute)
				send(t, client, "hello")
				want(t, server, "hello")
			}
		})
	}
}

// Peers that leave before a slow handler has come to them take their questions along:
// those who wait are not behind them, and nothing is kept.
func TestTheQuestionOfOneWhoHasLeftIsTakenBack(t *testing.T) {
	for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
		t.Run(fmt.Sprint(typ), func(t *testing.T) {
			c := newContext(t)
			slow := newSocket(t, c, typ, nil)
			bind(t, slow, zmq.ZAPEndpoint)
			server := newSocket(t, c, zmq.PULL, &zmq.Config{Security: plainServer()})
			endpoint := bind(t, server, "tcp://127.0.0.1:*")
			for range 10 {
				client := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("stranger", "")})
				connect(t, client, endpoint)
				eventually(t, "a question", func() bool { return len(slow.Peers()) == 1 })
				if err := client.Close(); err != nil {
					t.Fatal(err)
				}
				eventually(t, "its end", func() bool { return len(slow.Peers()) == 0 })
			}
			connect(t, newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("friend", "")}), endpoint)
			m, err := slow.Recv(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if user := string(m.Frames[len(m.Frames)-2]); user != "friend" {
				t.Errorf("the first who is asked about is %q", user)
			}
		})
	}
}

// Sockets and contexts end though a handler has not answered.
func TestWhatWaitsForAHandlerEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, c *zmq.Context, server *zmq.Socket, endpoint string){
		"the server closes":      func(t *testing.T, _ *zmq.Context, s *zmq.Socket, _ string) { _ = s.Close() },
		"the server unbinds":     func(t *testing.T, _ *zmq.Context, s *zmq.Socket, endpoint string) { _ = s.Unbind(endpoint) },
		"the context terminates": func(t *testing.T, c *zmq.Context, _ *zmq.Socket, _ string) { term(t, c) },
	} {
		t.Run(name, func(t *testing.T) {
			c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true})
			mute := newSocket(t, c, zmq.ROUTER, nil)
			bind(t, mute, zmq.ZAPEndpoint)
			config := &zmq.Config{Security: plainServer(), Reconnect: zmq.Reconnect{HandshakeTimeout: zmq.NoTimeout}}
			server := newSocket(t, c, zmq.PULL, config)
			endpoint := bind(t, server, "tcp://127.0.0.1:*")
			connect(t, newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("a", "b")}), endpoint)
			if _, err := mute.Recv(within(t)); err != nil {
				t.Fatal(err)
			}
			if n := len(mute.Peers()); n != 1 {
				t.Errorf("%d questions are there", n)
			}
			end(t, c, server, endpoint)
			if name != "the context terminates" {
				eventually(t, "the end of the question", func() bool { return len(mute.Peers()) == 0 })
			}
			term(t, c)
		})
	}
}

// Sockets without security ask nobody, though there is a handler.
func TestNobodyIsAskedWithoutSecurity(t *testing.T) {
	c := newContext(t)
	asked := make(chan struct{}, 10)
	handles(t, c, zmq.REP, func(q []string) []string {
		asked <- struct{}{}
		return answers("400")(q)
	})
	server, client := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, nil)
	connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
	send(t, client, "hello")
	want(t, server, "hello")
	if len(asked) > 0 {
		t.Error("the handler was asked")
	}
}

// The socket's own Authenticator is asked in place of the handler.
func TestAnAuthenticatorGoesBeforeTheHandler(t *testing.T) {
	c := newContext(t)
	handles(t, c, zmq.REP, answers("400"))
	for mechanism, both := range securities(t) {
		t.Run(mechanism, func(t *testing.T) {
			var endpoint string
			both[0].ZAPDomain = "home"
			applicants := make(chan zmq.Applicant, 10)
			both[0].Authenticator = func(_ context.Context, p *zmq.Applicant) error {
				applicants <- *p
				return nil
			}
			server, client := newSocket(t, c, zmq.PULL, &zmq.Config{RoutingID: "me", Security: both[0]}), newSocket(t, c, zmq.PUSH, &zmq.Config{Security: both[1]})
			endpoint = bind(t, server, "tcp://127.0.0.1:*")
			connect(t, client, endpoint)
			send(t, client, "hello")
			want(t, server, "hello")
			p := <-applicants
			if p.Domain != "home" || p.Address != "127.0.0.1" || p.Mechanism != mechanism || p.Endpoint != endpoint || p.RoutingID != "me" {
				t.Errorf("asked about %+v", p)
			}
		})
	}
}
