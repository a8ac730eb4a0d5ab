package tls_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tls"
)

// meet shakes hands with whoever listens at l, and returns what the client has found
// out.
func meet(t *testing.T, l transport.Listener, own transport.TLS) (stdtls.ConnectionState, error) {
	t.Helper()
	a, b := transporttest.Pair(t, eager{own: own}, l, nil)
	defer a.Close()
	defer b.Close()
	err := shakeBoth(t, a.(transport.Secured), b.(transport.Secured))
	return a.(transport.Secured).ConnectionState(), err
}

// TestCertificatesAreRenewedInPlace: a listener shows what its files have when a client
// comes, and while they are being changed what they had before.
func TestCertificatesAreRenewedInPlace(t *testing.T) {
	tls.LookAlways(t)
	a := zmtptest.NewAuthority(t, "test authority")
	first, second, third := a.Issue(t, "127.0.0.1"), a.Issue(t, "127.0.0.1"), a.Issue(t, "127.0.0.1")
	certFile, keyFile := zmtptest.Files(t, first)
	l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", &transport.Options{TLS: transport.TLS{CertFile: certFile, KeyFile: keyFile}})
	wants := func(when string, want stdtls.Certificate) {
		t.Helper()
		found, err := meet(t, l, transport.TLS{CAFile: a.File(t)})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if !found.PeerCertificates[0].Equal(want.Leaf) {
			t.Errorf("%s: another certificate is shown", when)
		}
	}
	wants("at first", first)
	wants("again", first)
	zmtptest.WritePEM(t, certFile, "CERTIFICATE", second.Certificate...)
	wants("with the key still to come", first)
	zmtptest.WriteFiles(t, second, certFile, keyFile)
	wants("renewed", second)
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	wants("without a key", second)
	zmtptest.WriteFiles(t, third, certFile, keyFile)
	wants("renewed again", third)
}

// TestFilesThatCouldNotBeReadAreReadAgain though nothing shows that they have changed
// since: modes may have, or there were no descriptors.
func TestFilesThatCouldNotBeReadAreReadAgain(t *testing.T) {
	tls.LookAlways(t)
	a := zmtptest.NewAuthority(t, "test authority")
	first, second := a.Issue(t, "127.0.0.1"), a.Issue(t, "127.0.0.1")
	certFile, keyFile := zmtptest.Files(t, first)
	var log bytes.Buffer
	l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", &transport.Options{
		TLS: transport.TLS{CertFile: certFile, KeyFile: keyFile}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	zmtptest.WriteFiles(t, second, certFile, keyFile)
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour) // so that a mark of them would hold
	for _, step := range []struct {
		key  []byte
		want stdtls.Certificate
		log  string
	}{
		{make([]byte, len(key)), first, "cannot be used as they are"},
		{make([]byte, len(key)), first, ""},
		{key, second, "can be used again"},
		{key, second, ""},
	} {
		log.Reset()
		if err := errors.Join(
			os.WriteFile(keyFile, step.key, 0o600), os.Chtimes(keyFile, old, old), os.Chtimes(certFile, old, old),
		); err != nil {
			t.Fatal(err)
		}
		found, err := meet(t, l, transport.TLS{CAFile: a.File(t)})
		if err != nil {
			t.Fatal(err)
		}
		if !found.PeerCertificates[0].Equal(step.want.Leaf) {
			t.Error("another certificate is shown")
		}
		if !strings.Contains(log.String(), step.log) || step.log == "" && log.Len() > 0 {
			t.Errorf("log %q, want %q", log.String(), step.log)
		}
	}
}

// TestRenewedFilesCountASecondLater, and a fault is found no sooner.
func TestRenewedFilesCountASecondLater(t *testing.T) {
	a := zmtptest.NewAuthority(t, "test authority")
	first, second := a.Issue(t, "127.0.0.1"), a.Issue(t, "127.0.0.1")
	certFile, keyFile := zmtptest.Files(t, first)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		config, err := tls.Listening(&transport.Options{
			TLS: transport.TLS{CertFile: certFile, KeyFile: keyFile}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		wants := func(when string, want stdtls.Certificate, logged int) {
			t.Helper()
			found, err := config.GetConfigForClient(nil)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			if !found.Certificates[0].Leaf.Equal(want.Leaf) {
				t.Errorf("%s: another certificate is shown", when)
			}
			if n := strings.Count(log.String(), "\n"); n != logged {
				t.Errorf("%s: %d records, want %d:\n%s", when, n, logged, &log)
			}
		}
		wants("at first", first, 0)
		zmtptest.WritePEM(t, certFile, "CERTIFICATE", second.Certificate...)
		wants("with the key still to come, at once", first, 0)
		<-time.After(time.Second)
		wants("with the key still to come", first, 1)
		zmtptest.WriteFiles(t, second, certFile, keyFile)
		wants("renewed, at once", first, 1)
		<-time.After(time.Second)
		wants("renewed", second, 2)
	})
}

// A stuckLog keeps whoever writes to it, until it is closed.
type stuckLog chan struct{}

func (stuckLog) Enabled(context.Context, slog.Level) bool    { return true }
func (l stuckLog) Handle(context.Context, slog.Record) error { <-l; return nil }
func (l stuckLog) WithAttrs([]slog.Attr) slog.Handler        { return l }
func (l stuckLog) WithGroup(string) slog.Handler             { return l }

// TestALogThatIsStuckKeepsNoHandshake, neither the one that has found a fault of the
// files nor others.
func TestALogThatIsStuckKeepsNoHandshake(t *testing.T) {
	a := zmtptest.NewAuthority(t, "test authority")
	var listen transport.TLS
	listen.CertFile, listen.KeyFile = zmtptest.Files(t, a.Issue(t, "127.0.0.1"))
	log := make(stuckLog)
	t.Cleanup(func() { close(log) })
	l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", &transport.Options{TLS: listen, Logger: slog.New(log)})
	write(t, listen.KeyFile, "half")
	const handshakes = 3
	ended := make(chan error, 2*handshakes)
	for range handshakes {
		client, server := transporttest.Pair(t, eager{own: transport.TLS{CAFile: a.File(t)}}, l, nil)
		for _, c := range []net.Conn{client, server} {
			t.Cleanup(func() { c.Close() })
			go func() { ended <- c.(transport.Secured).HandshakeContext(context.Background()) }()
		}
	}
	ctx := transporttest.Context(t)
	for i := range 2 * handshakes {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("a handshake: %v", err)
			}
		case <-ctx.Done():
			t.Fatalf("%d of %d handshakes have ended", i/2, handshakes)
		}
	}
}

// TestOneWhoConnectsShowsWhatItsFilesHave each time.
func TestOneWhoConnectsShowsWhatItsFilesHave(t *testing.T) {
	tls.LookAlways(t)
	servers, clients, others := zmtptest.NewAuthority(t, "servers"), zmtptest.NewAuthority(t, "clients"), zmtptest.NewAuthority(t, "others")
	var listen transport.TLS
	listen.CertFile, listen.KeyFile = zmtptest.Files(t, servers.Issue(t, "127.0.0.1"))
	listen.ClientCAFile = clients.File(t)
	l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", &transport.Options{TLS: listen})
	own := transport.TLS{CAFile: servers.File(t)}
	if _, err := meet(t, l, own); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("one without certificate: %v", err)
	}
	own.CertFile, own.KeyFile = zmtptest.Files(t, others.Issue(t, "client"))
	if _, err := meet(t, l, own); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("one with a certificate of somebody else: %v", err)
	}
	zmtptest.WriteFiles(t, clients.Issue(t, "client"), own.CertFile, own.KeyFile)
	if _, err := meet(t, l, own); err != nil {
		t.Errorf("one with a good certificate: %v", err)
	}
	zmtptest.WritePEM(t, listen.ClientCAFile, "CERTIFICATE", others.Certificate.Raw)
	if _, err := meet(t, l, own); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("one whose authority does not count any more: %v", err)
	}
	if err := os.Remove(own.CertFile); err != nil {
		t.Fatal(err)
	}
	if _, err := (tls.Transport{}).Dial(t.Context(), l.Address(), &transport.Options{TLS: own}); err == nil || !strings.Contains(err.Error(), "TLS.CertFile") {
		t.Errorf("one whose file is gone: %v", err)
	}
}

// TestAuthoritiesThatAreHalfWrittenTurnNobodyAway: while their file is being written a
// listener goes by what it read before, though there are whole certificates in it.
func TestAuthoritiesThatAreHalfWrittenTurnNobodyAway(t *testing.T) {
	tls.LookAlways(t)
	servers, first, second := zmtptest.NewAuthority(t, "servers"), zmtptest.NewAuthority(t, "first"), zmtptest.NewAuthority(t, "second")
	var listen transport.TLS
	listen.CertFile, listen.KeyFile = zmtptest.Files(t, servers.Issue(t, "127.0.0.1"))
	listen.ClientCAFile = first.File(t)
	zmtptest.WritePEM(t, listen.ClientCAFile, "CERTIFICATE", first.Certificate.Raw, second.Certificate.Raw)
	var log bytes.Buffer
	l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", &transport.Options{TLS: listen, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	comes := func(when string) {
		t.Helper()
		for _, a := range []*zmtptest.Authority{first, second} {
			own := transport.TLS{CAFile: servers.File(t)}
			own.CertFile, own.KeyFile = zmtptest.Files(t, a.Issue(t, "client"))
			if _, err := meet(t, l, own); err != nil {
				t.Errorf("%s: one of the %s authority: %v", when, a.Certificate.Subject.CommonName, err)
			}
		}
	}
	comes("at first")
	text := read(t, listen.ClientCAFile)
	write(t, listen.ClientCAFile, text[:len(text)-100])
	comes("cut short")
	if !strings.Contains(log.String(), "TLS.ClientCAFile") {
		t.Errorf("log %q, want the name of the option", log.String())
	}
	write(t, listen.ClientCAFile, text)
	comes("whole again")
	if !strings.Contains(log.String(), "can be used again") {
		t.Errorf("log %q, want that it can be used again", log.String())
	}
}

// TestATicketOutlivesNoAuthority: who came in once, and could come in again without
// showing a certificate, cannot when its authority does not count any more.
func TestATicketOutlivesNoAuthority(t *testing.T) {
	tls.LookAlways(t)
	for name, version := range map[string]uint16{"TLS 1.2": stdtls.VersionTLS12, "TLS 1.3": stdtls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			servers, clients, others := zmtptest.NewAuthority(t, "servers"), zmtptest.NewAuthority(t, "clients"), zmtptest.NewAuthority(t, "others")
			var listen transport.TLS
			listen.CertFile, listen.KeyFile = zmtptest.Files(t, servers.Issue(t, "127.0.0.1"))
			listen.ClientCAFile = clients.File(t)
			l := transporttest.Listen(t, tls.Transport{}, "127.0.0.1:*", &transport.Options{TLS: listen})
			own := transport.TLS{Config: &stdtls.Config{
				RootCAs: servers.Pool(), Certificates: []stdtls.Certificate{clients.Issue(t, "client")},
				ClientSessionCache: stdtls.NewLRUClientSessionCache(0), MaxVersion: version,
			}}
			come := func() (resumed bool, err error) {
				a, b := transporttest.Pair(t, eager{own: own}, l, nil)
				defer a.Close()
				defer b.Close()
				if err := shakeBoth(t, a.(transport.Secured), b.(transport.Secured)); err != nil {
					return false, err
				}
				go func() { _, _ = b.Write([]byte{0}) }() // a ticket of TLS 1.3 comes before what is said next
				if _, err := a.Read(make([]byte, 1)); err != nil {
					return false, err
				}
				return a.(transport.Secured).ConnectionState().DidResume, nil
			}
			for i, want := range []bool{false, true} {
				if resumed, err := come(); err != nil || resumed != want {
					t.Fatalf("%d: resumed %v, %v", i, resumed, err)
				}
			}
			zmtptest.WritePEM(t, listen.ClientCAFile, "CERTIFICATE", others.Certificate.Raw)
			if resumed, err := come(); err == nil {
				t.Errorf("it comes in, resumed %v", resumed)
			}
			zmtptest.WritePEM(t, listen.ClientCAFile, "CERTIFICATE", clients.Certificate.Raw, others.Certificate.Raw)
			if _, err := come(); err != nil {
				t.Errorf("with its authority again: %v", err)
			}
		})
	}
}

// TestAListenerOfADescriptor speaks TLS over a socket that somebody else has opened.
func TestAListenerOfADescriptor(t *testing.T) {
	theirs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	file, err := theirs.(*net.TCPListener).File()
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	if l, err := (tls.Transport{}).ListenFile(file, nil); err == nil {
		l.Close()
		t.Error("it listens without certificate")
	}
	e := newEager(t)
	l, err := tls.Transport{}.ListenFile(file, e.with(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := meet(t, l, e.own); err != nil {
		t.Error(err)
	}
}
