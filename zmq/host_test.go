package zmq

import (
	"context"
	"net"
	"testing"

	"zeromux/internal/engine"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// An endpoint may be given up while a handshake is under way there: whoever
// comes through it is not let in any more.
func TestASessionWhoseEndpointWasGivenUpGetsNoPipe(t *testing.T) {
	s := newSocketOf(t, PULL)
	ours, theirs := net.Pipe()
	session := engine.Attach(s.ctx.env, host{s}, s.config.engine(s.row), ours, "", "") // which waits for a greeting
	s.mu.Lock()
	s.leaving[session] = struct{}{}
	s.mu.Unlock()
	if _, _, ok := (host{s}).Open(session); ok {
		t.Error("it got one")
	}
	session.Hold(nil, nil) // as the session does then
	theirs.Close()
	<-session.Done()
}

// A neighbour that was given up while it was being joined is no peer.
func TestANeighbourThatWasGivenUpIsNoPeer(t *testing.T) {
	s := newSocketOf(t, PULL)
	app, _ := pipe.New(pipe.Config{Pool: new(message.Pool)})
	app.Join(&s.hub)
	neighbour{s, s.config}.Online(app, &message.Peer{Inproc: true})
	if n := len(s.Peers()); n != 0 {
		t.Errorf("the socket has %d peers", n)
	}
}

func newSocketOf(t *testing.T, typ SocketType) *Socket {
	t.Helper()
	c := NewContext(nil)
	t.Cleanup(func() {
		if err := c.Term(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s, err := c.NewSocket(typ, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
