package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"zeromux/zmq"
)

// Whatever the mechanism above TLS, who decides is shown the certificates by which the
// peer has proven who it is, beside what the mechanism has found out; and both are known
// of the peer from then on.
func TestWhoDecidesIsShownTheCertificatesOfTLS(t *testing.T) {
	_, bound, connected := trusting(t)
	for mechanism, both := range securities(t) {
		for _, serverConnects := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the server connects %v", mechanism, serverConnects), func(t *testing.T) {
				asking, asked, name := *bound, *connected, "client.test"
				if serverConnects {
					asking, asked, name = *connected, *bound, "server.test"
				}
				asking.Security, asked.Security = both[0], both[1]
				applicants := make(chan zmq.Applicant, 100)
				asking.Security.Authenticator = func(_ context.Context, p *zmq.Applicant) error {
					applicants <- *p
					if len(p.Certificates) == 0 {
						return zmq.ErrDenied
					}
					p.UserID = p.Certificates[0].Subject.CommonName
					return nil
				}
				c := newContext(t)
				server, client := newSocket(t, c, zmq.DEALER, &asking), newSocket(t, c, zmq.DEALER, &asked)
				binds, connects := server, client
				if serverConnects {
					binds, connects = client, server
				}
				connect(t, connects, bind(t, binds, "tls+tcp://127.0.0.1:*"))
				for i, size := range []int{0, 1, 255, 70_000, 3_000_000} {
					send(t, client, sizedText(i, size), "")
					want(t, server, sizedText(i, size), "")
					send(t, server, "", sizedText(i, size))
					want(t, client, "", sizedText(i, size))
				}
				p := <-applicants
				if p.Mechanism != mechanism || p.Address != "127.0.0.1" || len(p.Certificates) != 2 || p.Certificates[0].Subject.CommonName != name {
					t.Errorf("asked about %+v", p)
				}
				if known := server.Peers()[0]; known.UserID != name || known.Mechanism != mechanism || len(known.Certificates()) != 2 || known.Certificates()[0] != p.Certificates[0] {
					t.Errorf("it knows %+v", known)
				}
				if known := client.Peers()[0]; known.UserID != "" || len(known.Certificates()) != 2 || known.Certificates()[0].Subject.CommonName == name {
					t.Errorf("the other side knows %+v", known)
				}
			})
		}
	}
}

// A certificate that is good may still be that of somebody who is not welcome: then both
// ends hear of the mechanism's verdict, and not of TLS.
func TestACertificateThatIsGoodMayBeDenied(t *testing.T) {
	_, bound, connected := trusting(t)
	for mechanism, both := range securities(t) {
		t.Run(mechanism, func(t *testing.T) {
			asking, asked := *bound, *connected
			asking.Security, asked.Security = both[0], both[1]
			asking.Security.Authenticator = func(_ context.Context, p *zmq.Applicant) error {
				return fmt.Errorf("%w: nobody knows %s", zmq.ErrDenied, p.Certificates[0].Subject.CommonName)
			}
			c := newContext(t)
			server, client := newSocket(t, c, zmq.PULL, &asking), newSocket(t, c, zmq.PUSH, &asked)
			ours, theirs := refusals(server), refusals(client)
			connect(t, client, bind(t, server, "tls+tcp://127.0.0.1:*"))
			e, failed := next(t, ours)
			if e.Kind != zmq.EventHandshakeFailedAuth || e.Value != 400 || failed.Phase != zmq.PhaseMechanism || failed.Mechanism != mechanism || !containsText(failed, "nobody knows client.test") {
				t.Errorf("the server heard %v %d, %+v", e.Kind, e.Value, failed)
			}
			e, failed = next(t, theirs)
			if failed.Phase == zmq.PhaseTLS || failed.Mechanism != mechanism || mechanism != "NULL" && (e.Value != 400 || !errors.Is(failed, zmq.ErrDenied)) {
				t.Errorf("the client heard %v %d, %+v", e.Kind, e.Value, failed)
			}
		})
	}
}

// Over TLS, too, each end learns that the other has another key, password or mechanism:
// TLS has nothing to do with it.
func TestSecurityOverTLSThatDoesNotAgree(t *testing.T) {
	_, bound, connected := trusting(t)
	server, client, wrong := newIdentity(t), newIdentity(t), newIdentity(t)
	plain := plainServer()
	plain.Authenticator = admits("joe", "another")
	for name, test := range map[string]struct {
		server, client zmq.Security
		here, there    string // what the server is told, and the client; "": it depends
	}{
		"the key of another server": {curveServer(server), curveClient(client, wrong.public), "does not open", "before its WELCOME"},
		"a wrong password":          {plain, plainClient("joe", "secret"), "400", "400"},
		"two mechanisms":            {curveServer(server), plainClient("joe", "secret"), "CURVE here, PLAIN there", ""},
	} {
		t.Run(name, func(t *testing.T) {
			asking, asked := *bound, *connected
			asking.Security, asked.Security = test.server, test.client
			c := newContext(t)
			pull, push := newSocket(t, c, zmq.PULL, &asking), newSocket(t, c, zmq.PUSH, &asked)
			ours, theirs := refusals(pull), refusals(push)
			connect(t, push, bind(t, pull, "tls+tcp://127.0.0.1:*"))
			if _, failed := next(t, ours); failed.Phase == zmq.PhaseTLS || !containsText(failed, test.here) {
				t.Errorf("the server heard %v, want %q", failed, test.here)
			}
			if _, failed := next(t, theirs); failed.Phase == zmq.PhaseTLS || !containsText(failed, test.there) {
				t.Errorf("the client heard %v, want %q", failed, test.there)
			}
		})
	}
}

// A socket that is closed and has something left to send still tells why nobody takes
// it.
func TestWhyWhatIsLeftCannotBeSentIsTold(t *testing.T) {
	_, bound, connected := trusting(t)
	connected.TLS.ServerName, connected.Linger = "else.test", zmq.Forever
	c := newContext(t)
	pull, push := newSocket(t, c, zmq.PULL, bound), newSocket(t, c, zmq.PUSH, connected)
	endpoint := bind(t, pull, "tls+tcp://127.0.0.1:*")
	theirs := refusals(push)
	connect(t, push, endpoint)
	send(t, push, "for nobody")
	ctx, giveUp := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- push.CloseContext(ctx) }()
	eventually(t, "the socket is closed", func() bool { return is(push.Connect(endpoint), zmq.ErrClosed) })
	for since := time.Now(); ; {
		e, failed := next(t, theirs)
		if failed.Phase != zmq.PhaseTLS || !containsText(failed, "not else.test") {
			t.Fatalf("it heard %v", failed)
		}
		if e.Time.After(since) {
			break
		}
	}
	giveUp()
	if err := <-closed; !errors.Is(err, context.Canceled) {
		t.Errorf("closed: %v", err)
	}
	for range theirs { // until nothing is left of the socket
	}
}

// Handshakes of TLS that fail are tried again as any others are: ever more rarely.
func TestHandshakesOfTLSThatFailAreTriedEverMoreRarely(t *testing.T) {
	_, bound, connected := trusting(t)
	connected.TLS.ServerName = "else.test"
	connected.Reconnect = zmq.Reconnect{Interval: time.Millisecond, Max: 50 * time.Millisecond}
	c := newContext(t)
	pull, push := newSocket(t, c, zmq.PULL, bound), newSocket(t, c, zmq.PUSH, connected)
	seen := watch(t, push)
	connect(t, push, bind(t, pull, "tls+tcp://127.0.0.1:*"))
	last := 0
	for last < 50 {
		e := seen.await(zmq.EventConnectRetried)
		if e.Value < last {
			t.Fatalf("a pause of %d ms after one of %d", e.Value, last)
		}
		last = e.Value
	}
	if e := seen.await(zmq.EventConnectRetried); e.Value > 100 {
		t.Errorf("a pause of %d ms", e.Value)
	}
}
