//go:build soak && unix

package engine

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// moves is how many connections move altogether.
func moves(t *testing.T) int {
	text := os.Getenv("MOVES")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("MOVES is not a number: %v", err)
	}
	return n
}

// TestSoakMoves moves connections of ipc from direct mode into loops, while messages go
// both ways: each arrives once and in its turn, and nothing is left behind.
func TestSoakMoves(t *testing.T) {
	const workers, rounds = 4, 20
	n := int64(moves(t))
	before, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("cannot count descriptors here: %v", err)
	}
	var begun, moved atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		if err != nil {
			t.Fatal(err)
		}
		s := newDirect(t, "PAIR", "PAIR")
		wg.Go(func() {
			for begun.Add(1) <= n && !t.Failed() {
				theirs, err := net.Dial("unix", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				ours, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				session := Attach(s.env, s, &s.cfg, ours, "ipc://", "")
				said := say(theirs, dialects[0].opening("PAIR", ""))
				readAll(theirs, len(dialects[0].opening("PAIR", "")))
				<-said
				soon(t, "the connection", func() bool { return session.current.Load() != nil })
				for i := range rounds {
					if i == rounds/4 {
						session.Share()
					}
					text := strconv.Itoa(i)
					octets := dialects[0].encode(text)
					said := say(theirs, octets)
					if got := s.await(1, session); len(got) != 1 || got[0][0] != text {
						t.Errorf("message %d: received %q", i, got)
					}
					s.send(text)
					if got := readAll(theirs, len(octets)); !bytes.Equal(got, octets) {
						t.Errorf("message %d: the peer got %q", i, got)
					}
					<-said
				}
				soon(t, "the move", func() bool { return hasMoved(session) })
				moved.Add(1)
				_ = theirs.Close()
				ended(t, session)
				s.forget()
			}
			_ = l.Close()
			s.close(0)
		})
	}
	wg.Wait()
	after, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d connections moved; %d descriptors before, %d after", moved.Load(), len(before), len(after))
	if moved.Load() < n {
		t.Errorf("%d connections moved, want %d", moved.Load(), n)
	}
	if len(after) > len(before)+2 { // the poller of the Go runtime has two of its own
		t.Errorf("%d descriptors before, %d after", len(before), len(after))
	}
}

// forget lets go of what the socket has noted about connections that are gone.
func (s *socket) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends, s.peers, s.events, s.calls = s.ends[:0], s.peers[:0], s.events[:0], s.calls[:0]
	clear(s.met)
	clear(s.detached)
	clear(s.sessions)
	clear(s.asked)
}
