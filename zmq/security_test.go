package zmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// An identity is a pair of keys.
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

// curveServer and curveClient are the two sides of CURVE, and plainServer and
// plainClient those of PLAIN.
func curveServer(k identity) zmq.Security {
	return zmq.Security{Curve: zmq.Curve{Server: true, SecretKey: k.secret}}
}

func curveClient(own identity, server zmq.CurvePublicKey) zmq.Security {
	return zmq.Security{Curve: zmq.Curve{PublicKey: own.public, SecretKey: own.secret, ServerKey: server}}
}

func plainServer() zmq.Security { return zmq.Security{Plain: zmq.Plain{Server: true}} }

func plainClient(user, password string) zmq.Security {
	return zmq.Security{Plain: zmq.Plain{Username: user, Password: zmq.Secret(password)}}
}

// admits is an Authenticator that lets one user in, with one password, and everybody
// who has a key.
func admits(user, password string) zmq.Authenticator {
	return func(_ context.Context, p *zmq.Applicant) error {
		if p.Mechanism == "PLAIN" && (p.Username != user || string(p.Password) != password) {
			return zmq.ErrDenied
		}
		p.UserID = "id of " + user
		p.Metadata = map[string]string{"Rank": "first"}
		return nil
	}
}

// securities are the two sides of each mechanism, of which the server's is to be asked
// about.
func securities(t testing.TB) map[string][2]zmq.Security {
	server, client := newIdentity(t), newIdentity(t)
	return map[string][2]zmq.Security{
		"NULL":  {{}, {}},
		"PLAIN": {plainServer(), plainClient("joe", "secret")},
		"CURVE": {curveServer(server), curveClient(client, server.public)},
	}
}

// What does not go together is refused by name, by a new socket and a live one, and no
// text shows a secret.
func TestSecurityThatMakesNoSenseIsRefusedByName(t *testing.T) {
	server, client := newIdentity(t), newIdentity(t)
	other := newIdentity(t)
	const password = "correct horse"
	with := func(s zmq.Security, change func(*zmq.Security)) zmq.Security {
		change(&s)
		return s
	}
	of := func(s zmq.Security) zmq.Security {
		return with(s, func(s *zmq.Security) { s.Authenticator = admits("joe", password) })
	}
	for name, test := range map[string]struct {
		security zmq.Security
		typ      zmq.SocketType
		says     string
	}{
		"two mechanisms": {
			with(curveServer(server), func(s *zmq.Security) { s.Plain = plainClient("joe", password).Plain }), zmq.PULL, "Config.Security has Plain and Curve",
		},
		"a client of PLAIN that refuses": {
			with(plainClient("joe", password), func(s *zmq.Security) { s.Plain.StandardError = true }), zmq.PUSH, "Config.Security.Plain.StandardError is set for a client",
		},
		"both sides of PLAIN": {
			with(plainClient("joe", password), func(s *zmq.Security) { s.Plain.Server = true }), zmq.PULL, "Config.Security.Plain has Server and Username or Password",
		},
		"PLAIN with an enforced domain that there is not": {
			with(plainServer(), func(s *zmq.Security) { s.ZAPEnforceDomain = true }), zmq.PULL, "Config.Security.ZAPEnforceDomain",
		},
		"a password that is too long": {
			plainClient("joe", strings.Repeat(password, 20)), zmq.PULL, "Config.Security.Plain.Password has 260 octets",
		},
		"a user name that is too long": {plainClient(strings.Repeat("j", 256), password), zmq.PULL, "Config.Security.Plain.Username has 256 octets"},
		"both sides of CURVE": {
			with(curveClient(client, server.public), func(s *zmq.Security) { s.Curve.Server = true }), zmq.PULL, "Config.Security.Curve has Server and ServerKey",
		},
		"a server without key": {zmq.Security{Curve: zmq.Curve{Server: true}}, zmq.PULL, "Config.Security.Curve.SecretKey is not set"},
		"a client without secret key": {
			with(curveClient(client, server.public), func(s *zmq.Security) { s.Curve.SecretKey = zmq.CurveSecretKey{} }), zmq.PULL, "Config.Security.Curve.SecretKey is not set",
		},
		"a client without public key": {
			with(curveClient(client, server.public), func(s *zmq.Security) { s.Curve.PublicKey = zmq.CurvePublicKey{} }), zmq.PULL, "Config.Security.Curve.PublicKey is not set",
		},
		"a client without server": {
			with(curveClient(client, server.public), func(s *zmq.Security) { s.Curve.ServerKey = zmq.CurvePublicKey{} }), zmq.PULL, "Config.Security.Curve.ServerKey is not set",
		},
		"keys that are no pair": {
			with(curveClient(client, server.public), func(s *zmq.Security) { s.Curve.PublicKey = other.public }), zmq.PULL, "Config.Security.Curve.PublicKey is not the one that belongs to SecretKey",
		},
		"a server that has another's public key": {
			with(curveServer(server), func(s *zmq.Security) { s.Curve.PublicKey = other.public }), zmq.PULL, "Config.Security.Curve.PublicKey is not the one that belongs to SecretKey",
		},
		"a server's key that is none": {
			curveClient(client, zmq.CurvePublicKey{1}), zmq.PULL, "Config.Security.Curve.ServerKey: ",
		},
		"a secret in place of a server's key": {
			with(curveClient(client, server.public), func(s *zmq.Security) { s.Curve.ServerKey = zmq.CurvePublicKey(client.secret.Bytes()) }),
			zmq.PULL, "Config.Security.Curve.ServerKey is the socket's own secret key",
		},
		"an authenticator for a client of PLAIN": {of(plainClient("joe", password)), zmq.PULL, "Config.Security.Authenticator is set for a client of PLAIN"},
		"an authenticator for a client of CURVE": {of(curveClient(client, server.public)), zmq.PULL, "Config.Security.Authenticator is set for a client of CURVE"},
		"a stream":                               {curveServer(server), zmq.STREAM, "Config.Security is not for connections of plain octets"},
		"a stream with a domain":                 {zmq.Security{ZAPDomain: "home"}, zmq.STREAM, "Config.Security is not for connections of plain octets"},
		"a domain that is too long":              {zmq.Security{ZAPDomain: strings.Repeat("d", 256)}, zmq.PULL, "Config.Security.ZAPDomain has 256 octets"},
		"a stream with an authenticator":         {zmq.Security{Authenticator: admits("", "")}, zmq.STREAM, "Config.Security is not for connections of plain octets"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			live := newSocket(t, c, test.typ, nil)
			changed := live.Configure(func(c *zmq.Config) { c.Security = test.security })
			_, err := c.NewSocket(test.typ, &zmq.Config{Security: test.security})
			for _, err := range []error{err, changed} {
				if !is(err, zmq.ErrInvalid) || !containsText(err, test.says) {
					t.Errorf("got %v, want %q", err, test.says)
				}
				if containsText(err, password) || containsText(err, client.secret.Z85()) || containsText(err, server.secret.Z85()) {
					t.Errorf("a secret stands in %v", err)
				}
			}
		})
	}
	raw := &zmq.Config{Security: curveServer(server), Router: zmq.Router{Raw: true}}
	if _, err := newContext(t).NewSocket(zmq.ROUTER, raw); !is(err, zmq.ErrInvalid) || !containsText(err, "plain octets") {
		t.Errorf("a raw router: %v", err)
	}
}

func TestTheMechanismFollowsFromWhatIsSet(t *testing.T) {
	server, client := newIdentity(t), newIdentity(t)
	for want, all := range map[string][]zmq.Security{
		"NULL":  {{}, {ZAPDomain: "home"}},
		"PLAIN": {plainServer(), plainClient("joe", ""), plainClient("", "secret")},
		"CURVE": {curveServer(server), curveClient(client, server.public)},
	} {
		for _, s := range all {
			if got := s.Mechanism(); got != want {
				t.Errorf("%+v is %s, want %s", s, got, want)
			}
		}
	}
}

// A socket tells its configuration, but whatever writes it down shows no secret.
func TestNothingThatWritesAConfigurationDownShowsASecret(t *testing.T) {
	const password = "correct horse"
	own := newIdentity(t)
	var logged strings.Builder
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true, Logger: logger})
	defer term(t, c)
	for name, s := range map[string]zmq.Security{"PLAIN": plainClient("joe", password), "CURVE": curveServer(own)} {
		config := &zmq.Config{Security: s, TCP: zmq.TCP{Proxy: zmq.SOCKSProxy{Address: "proxy:1080", User: "me", Password: password}}}
		socket := newSocket(t, c, zmq.PULL, config)
		for _, config := range []zmq.Config{*config, socket.Config(), socket.Effective()} {
			asJSON, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			logger.Info("made", "config", config, "security", config.Security)
			for _, text := range []string{
				fmt.Sprint(config), fmt.Sprintf("%+v", config), fmt.Sprintf("%#v", config), fmt.Sprintf("%v", &config.Security), string(asJSON),
				fmt.Sprintf("%v %+v %#v", socket, socket, socket), logged.String(),
			} {
				octets := fmt.Sprintf("%x", own.secret.Bytes())
				if strings.Contains(text, password) || strings.Contains(text, own.secret.Z85()) || strings.Contains(text, octets[2:20]) ||
					strings.Contains(text, fmt.Sprint(own.secret.Bytes()[2:20])) || strings.Contains(text, fmt.Sprintf("%x", password)) {
					t.Errorf("%s: a secret stands in %.300s", name, text)
				}
			}
		}
		if got := socket.Config().Security; got.Plain != s.Plain || got.Curve != s.Curve {
			t.Errorf("%s: the socket tells of something else", name)
		}
	}
}

// Peers with the same mechanism talk, in every pattern and over every network, under
// every size of message, and know each other by what the authenticator says.
func TestSecureSocketsTalk(t *testing.T) {
	for mechanism := range securities(t) {
		over(t, network, func(t *testing.T, endpoint string) {
			for _, serverConnects := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, the server connects %v", mechanism, serverConnects), func(t *testing.T) {
					both := securities(t)[mechanism]
					both[0].Authenticator = admits("joe", "secret")
					c := newContext(t)
					server := newSocket(t, c, zmq.DEALER, &zmq.Config{Security: both[0], Metadata: map[string]string{"X-side": "server"}})
					client := newSocket(t, c, zmq.DEALER, &zmq.Config{Security: both[1], Metadata: map[string]string{"X-side": "client"}})
					binds, connects := server, client
					if serverConnects {
						binds, connects = client, server
					}
					connect(t, connects, bind(t, binds, endpoint))
					sizes := []int{0, 1, 222, 223, 255, 256, 4000, 20_000, 40_000, 70_000, 300_000}
					for _, from := range []*zmq.Socket{server, client} {
						to := client
						if from == client {
							to = server
						}
						go func() {
							for i, size := range sizes {
								_ = from.SendString(within(t), sizedText(i, size), "", sizedText(i, size/3))
							}
						}()
						for i, size := range sizes {
							want(t, to, sizedText(i, size), "", sizedText(i, size/3))
						}
					}
					p := server.Peers()[0]
					if rank, _ := p.Property("Rank"); p.Mechanism != mechanism || p.UserID != "id of joe" || rank != "first" {
						t.Errorf("the server knows %+v, rank %q", p, rank)
					}
					if side, _ := p.Property("X-side"); side != "client" {
						t.Errorf("the client's side is %q", side)
					}
					if p := client.Peers()[0]; p.Mechanism != mechanism || p.UserID != "" {
						t.Errorf("the client knows %+v", p)
					}
					send(t, client, "who am I")
					m := want(t, server, "who am I")
					if user, _ := m.Property("User-Id"); user != "id of joe" || m.Peer().UserID != user {
						t.Errorf("the message is from %q", user)
					}
				})
			}
		})
	}
}

// sizedText is a text of a size that says which one it is.
func sizedText(i, size int) string {
	text := fmt.Sprint(i, ":", strings.Repeat("x", size))
	return text[:size]
}

func TestSecureSubscribersGetWhatTheyAskFor(t *testing.T) {
	for mechanism, both := range securities(t) {
		t.Run(mechanism, func(t *testing.T) {
			both[0].Authenticator = admits("joe", "secret")
			c := newContext(t)
			pub, sub := newSocket(t, c, zmq.XPUB, &zmq.Config{Security: both[0]}), newSocket(t, c, zmq.SUB, &zmq.Config{Security: both[1]})
			if err := errors.Join(sub.Subscribe("a"), sub.Subscribe(strings.Repeat("long", 100))); err != nil {
				t.Fatal(err)
			}
			connect(t, sub, bind(t, pub, "tcp://127.0.0.1:*"))
			for range 2 {
				if _, err := pub.Recv(within(t)); err != nil {
					t.Fatal(err)
				}
			}
			send(t, pub, "b", "nothing")
			send(t, pub, "a", "first")
			send(t, pub, strings.Repeat("long", 101), "second")
			want(t, sub, "a", "first")
			want(t, sub, strings.Repeat("long", 101), "second")
			if err := sub.Unsubscribe("a"); err != nil {
				t.Fatal(err)
			}
			want(t, pub, "\x00a")
		})
	}
}

// Who answers is asked again for each connection; a connection that is lost comes back
// with what was unsent.
func TestASecureConnectionComesBack(t *testing.T) {
	for mechanism, both := range securities(t) {
		t.Run(mechanism, func(t *testing.T) {
			both[0].Authenticator = admits("joe", "secret")
			c := newContext(t)
			server := newSocket(t, c, zmq.PULL, &zmq.Config{Security: both[0]})
			endpoint := bind(t, server, "tcp://127.0.0.1:*")
			client := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: both[1], Reconnect: zmq.Reconnect{Interval: 10 * time.Millisecond}})
			connect(t, client, endpoint)
			send(t, client, "one")
			want(t, server, "one")
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the loss", func() bool { return len(client.Peers()) == 0 })
			send(t, client, "two")
			again := newSocket(t, c, zmq.PULL, &zmq.Config{Security: both[0]})
			eventually(t, "the endpoint", func() bool { _, err := again.Bind(endpoint); return err == nil })
			want(t, again, "two")
			if got := client.Stats().Reconnects; got != 1 {
				t.Errorf("%d reconnects", got)
			}
		})
	}
}

// refusals collects the errors of handshakes that a socket hears of.
func refusals(s *zmq.Socket) <-chan zmq.Event {
	events := make(chan zmq.Event, 1000)
	all := s.Events(context.Background())
	go func() {
		for e := range all {
			switch e.Kind {
			case zmq.EventHandshakeFailedAuth, zmq.EventHandshakeFailedNoDetail, zmq.EventHandshakeFailedProtocol:
				events <- e
			}
		}
		close(events)
	}()
	return events
}

func next(t testing.TB, events <-chan zmq.Event) (zmq.Event, *zmq.HandshakeError) {
	t.Helper()
	select {
	case e := <-events:
		var failed *zmq.HandshakeError
		if !errors.As(e.Err, &failed) {
			t.Fatalf("%v: %v", e.Kind, e.Err)
		}
		return e, failed
	case <-time.After(20 * time.Second):
		t.Fatal("no handshake has failed")
		return zmq.Event{}, nil
	}
}

// A policy that the end of the handshake interrupts has not said no.
func TestAHandshakeThatEndsBeforeItsVerdictIsNotRefused(t *testing.T) {
	for name, why := range map[string]error{"as it is": nil, "in other words": zmq.ErrTryLater} {
		t.Run(name, func(t *testing.T) {
			security := plainServer()
			security.Authenticator = func(ctx context.Context, _ *zmq.Applicant) error {
				<-ctx.Done()
				return errors.Join(why, ctx.Err())
			}
			c := newContext(t)
			server := newSocket(t, c, zmq.PULL, &zmq.Config{Security: security, Reconnect: zmq.Reconnect{HandshakeTimeout: 50 * time.Millisecond}})
			client := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("joe", "secret")})
			failures, theirs := refusals(server), refusals(client)
			connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
			for range 2 { // the client comes again
				if e, failed := next(t, failures); e.Kind != zmq.EventHandshakeFailedNoDetail || !errors.Is(failed, os.ErrDeadlineExceeded) {
					t.Errorf("the server hears %v, %v", e.Kind, failed)
				}
				if e, failed := next(t, theirs); e.Kind != zmq.EventHandshakeFailedNoDetail || failed.Status != 0 {
					t.Errorf("the client hears %v, %v", e.Kind, failed)
				}
			}
		})
	}
}

// Both ends of a handshake that is refused learn how far it came, by which mechanism, and
// with what status; and the log has a record of it, which tells no secret.
func TestARefusedHandshakeTellsBothEndsWhy(t *testing.T) {
	const password = "correct horse"
	server, client := newIdentity(t), newIdentity(t)
	wrong := newIdentity(t)
	policy := func(err error) zmq.Authenticator { return func(context.Context, *zmq.Applicant) error { return err } }
	of := func(s zmq.Security, a zmq.Authenticator) zmq.Security {
		s.Authenticator = a
		return s
	}
	type told struct {
		kind      zmq.EventKind
		value     int
		phase     zmq.HandshakePhase
		mechanism string
		status    int
		is        error
		text      string
	}
	auth, protocol, none := zmq.EventHandshakeFailedAuth, zmq.EventHandshakeFailedProtocol, zmq.EventHandshakeFailedNoDetail
	for name, test := range map[string]struct {
		server, client zmq.Security
		ours, theirs   told
	}{
		"a wrong password": {
			of(plainServer(), admits("joe", "another")), plainClient("joe", password),
			told{auth, 400, zmq.PhaseMechanism, "PLAIN", 400, zmq.ErrDenied, "400"},
			told{auth, 400, zmq.PhaseMechanism, "PLAIN", 400, zmq.ErrDenied, "400"},
		},
		"nobody to ask about a password": {
			plainServer(), plainClient("joe", password),
			told{none, 14, zmq.PhaseMechanism, "PLAIN", 0, nil, "no ZAP handler"},
			told{none, 32, zmq.PhaseMechanism, "PLAIN", 0, nil, "the peer was reached, and closed the connection before its WELCOME"},
		},
		"a key that is not welcome": {
			of(curveServer(server), policy(zmq.ErrDenied)), curveClient(client, server.public),
			told{auth, 400, zmq.PhaseMechanism, "CURVE", 400, zmq.ErrDenied, "400"},
			told{auth, 400, zmq.PhaseMechanism, "CURVE", 400, zmq.ErrDenied, "400"},
		},
		"an authenticator that has failed": {
			of(curveServer(server), policy(zmq.ErrAuthenticatorFailed)), curveClient(client, server.public),
			told{auth, 500, zmq.PhaseMechanism, "CURVE", 500, zmq.ErrAuthenticatorFailed, "500"},
			told{auth, 500, zmq.PhaseMechanism, "CURVE", 500, zmq.ErrAuthenticatorFailed, "500"},
		},
		"an authenticator that panics": {
			of(curveServer(server), func(context.Context, *zmq.Applicant) error { panic("oh") }), curveClient(client, server.public),
			told{auth, 500, zmq.PhaseMechanism, "CURVE", 500, zmq.ErrAuthenticatorFailed, "500"},
			told{auth, 500, zmq.PhaseMechanism, "CURVE", 500, zmq.ErrAuthenticatorFailed, "500"},
		},
		"the key of another server": {
			curveServer(server), curveClient(client, wrong.public),
			told{protocol, 0x11000001, zmq.PhaseMechanism, "CURVE", 0, nil, "does not open"},
			told{none, 32, zmq.PhaseMechanism, "CURVE", 0, nil, "before its WELCOME, which is what a CURVE server does that cannot open our HELLO"},
		},
		"two mechanisms": {
			curveServer(server), plainClient("joe", password),
			told{protocol, 0x11000002, zmq.PhaseGreeting, "CURVE", 0, nil, "CURVE here, PLAIN there"},
			told{0, 0, "", "PLAIN", 0, nil, ""}, // which of two it is told is a race
		},
		"an address that is not welcome": {
			of(zmq.Security{}, policy(zmq.ErrDenied)),
			zmq.Security{},
			told{auth, 400, zmq.PhaseMechanism, "NULL", 400, zmq.ErrDenied, "400"},
			told{0, 0, "", "NULL", 0, nil, ""}, // the same
		},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var logged strings.Builder
			logger := slog.New(slog.NewTextHandler(lockedWriter{&mu, &logged}, nil)) // warnings and errors, and information
			c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true, Logger: logger})
			us := newSocket(t, c, zmq.PULL, &zmq.Config{Security: test.server})
			them := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: test.client})
			ours, theirs := refusals(us), refusals(them)
			connect(t, them, bind(t, us, "tcp://127.0.0.1:*"))
			for side, want := range map[<-chan zmq.Event]told{ours: test.ours, theirs: test.theirs} {
				e, failed := next(t, side)
				if failed.Mechanism != want.mechanism || failed.Peer == "" {
					t.Errorf("mechanism %q, peer %q", failed.Mechanism, failed.Peer)
				}
				if want.kind == 0 {
					continue
				}
				if e.Kind != want.kind || e.Value != want.value || failed.Phase != want.phase || failed.Status != want.status || !containsText(failed, want.text) {
					t.Errorf("got %v %#x, phase %s, status %d: %v\nwant %+v", e.Kind, e.Value, failed.Phase, failed.Status, failed, want)
				}
				if want.is != nil && !is(failed, want.is) {
					t.Errorf("%v is not %v", failed, want.is)
				}
				if containsText(failed, password) {
					t.Errorf("the password stands in %v", failed)
				}
			}
			eventually(t, "the count", func() bool { return us.Stats().HandshakeFailures > 0 })
			term(t, c)
			for range ours {
			}
			for range theirs {
			}
			mu.Lock()
			defer mu.Unlock()
			if text := logged.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "mechanism="+test.ours.mechanism) {
				t.Errorf("the log says %q", text)
			} else if strings.Contains(text, password) || strings.Contains(text, client.secret.Z85()) {
				t.Errorf("a secret stands in the log: %q", text)
			}
		})
	}
}

// lockedWriter lets a log be read while it is written.
type lockedWriter struct {
	mu *sync.Mutex
	to *strings.Builder
}

func (w lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// A server that cannot be reached is another thing than one that has another key.
func TestAServerThatCannotBeReachedIsNotOneWithAnotherKey(t *testing.T) {
	server, client := newIdentity(t), newIdentity(t)
	c := newContext(t)
	s := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: curveClient(client, server.public)})
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	events := s.Events(ctx)
	connect(t, s, "tcp://"+freeAddress(t))
	for e := range events {
		var failed *zmq.HandshakeError
		if errors.As(e.Err, &failed) {
			t.Errorf("there was a handshake: %v", e.Err)
		}
		if e.Kind == zmq.EventClosed {
			break
		}
	}
}

// Peers that know nothing of security are turned away where there is any.
func TestOlderPeersAreTurnedAwayWhereThereIsSecurity(t *testing.T) {
	server := newIdentity(t)
	older := []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x08\x00\x00") // a PUSH of 2.0
	for name, s := range map[string]zmq.Security{
		"PLAIN": plainServer(), "CURVE": curveServer(server), "a domain": {ZAPDomain: "home"}, "an authenticator": {Authenticator: admits("", "")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			pull := newSocket(t, c, zmq.PULL, &zmq.Config{Security: s})
			endpoint := bind(t, pull, "tcp://127.0.0.1:*")
			conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(older); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			b := make([]byte, 100)
			for n := 0; err == nil; n, err = conn.Read(b) {
				_ = n
			}
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				t.Error("the connection stays open")
			}
			if n := len(pull.Peers()); n != 0 {
				t.Errorf("%d peers", n)
			}
		})
	}
}

// Change of security is for endpoints that come later.
func TestAChangeOfSecurityIsForLaterEndpoints(t *testing.T) {
	server, client := newIdentity(t), newIdentity(t)
	c := newContext(t)
	s := newSocket(t, c, zmq.DEALER, nil)
	before := bind(t, s, "tcp://127.0.0.1:*")
	if err := s.Configure(func(c *zmq.Config) { c.Security = curveServer(server) }); err != nil {
		t.Fatal(err)
	}
	after := bind(t, s, "tcp://127.0.0.1:*")
	connect(t, newSocket(t, c, zmq.DEALER, nil), before)
	connect(t, newSocket(t, c, zmq.DEALER, &zmq.Config{Security: curveClient(client, server.public)}), after)
	peers(t, s, 2)
	var got []string
	for _, p := range s.Peers() {
		got = append(got, p.Mechanism)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"CURVE", "NULL"}) {
		t.Errorf("the peers have %q", got)
	}
}
