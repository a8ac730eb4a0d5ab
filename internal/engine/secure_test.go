package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmtp"
)

// sides are what the two sides of a connection of TLS tell each other.
type sides struct{ client, server *tls.Config }

// newSides makes both sides such that they agree. Large records and a quick exchange of
// keys make tests short.
func newSides(t testing.TB) sides {
	a := zmtptest.NewAuthority(t, "test authority")
	both := tls.Config{
		Certificates: []tls.Certificate{a.Issue(t, "peer.test")}, RootCAs: a.Pool(), ClientCAs: a.Pool(), ServerName: "peer.test",
		CurvePreferences: []tls.CurveID{tls.X25519}, DynamicRecordSizingDisabled: true,
	}
	return sides{client: both.Clone(), server: both.Clone()}
}

// dial has a network give our side connections of TLS.
func (b sides) dial(n *network) {
	n.wrap = func(c net.Conn) net.Conn { return tls.Client(c, b.client) }
}

// errCutOff is what a strict reader finds at the end of a stream.
var errCutOff = errors.New("cut off")

// strict is a connection whose end is not that of a stream of TLS.
type strict struct{ net.Conn }

func (s strict) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err == io.EOF {
		err = errCutOff
	}
	return n, err
}

// accepted gives a socket a connection of TLS that a peer has opened, and returns the
// peer, which has shaken hands in both ways. It tells the end of the stream from a cut.
func (b sides) accepted(s *socket, socketType string) (*Session, *tls.Conn) {
	s.Helper()
	ours, theirs := net.Pipe()
	session := Attach(s.env, s, &s.cfg, tls.Server(ours, b.server), "mem://", "")
	peer := tls.Client(strict{theirs}, b.client)
	said := say(peer, dialects[0].opening(socketType, ""))
	readAll(peer, len(dialects[0].opening(s.cfg.SocketType, "")))
	<-said
	synctest.Wait()
	return session, peer
}

// failures returns the errors of handshakes that a socket has heard of, with the values
// of their events.
func (s *socket) failures() (failed []*HandshakeError, values []int) {
	for _, e := range s.heard() {
		var of *HandshakeError
		if e.Kind == EventHandshakeNoDetail && errors.As(e.Err, &of) {
			failed, values = append(failed, of), append(values, e.Value)
		}
	}
	return failed, values
}

// One deadline is for both handshakes.
func TestAPeerThatStallsOverTLS(t *testing.T) {
	both := newSides(t)
	for name, test := range map[string]struct {
		play  func(peer *tls.Conn, raw net.Conn)
		phase string
	}{
		"says nothing": {func(*tls.Conn, net.Conn) {}, PhaseTLS},
		"stops within its first record": {func(_ *tls.Conn, raw net.Conn) {
			_, _ = raw.Write([]byte{22, 3, 1, 0, 100, 1})
		}, PhaseTLS},
		"says one octet after the other": {func(_ *tls.Conn, raw net.Conn) {
			for _, octet := range append([]byte{22, 3, 1, 0, 100, 1, 0, 0, 96}, make([]byte, 90)...) {
				pass(time.Second)
				if _, err := raw.Write([]byte{octet}); err != nil {
					return
				}
			}
		}, PhaseTLS},
		"stops when TLS is agreed on": {func(peer *tls.Conn, _ net.Conn) {
			pass(29 * time.Second)
			_ = peer.Handshake()
			_, _ = io.Copy(io.Discard, peer)
		}, PhaseGreeting},
		"stops when greetings are exchanged": {func(peer *tls.Conn, _ net.Conn) {
			pass(29 * time.Second)
			_, _ = peer.Write(dialects[0].opening("PUSH", "")[:64])
			_, _ = io.Copy(io.Discard, peer)
		}, PhaseMechanism},
	} {
		for _, raw := range []bool{false, true} {
			if raw && test.phase != PhaseTLS {
				continue // there is no other handshake
			}
			t.Run(fmt.Sprintf("%s, raw %v", name, raw), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSocket(t, "PULL", "PUSH")
					s.cfg.Raw = raw
					ours, theirs := net.Pipe()
					began := time.Now()
					session := Attach(s.env, s, &s.cfg, tls.Server(ours, both.server), "mem://", "")
					over := make(chan struct{})
					go func() {
						defer close(over)
						test.play(tls.Client(theirs, both.client), theirs)
					}()
					<-session.Done()
					if took := time.Since(began); took != s.cfg.HandshakeInterval {
						t.Errorf("it was let go after %v", took)
					}
					failed, values := s.failures()
					if len(failed) != 1 || failed[0].Phase != test.phase || !errors.Is(failed[0], os.ErrDeadlineExceeded) || values[0] != int(syscall.EAGAIN) {
						t.Errorf("heard %v, %v", failed, values)
					}
					_ = theirs.Close()
					<-over
					s.close(0)
				})
			})
		}
	}
}

// A socket that closes waits for nobody's handshake.
func TestAHandshakeOfTLSEndsWithItsSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := newSides(t)
		s := newSocket(t, "PULL", "PUSH")
		ours, theirs := net.Pipe()
		Attach(s.env, s, &s.cfg, tls.Server(ours, both.server), "mem://", "")
		synctest.Wait()
		began := time.Now()
		s.close(-1)
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection is open: %v", err)
		}
		_ = theirs.Close()
	})
}

// However a connection of TLS is ended, the peer that reads is told that nothing more
// comes, and what was sent has come.
func TestThePeerIsToldOfTheEndOverTLS(t *testing.T) {
	both := newSides(t)
	for name, end := range map[string]func(*socket, *Session, *tls.Conn){
		"with linger":           func(s *socket, _ *Session, _ *tls.Conn) { s.close(-1) },
		"without linger":        func(s *socket, _ *Session, _ *tls.Conn) { s.close(0) },
		"expelled":              func(_ *socket, session *Session, _ *tls.Conn) { session.Expel(ErrViolation) },
		"the peer is the first": func(_ *socket, _ *Session, peer *tls.Conn) { _ = peer.CloseWrite() },
		"the peer says too much": func(_ *socket, _ *Session, peer *tls.Conn) {
			_, _ = peer.Write([]byte("\x02\x00\x00\x00\x00\x00\x00\xff\xff"))
		},
		"the peer is silent, held": func(_ *socket, session *Session, _ *tls.Conn) { session.current.Load().abort(errHeartbeat) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSocket(t, "PUSH", "PULL")
				s.cfg.MaxMessageSize = 1000
				session, peer := both.accepted(s, "PULL")
				s.send("hello")
				hello := readAll(peer, len(dialects[0].encode("hello")))
				synctest.Wait()
				go end(s, session, peer)
				rest, err := io.ReadAll(peer)
				if string(hello) != string(dialects[0].encode("hello")) || len(rest) > 0 || err != nil {
					t.Errorf("%q came, and then %q and %v", hello, rest, err)
				}
				_ = peer.Close()
				<-session.Done()
				s.close(0)
			})
		})
	}
}

// A peer that reads late has all that linger allows it, as over a connection without
// TLS: that crypto/tls waits five seconds for an end to be told is not in its way.
func TestAPeerOfTLSMayReadAsLateAsLingerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := newSides(t)
		s := newSocket(t, "PUSH", "PULL")
		_, peer := both.accepted(s, "PULL")
		s.send("hello")
		if got := readAll(peer, len(dialects[0].encode("hello"))); len(got) == 0 {
			t.Fatal("nothing came")
		}
		synctest.Wait()
		go s.close(-1) // its last word is that there is no more
		pass(time.Minute)
		rest, err := io.ReadAll(peer)
		if len(rest) > 0 || err != nil {
			t.Errorf("%q came, and %v", rest, err)
		}
		_ = peer.Close()
		s.env.Wait()
	})
}

// A peer that does not read holds nobody up for longer than linger says.
func TestAPeerOfTLSThatDoesNotRead(t *testing.T) {
	both := newSides(t)
	for name, test := range map[string]struct {
		pending bool // a message is half written
		expel   bool // the session is told to give up, rather than to end
		linger  time.Duration
		most    time.Duration
	}{
		"at once, nothing to be sent":   {most: farewell}, // for the last word
		"at once, in a message":         {pending: true},
		"expelled":                      {expel: true, most: farewell},
		"expelled, in a message":        {expel: true, pending: true},
		"after linger, in a message":    {pending: true, linger: 3 * time.Second, most: 3 * time.Second},
		"after linger, with all said":   {linger: 3 * time.Second, most: 3 * time.Second},
		"after a long linger, all said": {linger: time.Minute, most: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSocket(t, "PUSH", "PULL")
				session, peer := both.accepted(s, "PULL")
				if test.pending {
					s.send(numbered(1, 200<<10))
					readAll(peer, 20<<10)
				}
				synctest.Wait()
				began := time.Now()
				if test.expel {
					session.Expel(ErrViolation)
				} else {
					s.end().CloseWrite()
					session.Close(test.linger)
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("the application has waited for %v", took)
				}
				<-session.Done()
				if took := time.Since(began); took > test.most {
					t.Errorf("it took %v, want %v at most", took, test.most)
				}
				_ = peer.NetConn().Close()
				s.close(0)
			})
		})
	}
}

// What TLS says reaches both sides, by the name of the phase.
func TestWhatTLSRefusesIsToldInWords(t *testing.T) {
	a, other := zmtptest.NewAuthority(t, "test authority"), zmtptest.NewAuthority(t, "another authority")
	long := zmtptest.GoodFrom.AddDate(0, 1, 0)
	quick := []tls.CurveID{tls.X25519}
	own := []tls.Certificate{a.Issue(t, "peer.test")}
	for name, test := range map[string]struct {
		client, server *tls.Config
		here, there    string // what client and server are told; "": nothing in particular
	}{
		"an unknown authority": {
			client: &tls.Config{RootCAs: other.Pool(), ServerName: "peer.test"}, server: &tls.Config{Certificates: own},
			here: "certificate signed by unknown authority", there: "remote error: tls: ",
		},
		"a certificate that has expired": {
			client: &tls.Config{RootCAs: a.Pool(), ServerName: "peer.test"}, server: &tls.Config{Certificates: []tls.Certificate{a.IssueUntil(t, long, "peer.test")}},
			here: "certificate has expired", there: "remote error: tls: ",
		},
		"another host": {
			client: &tls.Config{RootCAs: a.Pool(), ServerName: "else.test"}, server: &tls.Config{Certificates: own},
			here: "certificate is valid for peer.test, not else.test", there: "remote error: tls: bad certificate",
		},
		"no certificate of the client": {
			client: &tls.Config{RootCAs: a.Pool(), ServerName: "peer.test"},
			server: &tls.Config{Certificates: own, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool()},
			here:   "remote error: tls: certificate required", there: "client didn't provide a certificate",
		},
		"a wrong certificate of the client": {
			client: &tls.Config{RootCAs: a.Pool(), ServerName: "peer.test", GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				c := other.Issue(t, "client")
				return &c, nil
			}},
			server: &tls.Config{Certificates: own, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool()},
			here:   "remote error: tls: unknown certificate authority", there: "certificate signed by unknown authority",
		},
		"no version in common": {
			client: &tls.Config{RootCAs: a.Pool(), ServerName: "peer.test", MaxVersion: tls.VersionTLS12}, server: &tls.Config{Certificates: own, MinVersion: tls.VersionTLS13},
			here: "remote error: tls: protocol version not supported", there: "client offered only unsupported versions",
		},
		"no protocol in common": {
			client: &tls.Config{RootCAs: a.Pool(), ServerName: "peer.test", NextProtos: []string{"one"}}, server: &tls.Config{Certificates: own, NextProtos: []string{"other"}},
			here: "remote error: tls: no application protocol", there: "unsupported application protocols",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 { // who is the first to hear of it is chance
				test.client.CurvePreferences, test.server.CurvePreferences = quick, quick
				client, server := newSocket(t, "PUSH", "PULL"), newSocket(t, "PULL", "PUSH")
				theirs, ours := pairOver(t)
				ends := []*Session{
					Attach(client.env, client, &client.cfg, tls.Client(ours, test.client), "mem://", ""),
					Attach(server.env, server, &server.cfg, tls.Server(theirs, test.server), "mem://", ""),
				}
				for _, session := range ends {
					<-session.Done()
				}
				client.refused(test.here)
				server.refused(test.there)
				client.close(0)
				server.close(0)
			}
		})
	}
}

// A client that is refused, and can say no more by the time it speaks, hears why all the
// same. What has gone wrong otherwise stays what it was.
func TestARefusalIsHeardThoughWritingFailsBeforeIt(t *testing.T) {
	refusing, gone := newSides(t), newSides(t)
	refusing.server.ClientAuth = tls.RequireAndVerifyClientCert
	refusing.client.Certificates = nil
	broken := &HandshakeError{Phase: PhaseGreeting, Err: &net.OpError{Op: "write", Err: syscall.EPIPE}}
	broke := &HandshakeError{Phase: PhaseGreeting, Err: &zmtp.ProtocolError{Rule: zmtp.ErrMechanism}}
	for name, test := range map[string]struct {
		sides
		err   error
		phase string
		words string
	}{
		"refused":                   {refusing, broken, PhaseTLS, "remote error: tls: certificate required"},
		"gone":                      {gone, broken, PhaseGreeting, "broken pipe"},
		"both, and the protocol":    {refusing, broke, PhaseGreeting, zmtp.ErrMechanism.Error()},
		"not by TLS, but a silence": {refusing, &HandshakeError{Phase: PhaseGreeting, Err: os.ErrDeadlineExceeded}, PhaseGreeting, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := pairOver(t)
			peer := tls.Server(ours, test.server)
			over := make(chan struct{})
			go func() {
				defer close(over)
				_ = peer.Handshake()
				_ = peer.Close()
			}()
			client := tls.Client(theirs, test.client)
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			var failed *HandshakeError
			if err := verdict(client, test.err); !errors.As(err, &failed) || failed.Phase != test.phase || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want %q", err, test.words)
			}
			<-over
			_ = client.Close()
		})
	}
}

// Whom we refuse is heard out: were what it says unread as the connection is closed, it
// would be told of that rather than of why.
func TestAPeerThatTLSRefusesIsHeardOut(t *testing.T) {
	both := newSides(t)
	both.server.ClientAuth = tls.RequireAndVerifyClientCert
	both.client.Certificates = nil
	s := newSocket(t, "PULL", "PUSH")
	ours, theirs := pairOver(t)
	session := Attach(s.env, s, &s.cfg, tls.Server(ours, both.server), "mem://", "")
	peer := tls.Client(theirs, both.client)
	if err := peer.Handshake(); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Write(make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Read(make([]byte, 1)); !isAlert(err) {
		t.Errorf("it heard %v", err)
	}
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("then %v, want the end", err)
	}
	_ = theirs.Close()
	<-session.Done()
	s.close(0)
}

// pairOver returns the two ends of a connection of tcp.
func pairOver(t *testing.T) (accepted, dialled net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return accepted, dialled
}

// refused checks that the only handshake of a socket has failed in TLS, with such words.
func (s *socket) refused(words string) {
	s.Helper()
	failed, values := s.failures()
	if len(failed) != 1 || failed[0].Phase != PhaseTLS || values[0] != int(syscall.EPROTO) || !strings.Contains(failed[0].Error(), words) {
		s.Errorf("a %s heard %v, %v, want %q", s.cfg.SocketType, failed, values, words)
	}
}

// Each side finds out that the other does not speak TLS, or does.
func TestOnlyOneSideSpeaksTLS(t *testing.T) {
	both := newSides(t)
	for name, server := range map[string]bool{"the one that is asked": true, "the one that asks": false} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			theirs, ours := pairOver(t)
			var nc net.Conn = tls.Client(ours, both.client)
			if server {
				nc = tls.Server(ours, both.server)
			}
			session := Attach(s.env, s, &s.cfg, nc, "mem://", "")
			if _, err := theirs.Write(dialects[0].opening("PUSH", "")); err != nil {
				t.Fatal(err)
			}
			<-session.Done()
			s.refused("the peer speaks ZMTP without TLS")
			_ = theirs.Close()
			s.close(0)
		})
	}
}

// Who the peer is by TLS is known of it, whatever the connection carries, and not kept
// for the next.
func TestWhoAPeerIsByTLSIsKnown(t *testing.T) {
	both := newSides(t)
	both.server.ClientAuth = tls.RequireAndVerifyClientCert
	for _, raw := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			s.cfg.Raw = raw
			ours, theirs := net.Pipe()
			session := Attach(s.env, s, &s.cfg, tls.Server(ours, both.server), "mem://", "")
			peer := tls.Client(theirs, both.client)
			go func() { _, _ = io.Copy(io.Discard, peer) }()
			<-say(peer, dialects[0].opening("PUSH", ""))
			synctest.Wait()
			s.mu.Lock()
			state, ok := s.peers[0].TLS.(*tls.ConnectionState)
			s.mu.Unlock()
			if !ok || !state.HandshakeComplete || len(state.VerifiedChains) != 1 || state.PeerCertificates[0].Subject.CommonName != "peer.test" {
				t.Errorf("raw %v: TLS has found out %+v", raw, state)
			}
			if last := session.peers.last.Load(); last != nil && last.TLS != nil {
				t.Error("it is kept for the next peer")
			}
			_ = peer.Close()
			s.close(0)
		})
	}
}
