//go:build unix

package engine

import (
	"net"
	"runtime"
	"sync"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// eachNetwork runs a test over both kinds of connection, in direct mode.
func eachNetwork(t *testing.T, f func(t *testing.T, network string)) {
	t.Helper()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { f(t, network) })
	}
}

func newDirect(t *testing.T, socketType string, peers ...string) *socket {
	s := newSocket(t, socketType, peers...)
	s.env.Multiplexer = ""
	return s
}

func hasMoved(session *Session) bool {
	return session.current.Load().driver.(*parked).moved.Load() != nil
}

// Messages of all sizes go both ways, past marks, while both sides move; none is lost,
// doubled or late.
func TestAConnectionMovesUnderLoad(t *testing.T) {
	eachNetwork(t, func(t *testing.T, network string) {
		const n = 600
		size := func(i int) int { return 1 + i*7919%(40<<10) }
		ours, theirs := pairOf(t, network)
		var sides [2]*socket
		var all [2][][]string
		var wg sync.WaitGroup
		for k, nc := range []net.Conn{ours, theirs} {
			s := newDirect(t, "DEALER", "DEALER")
			s.pipe.RecvMark = 3
			sides[k] = s
			session := Attach(s.env, s, &s.cfg, nc, network+"://", "")
			soon(t, "the connection", func() bool { return k == 0 || session.current.Load() != nil })
			wg.Go(func() {
				soon(t, "the connection", func() bool { return session.current.Load() != nil })
				for i := range n {
					s.send(numbered(i, size(i)))
				}
			})
			wg.Go(func() {
				soon(t, "the connection", func() bool { return session.current.Load() != nil })
				for part := n / 3 * (k + 1); len(all[k]) < n; part = n - len(all[k]) {
					all[k] = append(all[k], s.await(min(part, n-len(all[k])), session)...)
					session.Share()
				}
				soon(t, "the move", func() bool { return hasMoved(session) })
			})
		}
		wg.Wait()
		for k, s := range sides {
			inOrder(t, all[k], n, size)
			s.close(0)
		}
	})
}

// Who asks for the ends of a connection gets the same before, while and after it moves.
func TestAConnectionTellsItsEndsWhileItMoves(t *testing.T) {
	eachNetwork(t, func(t *testing.T, network string) {
		s := newDirect(t, "PAIR", "PAIR")
		session, peer := s.meet(network, "PAIR")
		local, remote := session.Ends()
		if network == "tcp" && (local == "" || remote == "") {
			t.Fatalf("the ends are %q and %q", local, remote)
		}
		asked, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			for i := 0; ; i++ {
				moved := hasMoved(session)
				if l, r := session.Ends(); l != local || r != remote {
					t.Errorf("the ends are %q and %q, were %q and %q", l, r, local, remote)
					return
				}
				if i == 0 {
					close(asked)
				}
				if moved {
					return
				}
				runtime.Gosched()
			}
		}()
		<-asked
		session.Share()
		<-over
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

func TestAConnectionMovesWhenNobodyWrites(t *testing.T) {
	eachNetwork(t, func(t *testing.T, network string) {
		s := newDirect(t, "PAIR", "PAIR")
		session, peer := s.meet(network, "PAIR")
		for range 4 {
			s.send(large)
		}
		soon(t, "the pause", func() bool { return writesNoMore(t, session) })
		p := session.current.Load().driver.(*parked)
		session.Share()
		soon(t, "the try", func() bool {
			p.flusher.mu.Lock()
			defer p.flusher.mu.Unlock()
			return p.flusher.asked || hasMoved(session)
		})
		if hasMoved(session) {
			t.Fatal("it has moved under the hands of who writes")
		}
		readAll(peer, 4*len(dialects[0].encode(large)))
		soon(t, "the move", func() bool { return hasMoved(session) })
		<-say(peer, dialects[0].encode("x"))
		s.await(1, nil)
		s.send("y")
		if got := readAll(peer, len(dialects[0].encode("y"))); string(got) != string(dialects[0].encode("y")) {
			t.Errorf("the peer got %q", got)
		}
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

func TestAnApplicationThatLeadsLetsTheConnectionMove(t *testing.T) {
	eachNetwork(t, func(t *testing.T, network string) {
		s := newDirect(t, "PULL", "PUSH")
		session, peer := s.meet(network, "PUSH")
		p := session.current.Load().driver.(*parked)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for !t.Failed() {
				for _, m := range s.await(1, session) {
					if m[0] == "over" {
						return
					}
				}
			}
		}()
		soon(t, "the application", func() bool {
			<-say(peer, dialects[0].encode("more"))
			p.turn.mu.Lock()
			defer p.turn.mu.Unlock()
			return p.turn.state == led
		})
		session.Share()
		soon(t, "the move", func() bool { return hasMoved(session) })
		<-say(peer, dialects[0].encode("over"))
		<-over
		session.Share() // again, which does nothing
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// A connection that waits at the mark moves when there is room.
func TestAConnectionMovesPastTheMark(t *testing.T) {
	eachNetwork(t, func(t *testing.T, network string) {
		const n, mark = 100, 10
		size := func(i int) int { return 1 + i }
		s := newDirect(t, "PULL", "PUSH")
		s.pipe.RecvMark = mark
		session, peer := s.meet(network, "PUSH")
		var stream []byte
		for i := range n {
			stream = append(stream, dialects[0].encode(numbered(i, size(i)))...)
		}
		<-say(peer, stream)
		soon(t, "the pause", func() bool { return session.end.Room() == 0 })
		session.Share()
		var got [][]string
		var m message.Message
		for len(got) < n {
			if s.end().Read(&m) == pipe.OK {
				got = append(got, textOf(&m))
				continue
			}
			got = append(got, s.await(1, session)...)
		}
		inOrder(t, got, n, size)
		soon(t, "the move", func() bool { return hasMoved(session) })
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// Whatever ends a connection may come at any moment of a move.
func TestAConnectionEndsWhileItMoves(t *testing.T) {
	eachNetwork(t, func(t *testing.T, network string) {
		s := newDirect(t, "DEALER", "DEALER")
		s.moves = true
		for i := range 200 {
			session, peer := s.meet(network, "DEALER")
			s.send("x")
			switch i % 3 {
			case 0:
				session.interrupt(errKicked)
			case 1:
				_ = peer.Close()
			default:
				session.Close(0)
			}
			ended(t, session)
			_ = peer.Close()
		}
		s.close(0)
	})
}
