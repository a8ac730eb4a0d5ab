package zmq

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// A socket that sends and never receives does not grow with the peers that it
// had; what one of them has said before it went waits as ever.
func TestPeersThatAreGoneAreForgottenWithoutReceiving(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := NewContext(nil)
	defer func() {
		if err := c.Term(ctx); err != nil {
			t.Error(err)
		}
	}()
	for typ, endpoint := range map[SocketType]string{DEALER: "tcp://127.0.0.1:*", PULL: "inproc://forgotten"} {
		s, err := c.NewSocket(typ, nil)
		if err != nil {
			t.Fatal(err)
		}
		bound, err := s.Bind(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		const peers = 5
		for i := range peers {
			peer, err := c.NewSocket(map[SocketType]SocketType{DEALER: DEALER, PULL: PUSH}[typ], nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := peer.Connect(bound); err != nil {
				t.Fatal(err)
			}
			if err := peer.WaitPeers(ctx, 1); err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				if err := peer.SendString(ctx, "said"); err != nil {
					t.Fatal(err)
				}
			}
			if err := peer.CloseContext(ctx); err != nil {
				t.Fatal(err)
			}
		}
		kept := func() int {
			s.recvMu.Lock()
			defer s.recvMu.Unlock()
			n := s.fair.Len()
			if s.hub.HasReadable() {
				n = peers
			}
			return n
		}
		for ; s.Stats().Received < 1 || s.Stats().Peers > 0 || kept() != 1; runtime.Gosched() {
			if ctx.Err() != nil {
				t.Fatalf("%v: %d peers are kept, want the one that has said something", typ, kept())
			}
		}
		if m, err := s.Recv(ctx); err != nil || m.String() != "said" {
			t.Errorf("%v: received %q: %v", typ, m.Frames, err)
		}
	}
}
