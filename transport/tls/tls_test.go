package tls_test

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"zeromux/internal/zmtptest"
	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tls"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eager is the transport as whoever has its connections uses it: with certificates,
// unless the test brings some, and a handshake for each connection that comes in.
type eager struct {
	tls.Transport
	own transport.TLS
}

func newEager(t testing.TB) eager {
	a := zmtptest.NewAuthority(t, "test authority")
	return eager{own: transport.TLS{Config: &stdtls.Config{
		Certificates: []stdtls.Certificate{a.Issue(t, "localhost", "127.0.0.1", "::1")}, RootCAs: a.Pool(),
		CurvePreferences: []stdtls.CurveID{stdtls.X25519}, // the quickest
	}}}
}

// with puts the certificates into o.
func (e eager) with(o *transport.Options) *transport.Options {
	with := transport.Options{}
	if o != nil {
		with = *o
	}
	if with.TLS == (transport.TLS{}) {
		with.TLS = e.own
	}
	return &with
}

func (e eager) CheckConnect(address string, o *transport.Options) error {
	return e.Transport.CheckConnect(address, e.with(o))
}

func (e eager) Dial(ctx context.Context, address string, o *transport.Options) (net.Conn, error) {
	return e.Transport.Dial(ctx, address, e.with(o))
}

func (e eager) Listen(ctx context.Context, address string, o *transport.Options) (transport.Listener, error) {
	l, err := e.Transport.Listen(ctx, address, e.with(o))
	if err != nil {
		return nil, err
	}
	return &shaker{Listener: l}, nil
}

// shaker shakes hands with whoever comes in, while others come in.
type shaker struct{ transport.Listener }

func (s *shaker) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	shaken := &shaken{Conn: c.(*stdtls.Conn)}
	shaken.shaking.Go(func() { _ = shaken.HandshakeContext(context.Background()) }) // Read tells how it ends
	return shaken, nil
}

// shaken is a connection that shakes hands by itself.
type shaken struct {
	*stdtls.Conn
	shaking sync.WaitGroup
}

func (s *shaken) Close() error {
	err := s.Conn.Close()
	s.shaking.Wait()
	return err
}

func TestBattery(t *testing.T) {
	transporttest.Run(t, transporttest.Subject{
		Transport: newEager(t),
		Bind:      func(testing.TB) string { return "127.0.0.1:*" },
		Nobody: func(t testing.TB) string {
			t.Helper()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			return l.Addr().String()
		},
	})
}

// TestHandshakesAreLeftToOthers has neither end wait for the other before it is asked
// to.
func TestHandshakesAreLeftToOthers(t *testing.T) {
	e := newEager(t)
	l, err := e.Transport.Listen(t.Context(), "127.0.0.1:*", e.with(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, b := transporttest.Pair(t, e, l, nil) // on one goroutine
	defer a.Close()
	defer b.Close()
	for _, c := range []net.Conn{a, b} {
		if c.(transport.Secured).ConnectionState().HandshakeComplete {
			t.Error("hands are shaken")
		}
	}
	if got := (tls.Transport{}).PeerAddress(b); got != "127.0.0.1" {
		t.Errorf("the peer is %q", got)
	}
}

// ends are the two ends of a connection that has shaken hands.
func ends(t *testing.T, address string, dial, listen *transport.Options) (client, server transport.Secured, err error) {
	t.Helper()
	l, err := tls.Transport{}.Listen(t.Context(), address, listen)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, b := transporttest.Pair(t, eager{own: dial.TLS}, l, dial)
	t.Cleanup(func() { a.Close(); b.Close() })
	client, server = a.(transport.Secured), b.(transport.Secured)
	err = shakeBoth(t, client, server)
	return client, server, err
}

// shakeBoth shakes hands at both ends. Of two errors it returns that of the server, who
// refuses a client only after that has had enough.
func shakeBoth(t *testing.T, client, server transport.Secured) error {
	t.Helper()
	ctx := transporttest.Context(t)
	failed := make(chan error, 1)
	go func() { failed <- server.HandshakeContext(ctx) }()
	err := client.HandshakeContext(ctx)
	if err != nil {
		client.Close()
	}
	if theirs := <-failed; err == nil {
		err = theirs
	}
	return err
}

// TestTheServerIsWhoTheAddressSays takes the name to be verified from the address, in
// all forms that tcp knows.
func TestTheServerIsWhoTheAddressSays(t *testing.T) {
	a := zmtptest.NewAuthority(t, "test authority")
	for name, test := range map[string]struct {
		certificate string
		host        string // of the address to connect to
		source      string
		serverName  string // of the options
		ipv6        bool
		want        string // of the error; "": none
	}{
		"an address":                     {certificate: "127.0.0.1", host: "127.0.0.1"},
		"a name":                         {certificate: "localhost", host: "localhost"},
		"an address behind a source":     {certificate: "127.0.0.1", host: "127.0.0.1", source: "127.0.0.1:*;"},
		"an address of IPv6":             {certificate: "::1", host: "[::1]", ipv6: true},
		"an address of IPv6 with a zone": {certificate: "::1", host: "[::1%1]", ipv6: true},
		"another address":                {certificate: "127.0.0.2", host: "127.0.0.1", want: "valid for 127.0.0.2, not 127.0.0.1"},
		"another name":                   {certificate: "else.test", host: "localhost", want: "valid for else.test, not localhost"},
		"a name in place of an address":  {certificate: "localhost", host: "127.0.0.1", want: "127.0.0.1"},
		"a name that the options tell":   {certificate: "broker.test", host: "127.0.0.1", serverName: "broker.test"},
		"not the one of the options":     {certificate: "127.0.0.1", host: "127.0.0.1", serverName: "broker.test", want: "broker.test"},
	} {
		for _, form := range []string{"by a Config", "by files"} {
			t.Run(name+" "+form, func(t *testing.T) {
				bound := "127.0.0.1:*"
				if test.ipv6 {
					needIPv6(t)
					bound = "[::1]:*"
				}
				certificate := a.Issue(t, test.certificate)
				listen := &transport.Options{IPv6: test.ipv6}
				dial := &transport.Options{IPv6: test.ipv6}
				if form == "by files" {
					listen.TLS.CertFile, listen.TLS.KeyFile = zmtptest.Files(t, certificate)
					dial.TLS.CAFile, dial.TLS.ServerName = a.File(t), test.serverName
				} else {
					listen.TLS.Config = &stdtls.Config{Certificates: []stdtls.Certificate{certificate}}
					dial.TLS.Config = &stdtls.Config{RootCAs: a.Pool(), ServerName: test.serverName}
				}
				l := transporttest.Listen(t, tls.Transport{}, bound, listen)
				_, port, err := net.SplitHostPort(l.Address())
				if err != nil {
					t.Fatal(err)
				}
				address := test.source + test.host + ":" + port
				if err := (tls.Transport{}).CheckConnect(address, dial); err != nil {
					t.Fatal(err)
				}
				client, err := tls.Transport{}.Dial(transporttest.Context(t), address, dial)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				server, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				err = shakeBoth(t, client.(transport.Secured), server.(transport.Secured))
				switch {
				case test.want == "" && err != nil:
					t.Error(err)
				case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
					t.Errorf("got %v, want %q", err, test.want)
				}
				if test.serverName == "" && dial.TLS.Config != nil && dial.TLS.Config.ServerName != "" {
					t.Error("the application's own Config has been changed")
				}
			})
		}
	}
}

func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	l.Close()
}

// TestAnEndThatNobodyHasToldOfIsNoEnd tells a stream that was cut from one that has
// come to its end, also where the cut is between two records.
func TestAnEndThatNobodyHasToldOfIsNoEnd(t *testing.T) {
	o := newEager(t).with(nil)
	for name, test := range map[string]struct {
		end  func(transport.Secured)
		want error
	}{
		"told": {end: func(c transport.Secured) { c.Close() }, want: io.EOF},
		"cut":  {end: func(c transport.Secured) { transporttest.Carrier(c).Close() }, want: tls.ErrCut},
	} {
		t.Run(name, func(t *testing.T) {
			client, server, err := ends(t, "127.0.0.1:*", o, o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Write([]byte("some octets")); err != nil {
				t.Fatal(err)
			}
			test.end(client)
			b := make([]byte, 100)
			n, err := io.ReadFull(server, b[:11])
			if string(b[:n]) != "some octets" || err != nil {
				t.Errorf("%q came, and %v", b[:n], err)
			}
			for range 2 {
				if n, err := server.Read(b); n != 0 || err != test.want {
					t.Errorf("then %q and %v, want %v", b[:n], err, test.want)
				}
			}
			if errors.Is(tls.ErrCut, io.EOF) || !errors.Is(tls.ErrCut, io.ErrUnexpectedEOF) {
				t.Error("a cut is an unexpected end, and no other")
			}
		})
	}
}

// TestByWayOfOthers dials through what tcp dials through, and verifies who is there at
// the far end.
func TestByWayOfOthers(t *testing.T) {
	a := zmtptest.NewAuthority(t, "test authority")
	listen := &transport.Options{TLS: transport.TLS{Config: &stdtls.Config{Certificates: []stdtls.Certificate{a.Issue(t, "broker.test")}}}}
	l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", listen)
	const name = "broker.test:5555" // that only those in between know
	proxy := &zmtptest.Proxy{Names: map[string]string{name: l.Address()}}
	own := transport.TLS{Config: &stdtls.Config{RootCAs: a.Pool()}}
	for way, o := range map[string]*transport.Options{
		"a proxy": {TLS: own, Proxy: transport.Proxy{Address: proxy.Start(t)}},
		"a dialer": {TLS: own, Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != name {
				t.Errorf("the Dialer is asked for %s", address)
			}
			return new(net.Dialer).DialContext(ctx, network, l.Address())
		}},
	} {
		t.Run(way, func(t *testing.T) {
			client, err := tls.Transport{}.Dial(transporttest.Context(t), name, o)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if err := shakeBoth(t, client.(transport.Secured), server.(transport.Secured)); err != nil {
				t.Fatal(err)
			}
			transporttest.Exchange(t, client, server)
		})
	}
}
