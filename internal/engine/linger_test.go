package engine

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Close ends a session in every state, and what waits goes out as linger says.
func TestLinger(t *testing.T) {
	d := dialects[0]
	for _, test := range []struct {
		name   string
		linger time.Duration
		// reads is how long after Close the peer begins to read; below zero: never.
		reads time.Duration
		// up says that the connection is up when the socket closes.
		up   bool
		ends time.Duration // after Close
		all  bool          // everything goes out
	}{
		{"no linger throws away", 0, -1, true, 0, false},
		{"without limit all goes out", -1, time.Hour, true, time.Hour, true},
		{"within the time all goes out", 2 * time.Second, time.Second, true, time.Second, true},
		{"when the time is over the rest is thrown away", 2 * time.Second, -1, true, 2 * time.Second, false},
		{"no linger with a peer that is not there yet", 0, -1, false, 0, false},
		{"within the time the peer comes", 2 * time.Second, time.Second, false, time.Second, true},
		{"without limit the peer is waited for", -1, time.Hour, false, time.Hour, true},
		{"when the time is over and no peer has come", 2 * time.Second, -1, false, 2 * time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
				s.cfg.HandshakeInterval = 0
				session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				peer := <-n.dialled
				var l *listener
				if test.up {
					said := say(peer, d.opening("PULL", ""))
					readAll(peer, len(dialects[0].opening("PUSH", "")))
					<-said
					synctest.Wait()
				}
				for range 5 {
					s.send(numbered(1, 40<<10))
				}
				synctest.Wait()
				began := time.Now()
				s.end().CloseWrite()
				s.end().CloseRead()
				session.Close(test.linger)
				if test.reads >= 0 {
					pass(test.reads)
					l = listen(peer)
					if !test.up {
						<-say(l, d.opening("PULL", ""))
					}
				}
				<-session.Done()
				took := time.Since(began)
				if took < test.ends || took > test.ends+2*time.Millisecond {
					t.Errorf("the session ended after %v, want %v", took, test.ends)
				}
				_ = peer.Close()
				if l != nil {
					<-l.done
					octets, _ := l.heard()
					if all := len(octets) >= 5*40<<10; all != test.all {
						t.Errorf("%d octets went out", len(octets))
					}
				}
				s.close(0)
			})
		})
	}
}

// What is taken back is not waited for, whatever the session is doing, and what is
// taken back before Close does no harm.
func TestWhatIsTakenBackIsNotLingeredFor(t *testing.T) {
	for name, dials := range map[string]bool{"while it dials in vain": true, "in the handshake": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
				s.cfg.HandshakeInterval, s.cfg.ReconnectInterval = 0, time.Hour
				if dials {
					n.refuse = 1 << 30
				}
				session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				synctest.Wait()
				s.send("one")
				s.send("two")
				s.end().Withdraw([]byte("one"))
				session.Reconsider()
				synctest.Wait()
				s.end().CloseWrite()
				s.end().CloseRead()
				session.Close(-1)
				pass(time.Minute)
				select {
				case <-session.Done():
					t.Error("it ended though something waits")
				default:
				}
				s.end().Withdraw([]byte("two"))
				session.Reconsider()
				synctest.Wait()
				select {
				case <-session.Done():
				default:
					t.Error("it goes on though nothing waits")
				}
				for len(n.dialled) > 0 {
					_ = (<-n.dialled).Close()
				}
				s.close(0)
			})
		})
	}
}

// A session that has nothing to say ends at once, whatever it is doing.
func TestCloseWithNothingToSay(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(t *testing.T, s *socket, n *network)
	}{
		{"while it dials in vain", func(_ *testing.T, _ *socket, n *network) { n.refuse = 1 << 30 }},
		{"in the handshake", func(*testing.T, *socket, *network) {}},
		{"with a connection", func(_ *testing.T, _ *socket, n *network) {
			c := <-n.dialled
			go func() { _, _ = io.Copy(io.Discard, c) }()
			<-say(c, dialects[0].opening("PULL", ""))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
				if strings.HasPrefix(test.name, "while") {
					test.do(t, s, n)
				}
				Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
				synctest.Wait()
				if !strings.HasPrefix(test.name, "while") {
					test.do(t, s, n)
				}
				synctest.Wait()
				began := time.Now()
				s.close(-1)
				if took := time.Since(began); took > 0 {
					t.Errorf("it took %v", took)
				}
				for len(n.dialled) > 0 {
					_ = (<-n.dialled).Close()
				}
			})
		})
	}
}

// lateConn is a connection that is closed at once, while its first Close takes until
// it is released.
type lateConn struct {
	net.Conn
	closed  atomic.Bool
	release chan struct{}
}

func (c *lateConn) Close() error {
	late := !c.closed.Swap(true) // before others hear of the end, and close it, too
	err := c.Conn.Close()
	if late {
		<-c.release
	}
	return err
}

// Whoever waits for the sessions waits for what their timers have begun, too.
func TestALingerThatHasPassedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
		release := make(chan struct{})
		n.wrap = func(c net.Conn) net.Conn { return &lateConn{Conn: c, release: release} }
		session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		peer := <-n.dialled // it never shakes hands
		s.send("unsent")
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.close(time.Second)
		}()
		synctest.Wait()
		<-session.Done()
		synctest.Wait()
		select {
		case <-over:
			t.Error("nobody waited for the connection to be closed")
		default:
		}
		close(release)
		<-over
		session.start(func() { t.Error("a timer that was late ended a session that had ended") })
		_ = peer.Close()
	})
}

// lastWords is a driver whose connection ends in the moment in which a farewell is
// looked at.
type lastWords struct {
	driver
	c     *connection
	looks int
}

func (d *lastWords) unsent() bool {
	if d.looks++; d.looks == 1 && d.c.through() {
		d.c.session.lost(d.c)
	}
	return true
}

func (d *lastWords) close() {}

// A farewell that begins anew while the connection ends leaves no timer.
func TestAFarewellEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "PUSH", "PULL")
		session := newSession(&origin{env: s.env, host: s, cfg: &s.cfg})
		c := &connection{session: session}
		d := &lastWords{c: c}
		c.driver = d
		c.carried.Store(1)
		c.parting.Store(true)
		c.waitFarewell()
		pass(3*farewell + farewell/2)
		<-session.Done()
		if d.looks != 1 {
			t.Errorf("it was looked at %d times", d.looks)
		}
		s.close(0)
	})
}
