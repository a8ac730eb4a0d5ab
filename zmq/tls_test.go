package zmq_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// trusting are the configurations of two sides of tls+tcp that know each other: each
// has a certificate of one authority, and wants the other to have one.
func trusting(t testing.TB) (a *zmtptest.Authority, bound, connected *zmq.Config) {
	t.Helper()
	a = zmtptest.NewAuthority(t, "test authority")
	bound, connected = soon(), soon()
	bound.TLS.CertFile, bound.TLS.KeyFile = zmtptest.Files(t, a.Issue(t, "server.test", "127.0.0.1", "localhost"))
	bound.TLS.ClientCAFile = a.File(t)
	connected.TLS.CertFile, connected.TLS.KeyFile = zmtptest.Files(t, a.Issue(t, "client.test"))
	connected.TLS.CAFile = a.File(t)
	return a, bound, connected
}

// Who a peer is by TLS stands beside all else that is known of it, however the
// connection has come to be.
func TestAPeerOverTLSIsKnownByItsCertificates(t *testing.T) {
	a, bound, connected := trusting(t)
	server := &tls.Config{
		Certificates: []tls.Certificate{a.Issue(t, "server.test", "127.0.0.1")}, ClientCAs: a.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}
	client := &tls.Config{Certificates: []tls.Certificate{a.Issue(t, "client.test")}, RootCAs: a.Pool(), ServerName: "server.test"}
	for name, meet := range map[string]func(t *testing.T, rep, req *zmq.Socket){
		"bound and connected": func(t *testing.T, rep, req *zmq.Socket) {
			connect(t, req, bind(t, rep, "tls+tcp://127.0.0.1:*"))
		},
		"bound to a descriptor": func(t *testing.T, rep, req *zmq.Socket) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			file, err := l.(*net.TCPListener).File()
			if err != nil {
				t.Skip(err)
			}
			defer file.Close()
			endpoint, err := rep.BindFile("tls+tcp://", file)
			if !is(err, zmq.ErrInvalid) { // there is no address behind the scheme
				t.Errorf("bound to %q, %v", endpoint, err)
			}
			if endpoint, err = rep.BindFile("tls+tcp://*:*", file); err != nil {
				t.Fatal(err)
			}
			connect(t, req, endpoint)
		},
		"served and attached": func(t *testing.T, rep, req *zmq.Socket) {
			l, err := tls.Listen("tcp", "127.0.0.1:0", server)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rep.Serve(l); err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if err := req.Attach(tls.Client(conn, client)); err != nil {
				t.Fatal(err)
			}
		},
		"hands shaken before": func(t *testing.T, rep, req *zmq.Socket) {
			l, err := tls.Listen("tcp", "127.0.0.1:0", server)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			dialled := make(chan net.Conn, 1)
			go func() {
				conn, _ := tls.Dial("tcp", l.Addr().String(), client) // nil is told below
				dialled <- conn
			}()
			accepted, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if err := accepted.(*tls.Conn).HandshakeContext(within(t)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(rep.Attach(accepted), req.Attach(<-dialled)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			rep, req := newSocket(t, c, zmq.REP, bound), newSocket(t, c, zmq.REQ, connected)
			seen := watch(t, rep)
			meet(t, rep, req)
			send(t, req, "who am I?")
			asked := want(t, rep, "who am I?")
			send(t, rep, "and I?")
			answered := want(t, req, "and I?")
			listed := rep.Peers()
			if len(listed) != 1 {
				t.Fatalf("%d peers", len(listed))
			}
			for _, test := range []struct {
				of   string
				peer *zmq.PeerInfo
				name string
			}{
				{"the request", asked.Peer(), "client.test"},
				{"the reply", answered.Peer(), "server.test"},
				{"the list of peers", &listed[0], "client.test"},
				{"the event", seen.await(zmq.EventHandshakeSucceeded).Peer, "client.test"},
				{"the counts", &rep.PeerStats()[0].Peer, "client.test"},
			} {
				chain := test.peer.Certificates()
				if len(chain) != 2 || chain[0].Subject.CommonName != test.name || !chain[1].Equal(a.Certificate) {
					t.Fatalf("%s has the certificates %v, want %s and its authority", test.of, chain, test.name)
				}
				if state := test.peer.TLS; state == nil || state.Version != tls.VersionTLS13 || !state.HandshakeComplete || state.NegotiatedProtocol != "" {
					t.Errorf("%s has %+v", test.of, state)
				}
				if test.peer.Mechanism != "NULL" || !strings.HasPrefix(test.peer.Address, "127.0.0.1") {
					t.Errorf("%s has %+v", test.of, test.peer)
				}
			}
		})
	}
}

func TestAPeerWithoutTLSHasNoCertificates(t *testing.T) {
	rep, req := join(t, newContext(t), "tcp://127.0.0.1:*", side{zmq.REP, nil}, side{zmq.REQ, nil})
	send(t, req, "plainly")
	if p := recv(t, rep).Peer(); p.TLS != nil || p.Certificates() != nil || (*zmq.PeerInfo)(nil).Certificates() != nil {
		t.Errorf("it has %v", p.TLS)
	}
}

// A certificate that nobody has verified is not handed out as one that says who the
// peer is.
func TestACertificateThatIsNotVerifiedProvesNothing(t *testing.T) {
	a, other := zmtptest.NewAuthority(t, "test authority"), zmtptest.NewAuthority(t, "another authority")
	bound := &zmq.Config{TLS: zmq.TLS{Config: &tls.Config{Certificates: []tls.Certificate{a.Issue(t, "127.0.0.1")}, ClientAuth: tls.RequireAnyClientCert}}}
	connected := &zmq.Config{TLS: zmq.TLS{Config: &tls.Config{Certificates: []tls.Certificate{other.Issue(t, "me")}, InsecureSkipVerify: true}}}
	rep, req := join(t, newContext(t), "tls+tcp://127.0.0.1:*", side{zmq.REP, bound}, side{zmq.REQ, connected})
	for of, s := range map[string]*zmq.Socket{"the client": rep, "the server": req} {
		p := s.Peers()[0]
		if len(p.TLS.PeerCertificates) != 1 || p.Certificates() != nil {
			t.Errorf("%s has shown %d certificates, and proven by %d", of, len(p.TLS.PeerCertificates), len(p.Certificates()))
		}
	}
}

// A session that is taken up again by a ticket has the certificates of the first one.
func TestATicketKeepsTheCertificates(t *testing.T) {
	a, bound, _ := trusting(t)
	connected := soon()
	connected.TLS.Config = &tls.Config{
		Certificates: []tls.Certificate{a.Issue(t, "client.test")}, RootCAs: a.Pool(), ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	c := newContext(t)
	rep := newSocket(t, c, zmq.REP, bound)
	endpoint := bind(t, rep, "tls+tcp://127.0.0.1:*")
	for again := range 2 {
		req := newSocket(t, c, zmq.REQ, connected)
		connect(t, req, endpoint)
		send(t, req, "once more")
		p := want(t, rep, "once more").Peer()
		send(t, rep, "yes")
		want(t, req, "yes")
		if p.TLS.DidResume != (again == 1) || len(p.Certificates()) != 2 || p.Certificates()[0].Subject.CommonName != "client.test" {
			t.Errorf("connection %d, resumed %v, has %v", again, p.TLS.DidResume, p.Certificates())
		}
		if err := req.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What TLS does not agree on is an event with its words, and tried again until it does.
func TestAHandshakeOfTLSThatFailsIsTriedAgain(t *testing.T) {
	a, bound, connected := trusting(t)
	other := zmtptest.NewAuthority(t, "another authority")
	server, client := a.Issue(t, "server.test", "127.0.0.1"), a.Issue(t, "client.test")
	past := time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		server, client tls.Certificate
		here, there    string // what who connects is told, and who is bound
	}{
		"a server of another authority":    {server: other.Issue(t, "127.0.0.1"), client: client, here: "signed by unknown authority", there: "remote error"},
		"a server whose certificate ended": {server: a.IssueUntil(t, past, "127.0.0.1"), client: client, here: "certificate has expired", there: "remote error"},
		"a server with another name":       {server: a.Issue(t, "else.test"), client: client, here: "x509: cannot validate certificate for 127.0.0.1", there: "remote error"},
		"a client of another authority":    {server: server, client: other.Issue(t, "client.test"), here: "remote error: tls: certificate required", there: "client didn't provide a certificate"},
		"a client whose certificate ended": {server: server, client: a.IssueUntil(t, past, "client.test"), here: "remote error: tls: expired certificate", there: "certificate has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			zmtptest.WriteFiles(t, test.server, bound.TLS.CertFile, bound.TLS.KeyFile)
			zmtptest.WriteFiles(t, test.client, connected.TLS.CertFile, connected.TLS.KeyFile)
			c := newContext(t)
			pull, push := newSocket(t, c, zmq.PULL, bound), newSocket(t, c, zmq.PUSH, connected)
			there, here := watch(t, pull), watch(t, push)
			endpoint := bind(t, pull, "tls+tcp://127.0.0.1:*")
			connect(t, push, endpoint)
			for range 2 {
				here.fails(zmq.EventConnected, test.here)
				there.fails(zmq.EventAccepted, test.there)
			}
			if n := push.Stats().HandshakeFailures; n < 2 || pull.Stats().Peers != 0 || push.Stats().Peers != 0 {
				t.Errorf("%d failures are counted, %d and %d peers", n, pull.Stats().Peers, push.Stats().Peers)
			}
			zmtptest.WriteFiles(t, server, bound.TLS.CertFile, bound.TLS.KeyFile)
			zmtptest.WriteFiles(t, client, connected.TLS.CertFile, connected.TLS.KeyFile)
			send(t, push, "at last")
			want(t, pull, "at last")
		})
	}
}

// fails awaits a connection that TLS ends, and looks at the events of that.
func (w *events) fails(begin zmq.EventKind, words string) {
	w.t.Helper()
	if e := w.await(begin); e.Value < 0 {
		w.t.Errorf("%v has the descriptor %d", e.Kind, e.Value)
	}
	for _, kind := range []zmq.EventKind{zmq.EventHandshakeFailedNoDetail, zmq.EventDisconnected} {
		e, _ := w.next()
		var failed *zmq.HandshakeError
		if e.Kind != kind || !errors.As(e.Err, &failed) || failed.Phase != zmq.PhaseTLS || failed.Peer != e.Remote || !strings.Contains(e.Err.Error(), words) {
			w.t.Fatalf("%v: %v, want %v with %q", e.Kind, e.Err, kind, words)
		}
		if kind == zmq.EventHandshakeFailedNoDetail && syscall.Errno(e.Value) != syscall.EPROTO {
			w.t.Errorf("its number is %d", e.Value)
		}
	}
}

// One handshake is enough where the application has said so.
func TestAHandshakeOfTLSThatFailsMayBeTheLast(t *testing.T) {
	_, bound, connected := trusting(t)
	connected.TLS.ServerName = "else.test"
	connected.Reconnect.StopHandshake = true
	c := newContext(t)
	pull, push := newSocket(t, c, zmq.PULL, bound), newSocket(t, c, zmq.PUSH, connected)
	endpoint := bind(t, pull, "tls+tcp://127.0.0.1:*")
	connect(t, push, endpoint)
	eventually(t, "the endpoint is given up", func() bool { return is(push.Disconnect(endpoint), zmq.ErrNotFound) })
}

// Where one side speaks TLS and the other does not, nothing comes of it.
func TestPlainAndTLSDoNotMeet(t *testing.T) {
	_, bound, connected := trusting(t)
	t.Run("a server of TLS and a plain client", func(t *testing.T) {
		c := newContext(t)
		pull, push := newSocket(t, c, zmq.PULL, bound), newSocket(t, c, zmq.PUSH, soon())
		there, here := watch(t, pull), watch(t, push)
		address := strings.TrimPrefix(bind(t, pull, "tls+tcp://127.0.0.1:*"), "tls+tcp://")
		connect(t, push, "tcp://"+address)
		there.fails(zmq.EventAccepted, "the peer speaks ZMTP without TLS")
		if e := here.await(zmq.EventHandshakeFailedNoDetail); e.Err == nil {
			t.Error("the client is not told of it")
		}
		here.await(zmq.EventConnected) // again
	})
	t.Run("a plain server and a client of TLS", func(t *testing.T) {
		c := newContext(t)
		pull, push := newSocket(t, c, zmq.PULL, soon()), newSocket(t, c, zmq.PUSH, connected)
		there, here := watch(t, pull), watch(t, push)
		address := strings.TrimPrefix(bind(t, pull, "tcp://127.0.0.1:*"), "tcp://")
		connect(t, push, "tls+tcp://"+address)
		send(t, push, "nothing of this is for you")
		here.fails(zmq.EventConnected, "the peer speaks ZMTP without TLS")
		if e := there.await(zmq.EventHandshakeFailedNoDetail); !containsText(e.Err, "the peer speaks TLS") {
			t.Errorf("the server is told %v", e.Err)
		}
		here.await(zmq.EventConnected) // again
		nothing(t, pull)
	})
}

// What is wrong with the options of TLS is said by the call that would use them, and
// leaves nothing behind.
func TestTheOptionsOfTLSAreLookedAt(t *testing.T) {
	a, bound, connected := trusting(t)
	none := filepath.Join(t.TempDir(), "none.pem")
	for name, test := range map[string]struct {
		config        zmq.TLS
		make          string // the error of NewSocket, "": none
		bind, connect string
	}{
		"nothing":                  {bind: "TLS.CertFile"},
		"a certificate":            {config: bound.TLS},
		"an authority":             {config: zmq.TLS{CAFile: connected.TLS.CAFile}, bind: "TLS.CertFile"},
		"a Config":                 {config: zmq.TLS{Config: &tls.Config{RootCAs: a.Pool()}}, bind: "TLS.Config"},
		"a key alone":              {config: zmq.TLS{KeyFile: none}, make: "TLS.CertFile"},
		"a Config and files":       {config: zmq.TLS{Config: &tls.Config{}, CertFile: none, KeyFile: none}, make: "TLS.Config"},
		"files that are not there": {config: zmq.TLS{CertFile: none, KeyFile: none}, bind: "TLS.CertFile", connect: "TLS.CertFile"},
		"no key in the file":       {config: zmq.TLS{CertFile: bound.TLS.CertFile, KeyFile: bound.TLS.CertFile}, bind: "TLS.KeyFile", connect: "TLS.KeyFile"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			live := newSocket(t, c, zmq.PAIR, nil)
			changed := live.Configure(func(c *zmq.Config) { c.TLS = test.config })
			s, err := c.NewSocket(zmq.PAIR, &zmq.Config{TLS: test.config})
			for _, err := range []error{err, changed} {
				if (err != nil) != (test.make != "") || err != nil && (!is(err, zmq.ErrInvalid) || !containsText(err, test.make)) {
					t.Fatalf("made: %v, want %q", err, test.make)
				}
			}
			if err != nil {
				return
			}
			_, err = s.Bind("tls+tcp://127.0.0.1:*")
			for call, test := range map[string]struct {
				err  error
				want string
			}{"bind": {err, test.bind}, "connect": {s.Connect("tls+tcp://localhost:5"), test.connect}} {
				if (test.err != nil) != (test.want != "") && !(test.want == "" && containsText(test.err, "the system has none")) {
					t.Errorf("%s: %v, want %q", call, test.err, test.want)
				}
				if test.err != nil && test.want != "" && (!containsText(test.err, test.want) || !is(test.err, zmq.ErrInvalid) && !is(test.err, os.ErrNotExist)) {
					t.Errorf("%s: %v, want %q", call, test.err, test.want)
				}
			}
		})
	}
}

// A configuration tells of files; a Config of a program, with its keys, is in none.
func TestTLSInConfigurations(t *testing.T) {
	var config zmq.Config
	file := `{"tls": {"cert_file": "a.pem", "key_file": "b.pem", "ca_file": "c.pem", "client_ca_file": "d.pem", "server_name": "e"}}`
	if err := json.Unmarshal([]byte(file), &config); err != nil {
		t.Fatal(err)
	}
	if want := (zmq.TLS{CertFile: "a.pem", KeyFile: "b.pem", CAFile: "c.pem", ClientCAFile: "d.pem", ServerName: "e"}); config.TLS != want {
		t.Errorf("read %+v, want %+v", config.TLS, want)
	}
	own := &tls.Config{ServerName: "own.test"}
	s := newSocket(t, newContext(t), zmq.PAIR, &zmq.Config{TLS: zmq.TLS{Config: own}})
	if s.Config().TLS.Config != own {
		t.Error("the Config is another one")
	}
	text, err := json.Marshal(s.Effective())
	if said := fmt.Sprintf("%v %+v %s", s.Effective(), s.Effective(), text); err != nil || strings.Contains(said, "own.test") {
		t.Errorf("%v: %s", err, said)
	}
}

// A STREAM socket speaks TLS with peers that know nothing of ZMTP.
func TestAStreamOverTLS(t *testing.T) {
	a, bound, connected := trusting(t)
	c := newContext(t)
	t.Run("bound", func(t *testing.T) {
		s := newSocket(t, c, zmq.STREAM, bound)
		address := strings.TrimPrefix(bind(t, s, "tls+tcp://127.0.0.1:*"), "tls+tcp://")
		peer, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.Pool(), Certificates: []tls.Certificate{a.Issue(t, "browser")}})
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		m := recv(t, s)
		if m.Size() != 5 || m.Peer().Certificates()[0].Subject.CommonName != "browser" {
			t.Fatalf("%q has come, from %v", m.Frames, m.Peer())
		}
		id := string(m.Frames[0])
		if _, err := peer.Write([]byte("GET /")); err != nil {
			t.Fatal(err)
		}
		want(t, s, id, "GET /")
		send(t, s, id, "hello")
		b := make([]byte, 5)
		if _, err := io.ReadFull(peer, b); err != nil || string(b) != "hello" {
			t.Errorf("%q and %v", b, err)
		}
		send(t, s, id, "") // closes it
		if _, err := peer.Read(b); err != io.EOF {
			t.Errorf("in the end %v", err)
		}
	})
	t.Run("connected", func(t *testing.T) {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.Issue(t, "127.0.0.1")}})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		s := newSocket(t, c, zmq.STREAM, connected)
		connect(t, s, "tls+tcp://"+l.Addr().String())
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		go func() { _, _ = peer.Write([]byte("220 ready")) }()
		id := string(recv(t, s).Frames[0])
		want(t, s, id, "220 ready")
	})
}

// The ways of tcp are those of tls+tcp.
func TestTheWaysToAServerOfTLS(t *testing.T) {
	a, bound, connected := trusting(t)
	zmtptest.WriteFiles(t, a.Issue(t, "server.test"), bound.TLS.CertFile, bound.TLS.KeyFile)
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, bound)
	address := strings.TrimPrefix(bind(t, pull, "tls+tcp://lo:*"), "tls+tcp://")
	proxy := &zmtptest.Proxy{Names: map[string]string{"server.test:5555": address}}
	for name, test := range map[string]struct {
		change   func(*zmq.Config)
		endpoint string
	}{
		"a proxy": {func(c *zmq.Config) { c.TCP.Proxy.Address = proxy.Start(t) }, "tls+tcp://server.test:5555"},
		"a dialer": {func(c *zmq.Config) {
			c.Network.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
		}, "tls+tcp://server.test:5555"},
		"a source, and a name of its own": {func(c *zmq.Config) { c.TLS.ServerName = "server.test" }, "tls+tcp://127.0.0.1:*;" + address},
		"options of tcp": {func(c *zmq.Config) {
			on := true
			c.TLS.ServerName, c.TCP.KeepAlive, c.TCP.TOS, c.Network.SendBuffer = "server.test", &on, 0x28, 64<<10
		}, "tls+tcp://" + address},
	} {
		t.Run(name, func(t *testing.T) {
			config := *connected
			test.change(&config)
			push := newSocket(t, c, zmq.PUSH, &config)
			connect(t, push, test.endpoint)
			send(t, push, name)
			want(t, pull, name)
			if err := push.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("nobody else's address is admitted", func(t *testing.T) {
		config := *bound
		config.TCP.AcceptFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		s, push := newSocket(t, c, zmq.PULL, &config), newSocket(t, c, zmq.PUSH, connected)
		seen := watch(t, s)
		connect(t, push, bind(t, s, "tls+tcp://127.0.0.1:*"))
		seen.await(zmq.EventAcceptFailed)
	})
}

// All that was sent before Close arrives, and the end after it.
func TestWhatIsSentOverTLSBeforeCloseArrives(t *testing.T) {
	a, bound, connected := trusting(t)
	const n = 2000
	body := strings.Repeat("x", 4000)
	t.Run("to a socket", func(t *testing.T) {
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, bound)
		connected.Linger = zmq.Forever
		push := newSocket(t, c, zmq.PUSH, connected)
		connect(t, push, bind(t, pull, "tls+tcp://127.0.0.1:*"))
		go func() {
			for i := range n {
				if push.SendString(within(t), fmt.Sprint(i), body) != nil {
					break // which shows below
				}
			}
			_ = push.Close()
		}()
		for i := range n {
			want(t, pull, fmt.Sprint(i), body)
		}
	})
	t.Run("to another implementation's reader", func(t *testing.T) {
		c := zmq.NewContext(nil)
		push := newSocket(t, c, zmq.PUSH, bound)
		address := strings.TrimPrefix(bind(t, push, "tls+tcp://127.0.0.1:*"), "tls+tcp://")
		peer, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.Pool(), Certificates: []tls.Certificate{a.Issue(t, "reader")}})
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		if _, err := peer.Write(hello("PULL")); err != nil {
			t.Fatal(err)
		}
		for range 500 {
			send(t, push, body)
		}
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
		octets, err := io.ReadAll(peer)
		if got := strings.Count(string(octets), body); got != 500 || err != nil {
			t.Errorf("%d of 500 messages came, and %v", got, err)
		}
		_ = peer.Close()
		term(t, c)
	})
}

// The port is free when Unbind returns, though peers are in the middle of handshakes,
// which end.
func TestUnbindOfAnEndpointOfTLS(t *testing.T) {
	_, bound, _ := trusting(t)
	s := newSocket(t, newContext(t), zmq.PULL, bound)
	endpoint := bind(t, s, "tls+tcp://127.0.0.1:*")
	for range 20 {
		silent, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tls+tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		if _, err := silent.Write([]byte{22, 3, 1}); err != nil {
			t.Fatal(err)
		}
		if err := s.Unbind(endpoint); err != nil {
			t.Fatal(err)
		}
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Error("the peer is answered")
		}
		if got := bind(t, s, endpoint); got != endpoint {
			t.Errorf("bound %s, want %s", got, endpoint)
		}
	}
}
