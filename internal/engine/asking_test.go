package engine

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// of makes the opening that of a mechanism of another name.
func (d dialect) of(name, socketType string) []byte {
	b := d.opening(socketType, "")
	copy(b[12:32], make([]byte, 20))
	copy(b[12:], name)
	return b
}

// answering is a Config.Authenticate that says the same of everybody.
func answering(reply *zap.Reply, err error) func(context.Context, string, *zap.Request) (*zap.Reply, error) {
	return func(context.Context, string, *zap.Request) (*zap.Reply, error) { return reply, err }
}

// silent is a Config.Authenticate that never answers, and counts whom it has been asked
// about and given up.
type silent struct{ asked, over chan error }

func newSilent() *silent { return &silent{make(chan error, 100), make(chan error, 100)} }

func (s *silent) authenticate(ctx context.Context, _ string, _ *zap.Request) (*zap.Reply, error) {
	s.asked <- nil
	<-ctx.Done()
	s.over <- ctx.Err()
	return nil, ctx.Err()
}

var errGone = errors.New("the handler has gone")

// What an authenticator says decides what becomes of a peer, what it is told, and what
// the monitor hears.
func TestAVerdict(t *testing.T) {
	v31 := dialects[0]
	const limit = 30 * time.Second
	malformed := &zmtp.ProtocolError{Rule: errors.New("reply"), Code: zmtp.CodeZAPBadVersion}
	for _, test := range []struct {
		name      string
		mechanism string
		reply     *zap.Reply
		err       error
		nobody    bool
		want      string        // events of our side
		end       time.Duration // when the connection ends; zero: at once
		told      bool          // the peer is told why
	}{
		{"let in", "TEST", &zap.Reply{Status: 200, UserID: "joe"}, nil, false, "accepted, handshake succeeded", -1, false},
		{"denied", "TEST", &zap.Reply{Status: 400, Text: "no"}, nil, false, "accepted, handshake failed: authentication 400, disconnected", 0, true},
		{"a handler that failed", "TEST", &zap.Reply{Status: 500}, nil, false, "accepted, handshake failed: authentication 500, disconnected", 0, true},
		{"later perhaps", "TEST", &zap.Reply{Status: 300}, nil, false, "accepted, handshake failed: authentication 300, disconnected", limit, false},
		{"nobody to ask", "NULL", nil, zap.ErrNoHandler, false, "accepted, handshake failed 14, handshake failed 11, disconnected", limit, false},
		{"nobody to ask, and nobody looked for", "NULL", nil, nil, true, "accepted, handshake failed 14, handshake failed 11, disconnected", limit, false},
		{"nobody to ask about a password", "PLAIN", nil, zap.ErrNoHandler, false, "accepted, handshake failed 14, disconnected", 0, false},
		{"nobody to ask about a key", "CURVE", nil, zap.ErrNoHandler, false, "accepted, handshake failed 14, disconnected", 0, false},
		{"an answer that is none", "TEST", nil, malformed, false, "accepted, handshake failed: protocol 0x20000003, disconnected", 0, false},
		{"a handler that goes away", "TEST", nil, errGone, false, "accepted, handshake failed 32, disconnected", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSocket(t, "PULL", "PUSH")
				s.cfg.HandshakeInterval = limit
				s.cfg.Mechanism = guard(test.mechanism, true, false)
				if !test.nobody {
					s.cfg.Authenticate = answering(test.reply, test.err)
				}
				ours, theirs := net.Pipe()
				began := time.Now()
				session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
				l := listen(theirs)
				opening := v31.of(test.mechanism, "PUSH")
				said := say(theirs, opening[:zmtp.GreetingSize])
				synctest.Wait()
				if test.end > 0 { // what is to be told of it is told at once
					first, _, _ := strings.Cut(strings.TrimPrefix(test.want, "accepted, "), ", ")
					if got := told(s.heard()); got != "accepted, "+first {
						t.Errorf("at first we hear %s", got)
					}
					test.want = strings.TrimPrefix(test.want, "accepted, "+first+", ")
					if octets, over := l.heard(); over || len(octets) != zmtp.GreetingSize {
						t.Errorf("the peer has heard %q, end %v", octets, over)
					}
				}
				if test.told { // and hangs up, as libzmq's does
					octets, _ := l.heard()
					if len(octets) <= zmtp.GreetingSize {
						t.Errorf("the peer has heard %q", octets)
					}
					_ = theirs.Close()
				}
				if test.end >= 0 {
					<-session.Done()
					if took := time.Since(began); took != test.end {
						t.Errorf("it took %v, want %v", took, test.end)
					}
				} else {
					<-say(theirs, opening[zmtp.GreetingSize:])
				}
				synctest.Wait()
				<-said
				if got := told(s.heard()); got != test.want {
					t.Errorf("we hear %s\nwant %s", got, test.want)
				}
				octets, _ := l.heard()
				if got := bytes.HasSuffix(octets, zmtp.AppendFrame(nil, zmtp.FlagCommand, zmtp.AppendError(nil, "400"))); got != test.told {
					t.Errorf("the peer has heard %q", octets)
				}
				s.close(0)
				_ = l.Close()
			})
		})
	}
}

// The question names the peer and what the socket calls itself; the answer names the
// peer from then on.
func TestTheQuestionAndTheAnswerNameThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "ROUTER", "DEALER")
		s.cfg.RoutingID = []byte("ours")
		s.cfg.ZAP.Domain = "home"
		s.cfg.Mechanism = guard("TEST", true, false)
		var got zap.Request
		var at string
		s.cfg.Authenticate = func(ctx context.Context, endpoint string, q *zap.Request) (*zap.Reply, error) {
			got, at = *q, endpoint
			if until, ok := ctx.Deadline(); !ok || time.Until(until) != s.cfg.HandshakeInterval {
				t.Errorf("there is time until %v, %v", until, ok)
			}
			return &zap.Reply{Status: 200, UserID: "joe"}, nil
		}
		ours, theirs := net.Pipe()
		Attach(s.env, s, &s.cfg, betweenHosts{ours}, "mem://", "192.0.2.2:2")
		l := listen(theirs)
		<-say(theirs, dialects[0].of("TEST", "DEALER"))
		synctest.Wait()
		if at != "mem://" || got.Domain != "home" || got.Address != "::ffff:192.0.2.2" || string(got.Identity) != "ours" || got.Mechanism != "TEST" || len(got.Credentials) != 2 {
			t.Errorf("asked about %+v", got)
		}
		if p := s.peers[0]; p.UserID != "joe" || p.Mechanism != "TEST" {
			t.Errorf("the peer is %+v", p)
		}
		s.close(0)
		_ = l.Close()
	})
}

// A connection that the application has brought may be of any kind.
func TestAnAuthenticatorIsToldNoPort(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.2:2":          "192.0.2.2",
		"[2001:db8::1]:2":      "2001:db8::1",
		"[fe80::1%eth0]:2":     "fe80::1%eth0",
		"localhost:1:2:3":      "localhost:1:2:3",
		"peer.example:2":       "peer.example:2",
		"":                     "",
		"somewhere in between": "somewhere in between",
	} {
		ours, theirs := net.Pipe()
		if got := zapAddress(ours, address); got != want {
			t.Errorf("%q is told as %q, want %q", address, got, want)
		}
		_, _ = ours.Close(), theirs.Close()
	}
}

// Whoever answers slowly holds nobody up but the peer that he is asked about, and
// nothing when that has left or has no time any more.
func TestNothingWaitsForAnAnswerThatIsOfNoUse(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit time.Duration
		end   func(s *socket, session *Session, theirs net.Conn)
		want  string
	}{
		{"the peer leaves", 0, func(_ *socket, _ *Session, theirs net.Conn) { _ = theirs.Close() }, "handshake failed 32, disconnected"},
		{
			"the peer says much and leaves", 0, func(_ *socket, _ *Session, theirs net.Conn) {
				<-say(theirs, make([]byte, 100<<10))
				_ = theirs.Close()
			}, "handshake failed 32, disconnected",
		},
		{
			"the peer does not end", 0, func(_ *socket, _ *Session, theirs net.Conn) {
				<-say(theirs, make([]byte, 2<<20))
			}, "handshake failed: protocol 0x10000001, disconnected",
		},
		{"time is over", time.Second, func(*socket, *Session, net.Conn) { pass(time.Second) }, "handshake failed 11, disconnected"},
		{"the session ends", 0, func(_ *socket, session *Session, _ net.Conn) { session.Part(); session.Close(0) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, mute := newSocket(t, "PULL", "PUSH"), newSilent()
				s.cfg.HandshakeInterval = test.limit
				s.cfg.Mechanism, s.cfg.Authenticate = guard("TEST", true, false), mute.authenticate
				ours, theirs := net.Pipe()
				session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
				l := listen(theirs)
				<-say(theirs, dialects[0].of("TEST", "PUSH")[:zmtp.GreetingSize])
				<-mute.asked

				// Another peer comes, goes through, and is served.
				s.mu.Lock()
				own := s.cfg
				s.mu.Unlock()
				own.Mechanism, own.Authenticate = nil, nil
				ours, good := net.Pipe()
				Attach(s.env, s, &own, ours, "mem://good", "")
				g := listen(good)
				<-say(good, append(dialects[0].opening("PUSH", ""), dialects[0].encode("hello")...))
				synctest.Wait()
				if got := s.recv(); !slices.EqualFunc(got, [][]string{{"hello"}}, slices.Equal) {
					t.Errorf("of another peer we receive %q", got)
				}
				s.heard()

				test.end(s, session, theirs)
				<-session.Done()
				<-mute.over
				if got := told(s.heard()); got != test.want {
					t.Errorf("we hear %s\nwant %s", got, test.want)
				}
				s.close(0)
				_, _ = l.Close(), g.Close()
			})
		})
	}
}

// What a peer says while somebody is asked about it is not lost, and not before its
// time.
func TestWhatAPeerSaysMeanwhileIsHeardAfterwards(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			s.cfg.HandshakeInterval = limit
			answer := make(chan *zap.Reply)
			s.cfg.Mechanism = guard("TEST", true, false)
			s.cfg.Authenticate = func(context.Context, string, *zap.Request) (*zap.Reply, error) { return <-answer, nil }
			ours, theirs := net.Pipe()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			l := listen(theirs)
			for _, octet := range append(dialects[0].of("TEST", "PUSH"), dialects[0].encode("hello", numbered(1, 2000))...) {
				<-say(theirs, []byte{octet})
			}
			pass(limit / 2)
			answer <- &zap.Reply{Status: 200}
			pass(limit)
			<-say(theirs, dialects[0].encode("still there"))
			synctest.Wait()
			if got := s.recv(); !slices.EqualFunc(got, [][]string{{"hello", numbered(1, 2000)}, {"still there"}}, slices.Equal) {
				t.Errorf("we receive %.40q", got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// With PLAIN and CURVE a peer is to wait until it has been judged.
func TestACommandAheadOfItsTimeEndsTheHandshake(t *testing.T) {
	hello := zmtp.AppendFrame(nil, zmtp.FlagCommand, []byte("\x05HELLO\x03ada\x05horse"))
	initiate := zmtp.AppendFrame(nil, zmtp.FlagCommand, []byte("\x08INITIATE"))
	for name, says := range map[string][][]byte{
		"at once": {slices.Concat(hello, initiate)},
		"later":   {hello, initiate},
		"slowly":  {hello, initiate[:5], initiate[5:]},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSocket(t, "PULL", "PUSH")
				s.cfg.Mechanism = func(c mechanism.Config) mechanism.Mechanism {
					return mechanism.NewPlainServer(c, mechanism.PlainErrorLibzmq)
				}
				s.cfg.Authenticate = func(ctx context.Context, _ string, _ *zap.Request) (*zap.Reply, error) {
					<-ctx.Done()
					return &zap.Reply{Status: zap.StatusOK}, nil
				}
				ours, theirs := net.Pipe()
				session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
				l := listen(theirs)
				<-say(theirs, dialects[0].of("PLAIN", "PUSH")[:zmtp.GreetingSize])
				for _, octets := range says {
					<-say(theirs, octets)
					synctest.Wait()
				}
				<-session.Done()
				if got, want := told(s.heard()), "accepted, handshake failed: protocol 0x10000000, disconnected"; got != want {
					t.Errorf("we hear %s\nwant    %s", got, want)
				}
				s.close(0)
				_ = l.Close()
			})
		})
	}
}

// A peer that is put off may be one that has something else to say, or to do.
func TestAPeerThatIsPutOffMayLeave(t *testing.T) {
	for _, test := range []struct {
		name string
		then func(net.Conn)
	}{
		{"it leaves", func(c net.Conn) { _ = c.Close() }},
		{"it goes on", func(c net.Conn) { <-say(c, []byte{4}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSocket(t, "PULL", "PUSH")
				s.cfg.HandshakeInterval = 0
				s.cfg.Mechanism, s.cfg.Authenticate = guard("TEST", true, false), answering(&zap.Reply{Status: 300}, nil)
				ours, theirs := net.Pipe()
				session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
				l := listen(theirs)
				<-say(theirs, dialects[0].of("TEST", "PUSH")[:zmtp.GreetingSize])
				pass(time.Hour)
				if got := told(s.heard()); got != "accepted, handshake failed: authentication 300" {
					t.Errorf("at first we hear %s", got)
				}
				test.then(theirs)
				<-session.Done()
				if got := told(s.heard()); got != "disconnected" {
					t.Errorf("in the end we hear %s", got)
				}
				s.close(0)
				_ = l.Close()
			})
		})
	}
}

// A socket that connects, and denies its peer, tries again: the next one may be
// another. Where nobody can be asked only NULL does.
func TestWhoDeniesItsServerTriesAgain(t *testing.T) {
	malformed := &zmtp.ProtocolError{Rule: errors.New("reply"), Code: zmtp.CodeZAPBadVersion}
	for _, test := range []struct {
		name      string
		mechanism string
		reply     *zap.Reply
		err       error
		after     time.Duration // below zero: never
	}{
		{"300", "TEST", &zap.Reply{Status: 300}, nil, time.Second},
		{"400", "TEST", &zap.Reply{Status: 400}, nil, 0}, // once the peer has read that
		{"500", "TEST", &zap.Reply{Status: 500}, nil, 0},
		{"nobody", "NULL", nil, zap.ErrNoHandler, time.Second},
		{"nobody for PLAIN", "PLAIN", nil, zap.ErrNoHandler, -1},
		{"nobody for CURVE", "CURVE", nil, zap.ErrNoHandler, -1},
		{"no answer", "TEST", nil, malformed, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newSocket(t, "PULL", "PUSH"), newNetwork()
				s.cfg.HandshakeInterval = time.Second
				s.cfg.ReconnectIntervalMax = s.cfg.ReconnectInterval // so that it is exact
				s.cfg.Mechanism, s.cfg.Authenticate = guard(test.mechanism, true, false), answering(test.reply, test.err)
				session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				theirs := <-n.dialled
				l := listen(theirs)
				<-say(theirs, dialects[0].of(test.mechanism, "PUSH")[:zmtp.GreetingSize])
				if test.reply != nil && test.reply.Status >= zap.StatusDenied {
					synctest.Wait() // it is told, and hangs up, as libzmq's does
					_ = theirs.Close()
				}
				pass(10 * time.Second)
				attempts := n.attempts()
				switch {
				case test.after < 0 && (len(attempts) != 1 || !done(session)):
					t.Errorf("there were %d attempts, over %v", len(attempts), done(session))
				case test.after >= 0 && len(attempts) < 2:
					t.Error("there was no second attempt")
				case test.after >= 0:
					pause := attempts[1].Sub(attempts[0])
					if least := test.after + s.cfg.ReconnectInterval; pause < least || pause > least+2*time.Millisecond {
						t.Errorf("the second attempt came after %v", pause)
					}
				}
				s.close(0)
				_ = l.Close()
				for len(n.dialled) > 0 {
					_ = (<-n.dialled).Close()
				}
			})
		})
	}
}

func done(session *Session) bool {
	select {
	case <-session.Done():
		return true
	default:
		return false
	}
}

// A client that is left without a word hears how far it came, and what a CURVE server
// means by it.
func TestWhoIsLeftWithoutAWordHearsHowFarItCame(t *testing.T) {
	hello := zmtp.AppendCommand(nil, "HELLO", []byte("let me in"))
	for _, test := range []struct {
		name string
		want string
	}{
		{"CURVE", "before its WELCOME, which is what a CURVE server does that cannot open our HELLO"},
		{"PLAIN", "the peer was reached, and closed the connection before its WELCOME: unexpected EOF"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			s.cfg.Mechanism = saying(test.name, hello, "WELCOME")
			ours, theirs := net.Pipe()
			session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
			<-say(theirs, dialects[0].of(test.name, "PUSH")[:zmtp.GreetingSize])
			readAll(theirs, zmtp.GreetingSize+2+len(hello))
			_ = theirs.Close()
			<-session.Done()
			events := s.heard()
			if got := told(events); got != "accepted, handshake failed 32, disconnected" {
				t.Errorf("we hear %s", got)
			}
			for _, e := range events[1:] {
				var failed *HandshakeError
				if !errors.As(e.Err, &failed) || failed.Phase != PhaseMechanism || failed.Mechanism != test.name || !strings.Contains(e.Err.Error(), test.want) {
					t.Errorf("why: %v", e.Err)
				}
			}
			s.close(0)
		})
	}
}

// Whoever is put off costs little as long as the connection stays open.
func TestThoseWhoArePutOffCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const peers = 500
		s := newSocket(t, "PULL", "PUSH")
		s.cfg.HandshakeInterval = time.Hour
		s.cfg.Mechanism, s.cfg.Authenticate = guard("TEST", true, false), answering(&zap.Reply{Status: 300}, nil)
		before := heap()
		var all []net.Conn
		for range peers {
			ours, theirs := net.Pipe()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			said := say(theirs, dialects[0].of("TEST", "PUSH")[:zmtp.GreetingSize])
			readAll(theirs, zmtp.GreetingSize)
			<-said
			all = append(all, theirs)
		}
		synctest.Wait()
		if each := (heap() - before) / peers; each > 5<<10 { // both ends of a pipe are in it
			t.Errorf("each costs %d octets", each)
		}
		if got := strings.Count(told(s.heard()), "authentication 300"); got != peers {
			t.Errorf("%d were put off", got)
		}
		for _, c := range all {
			_ = c.Close()
		}
		s.close(0)
	})
}
