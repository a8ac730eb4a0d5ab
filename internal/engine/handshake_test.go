package engine

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// goneConn is a connection that takes no deadline any more once it is read, as
// net.Pipe does when the peer has closed it.
type goneConn struct{ net.Conn }

func (c goneConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		return errors.New("the peer is gone")
	}
	return c.Conn.SetDeadline(t)
}

// What a peer has said counts, though it may have left by then.
func TestWhatCameWithTheHandshakeIsReceivedFromAPeerThatHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newSocket(t, "PULL", "PUSH"), dialects[0]
		ours, theirs := net.Pipe()
		go Attach(s.env, s, &s.cfg, goneConn{ours}, "mem://", "")
		go readAll(theirs, -1)
		<-say(theirs, append(d.opening("PUSH", ""), d.encode("hello")...))
		synctest.Wait()
		if got := s.recv(); !slices.EqualFunc(got, [][]string{{"hello"}}, slices.Equal) {
			t.Errorf("got %q", got)
		}
		_ = theirs.Close()
		s.close(0)
	})
}

// A keeper is a connection that keeps all memory that was read into, or written.
type keeper struct {
	net.Conn
	mu  sync.Mutex
	all [][]byte
}

func (k *keeper) keep(b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, b)
}

func (k *keeper) Read(b []byte) (int, error) {
	k.keep(b)
	return k.Conn.Read(b)
}

func (k *keeper) Write(b []byte) (int, error) {
	k.keep(b)
	return k.Conn.Write(b)
}

// A password that was said in clear stays in no buffer, on neither side.
func TestNoBufferKeepsAPassword(t *testing.T) {
	const password = "correct horse"
	client := func(c mechanism.Config) mechanism.Mechanism { return mechanism.NewPlainClient(c, "ada", password) }
	server := func(c mechanism.Config) mechanism.Mechanism {
		return mechanism.NewPlainServer(c, mechanism.PlainErrorLibzmq)
	}
	for _, status := range []int{zap.StatusOK, zap.StatusDenied} {
		synctest.Test(t, func(t *testing.T) {
			a, b := newSocket(t, "PUSH", "PULL"), newSocket(t, "PULL", "PUSH")
			a.cfg.Mechanism, b.cfg.Mechanism = client, server
			told := ""
			b.cfg.Authenticate = func(_ context.Context, _ string, q *zap.Request) (*zap.Reply, error) {
				told = string(q.Credentials[1])
				return &zap.Reply{Status: status}, nil
			}
			near, far := net.Pipe()
			ours, theirs := &keeper{Conn: near}, &keeper{Conn: far}
			Attach(a.env, a, &a.cfg, ours, "mem://", "")
			Attach(b.env, b, &b.cfg, theirs, "mem://", "")
			pass(2 * farewell)
			synctest.Wait()
			if told != password {
				t.Fatalf("the server was told %q", told)
			}
			for name, k := range map[string]*keeper{"the client": ours, "the server": theirs} {
				for _, memory := range k.all {
					if bytes.Contains(memory, []byte(password[:5])) {
						t.Errorf("%d: %s keeps %q", status, name, memory)
					}
				}
			}
			a.close(0)
			b.close(0)
		})
	}
}

// timeless is a connection that knows no deadlines.
type timeless struct{ net.Conn }

func (timeless) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (timeless) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (timeless) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// Where a handshake needs a deadline and cannot have it, it fails; where it needs none,
// it does not.
func TestAHandshakeOverAConnectionWithoutDeadlines(t *testing.T) {
	greeting := dialects[0].of("TEST", "PUSH")[:zmtp.GreetingSize]
	for _, test := range []struct {
		name string
		set  func(*Config)
		says []byte
		ends bool
	}{
		{"that needs none", func(*Config) {}, dialects[0].opening("PUSH", ""), false},
		{"that is to end in time", func(c *Config) { c.HandshakeInterval = time.Second }, greeting, true},
		{"in which somebody is asked", func(c *Config) {
			c.Mechanism, c.Authenticate = guard("TEST", true, false), answering(&zap.Reply{Status: 200}, nil)
		}, greeting, true},
		{"that breaks off", func(*Config) {}, append(slices.Clone(greeting), 1), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSocket(t, "PULL", "PUSH")
				s.cfg.HandshakeInterval = 0
				test.set(&s.cfg)
				ours, theirs := net.Pipe()
				session := Attach(s.env, s, &s.cfg, timeless{ours}, "mem://", "")
				said := say(theirs, test.says)
				if !test.ends {
					readAll(theirs, len(test.says))
				}
				synctest.Wait()
				if done(session) != test.ends {
					t.Errorf("over: %v, want %v", done(session), test.ends)
				}
				_ = theirs.Close()
				<-said
				s.close(0)
			})
		})
	}
}

// A peer that breaks the protocol is let go at once, even if it reads nothing of what
// we were about to say.
func TestAFailedHandshakeDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "PULL", "PUSH")
		s.cfg.HandshakeInterval = 0
		ours, theirs := net.Pipe()
		began := time.Now()
		session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
		<-say(theirs, []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01GET / HTTP/1.1 is no mechanism of any kind at all ..."))
		<-session.Done()
		if took := time.Since(began); took > farewell {
			t.Errorf("the connection was kept for %v", took)
		}
		s.close(0)
	})
}
