package engine

import (
	"bytes"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// A tally keeps all mechanisms that a socket has made, and knows how often each was
// closed.
type tally struct {
	mu   sync.Mutex // guards made
	made []*tallied
}

// of is a Config.Mechanism that makes what another one makes.
func (y *tally) of(makes func(mechanism.Config) mechanism.Mechanism) func(mechanism.Config) mechanism.Mechanism {
	return func(c mechanism.Config) mechanism.Mechanism {
		m := &tallied{Mechanism: makes(c)}
		y.mu.Lock()
		defer y.mu.Unlock()
		y.made = append(y.made, m)
		return m
	}
}

// closes tells how often each mechanism was closed, in the order in which they were made.
func (y *tally) closes() (all []int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, m := range y.made {
		all = append(all, m.closed)
	}
	return all
}

// A tallied mechanism panics when it is used after its Close. Nothing guards what it
// counts: who uses it has to have come before who closes it, which the race detector
// sees.
type tallied struct {
	mechanism.Mechanism
	closed int
}

func (m *tallied) Close() {
	m.closed++
	m.Mechanism.Close()
}

func (m *tallied) use() mechanism.Mechanism {
	if m.closed > 0 {
		panic("a mechanism is used after its Close")
	}
	return m.Mechanism
}

func (m *tallied) Next() ([]byte, bool, error)                 { return m.use().Next() }
func (m *tallied) Handle(command []byte) error                 { return m.use().Handle(command) }
func (m *tallied) Question() *zap.Request                      { return m.use().Question() }
func (m *tallied) Answer(reply *zap.Reply, failed error) error { return m.use().Answer(reply, failed) }

func (m *tallied) Seal(dst []byte, f zmtp.Flags, body []byte) ([]byte, error) {
	return m.use().Seal(dst, f, body)
}

func (m *tallied) Open(dst, body []byte) (zmtp.Flags, []byte, error) { return m.use().Open(dst, body) }

// An ending is a way in which a connection comes to its end, or to nothing.
type ending struct {
	name   string
	asks   bool          // an authenticator has to let the peer in
	set    func(*socket) // nil: nothing is to be set
	says   []byte        // the peer, as soon as it is there
	unread bool          // the peer reads nothing of what we say
	then   func(s *socket, session *Session, peer net.Conn)
}

// endings are endings with a mechanism of the name SEAL, which seals frames if seals says so.
func endings(seals bool) []ending {
	d := dialects[0]
	if seals {
		d = dialects[5]
	}
	opening, greeting := d.of("SEAL", "PULL"), d.of("SEAL", "PULL")[:zmtp.GreetingSize]
	leaves := func(_ *socket, _ *Session, peer net.Conn) { _ = peer.Close() }
	closes := func(s *socket, _ *Session, _ net.Conn) { s.close(0) }
	says := func(status int) func(*socket) {
		return func(s *socket) { s.cfg.Authenticate = answering(&zap.Reply{Status: status}, nil) }
	}
	all := []ending{
		{name: "the peer leaves", says: opening, then: leaves},
		{name: "the peer was let in, and leaves", asks: true, set: says(200), says: opening, then: leaves},
		{name: "the peer has talked, and leaves", says: join(opening, d.encode("hello")), then: func(s *socket, _ *Session, peer net.Conn) {
			s.send("hello")
			synctest.Wait()
			_ = peer.Close()
		}},
		{name: "the socket closes", says: opening, then: closes},
		{name: "the socket closes and lingers", says: opening, then: func(s *socket, _ *Session, _ net.Conn) {
			s.send("hello")
			s.close(-1)
		}},
		{name: "the peer is expelled", says: opening, then: func(_ *socket, session *Session, _ net.Conn) { session.Expel(ErrViolation) }},
		{name: "the peer says what is no frame", says: join(opening, []byte{2, 0xff, 0, 0, 0, 0, 0, 0, 0})},
		{name: "the peer breaks the handshake", says: join(greeting, zmtp.AppendFrame(nil, zmtp.FlagCommand, []byte("\x05HELLO")))},
		{name: "the peer is of a socket type that does not fit", says: d.of("SEAL", "SUB")},
		{name: "the peer speaks another mechanism", says: d.of("OTHER", "PULL")},
		{name: "the peer knows no security", says: dialects[2].opening("PULL", ""), then: leaves},
		{name: "the peer knows no security, which it has to", set: func(s *socket) { s.cfg.RefuseOld = true }, says: dialects[2].opening("PULL", "")},
		{name: "the peer refuses us", says: join(greeting, zmtp.AppendFrame(nil, zmtp.FlagCommand, zmtp.AppendError(nil, "400")))},
		{name: "the peer is denied", asks: true, set: says(400), says: opening, then: leaves},
		{name: "the peer may try again later", asks: true, set: says(300), says: greeting},
		{name: "nobody is there to ask", asks: true, says: opening},
		{name: "the peer leaves at once", then: leaves},
		{name: "the peer leaves within its greeting", says: greeting[:20], then: leaves},
		{name: "the peer leaves behind its greeting", says: greeting, then: leaves},
		{name: "the peer leaves within a command", says: opening[:len(opening)-1], then: leaves},
		{name: "the peer leaves while it is judged", asks: true, set: func(s *socket) { s.cfg.Authenticate = newSilent().authenticate }, says: greeting, then: leaves},
		{name: "the peer has said all, and leaves without a word of ours", says: opening, unread: true, then: leaves},
		{name: "the peer says nothing until time is over", says: greeting, then: func(s *socket, _ *Session, _ net.Conn) { pass(s.cfg.HandshakeInterval) }},
		{name: "the socket closes during the handshake", says: greeting, then: closes},
		{name: "the socket closes while the peer is judged", asks: true, set: func(s *socket) { s.cfg.Authenticate = newSilent().authenticate }, says: greeting, then: closes},
		{name: "the session closes during the handshake", says: greeting, then: func(_ *socket, session *Session, _ net.Conn) {
			session.Part()
			session.Close(0)
		}},
		{name: "the peer has come too late for a pipe", set: func(s *socket) { s.noPipe = true }, says: opening},
		{name: "the peer is one too many", set: func(s *socket) { s.turnAway = func(*message.Peer) bool { return true } }, says: opening},
		{name: "the session ends when the peer is there", set: func(s *socket) {
			s.turnAway = func(*message.Peer) bool {
				for session := range s.sessions {
					session.Expel(errKicked)
				}
				return false
			}
		}, says: opening},
	}
	if seals {
		all = append(all, ending{name: "a frame does not open", says: join(opening, zmtp.AppendFrame(nil, 0, make([]byte, 100)))})
	}
	return all
}

// join joins what a peer says.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// However a connection ends, and however little becomes of it, its mechanism is closed
// once, and so has wiped its keys; and nobody uses it afterwards.
func TestAMechanismIsClosedWhenItsConnectionEnds(t *testing.T) {
	for _, seals := range []bool{true, false} {
		for _, test := range endings(seals) {
			for _, began := range []string{"accepted", "connected"} {
				name := test.name + ", " + began
				if seals {
					name += ", sealed"
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var made tally
						s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
						s.cfg.Mechanism = made.of(guard("SEAL", test.asks, seals))
						s.cfg.ReconnectInterval = 0
						s.cfg.Immediate = true // the pipe is made when the peer is known
						if test.set != nil {
							test.set(s)
						}
						session, peer := s.open(n, began == "accepted")
						if !test.unread {
							go func() { _, _ = io.Copy(io.Discard, peer) }()
						}
						said := say(peer, test.says)
						synctest.Wait()
						if test.then != nil {
							test.then(s, session, peer)
						}
						<-session.Done()
						if got := made.closes(); !slices.Equal(got, []int{1}) {
							t.Errorf("the mechanisms were closed %v times, want 1 and once", got)
						}
						_ = peer.Close()
						<-said
						s.close(0)
						if got := made.closes(); !slices.Equal(got, []int{1}) {
							t.Errorf("at the end they were closed %v times", got)
						}
					})
				})
			}
		}
	}
}

// A mechanism is closed before the next one is made: each connection has keys of its own.
func TestEachConnectionOfASessionClosesItsMechanism(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dialects[5]
		var made tally
		s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
		s.cfg.Mechanism = made.of(guard("SEAL", false, true))
		Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		for i := range 4 {
			l := listen(<-n.dialled)
			want := append(slices.Repeat([]int{1}, i), 0)
			says := d.opening("PULL", "")
			if i%2 > 0 { // every other one gets no further
				says = says[:len(says)-1]
			}
			<-say(l, says)
			synctest.Wait()
			if got := made.closes(); !slices.Equal(got, want) {
				t.Errorf("with connection %d the mechanisms were closed %v times, want %v", i, got, want)
			}
			_ = l.Close()
		}
		s.close(0)
		if got := made.closes(); slices.ContainsFunc(got, func(times int) bool { return times != 1 }) {
			t.Errorf("at the end they were closed %v times", got)
		}
	})
}

// A peer that was denied may keep its connection for a while, but not the keys: one that
// was told reads that first, and one that was not waits until its time is over.
func TestTheMechanismOfADeniedPeerIsClosedBeforeThePeerGoes(t *testing.T) {
	for _, status := range []int{300, 400} {
		synctest.Test(t, func(t *testing.T) {
			var made tally
			s := newSocket(t, "PULL", "PUSH")
			s.cfg.Mechanism, s.cfg.Authenticate = made.of(guard("SEAL", true, true)), answering(&zap.Reply{Status: status}, nil)
			ours, theirs := net.Pipe()
			began := time.Now()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			l := listen(theirs)
			<-say(l, dialects[5].opening("PUSH", "")[:zmtp.GreetingSize])
			synctest.Wait()
			if _, over := l.heard(); over || time.Since(began) > 0 {
				t.Errorf("status %d: it is over after %v", status, time.Since(began))
			}
			if got := made.closes(); !slices.Equal(got, []int{1}) {
				t.Errorf("status %d: the mechanisms were closed %v times", status, got)
			}
			_ = l.Close()
			s.close(0)
		})
	}
}
