package interop

import (
	"strings"
	"testing"
	"time"
)

func TestStreamTalksToTheirStream(t *testing.T) {
	for _, c := range []struct {
		name   string
		weBind bool
	}{{"we bind", true}, {"they bind", false}} {
		t.Run(c.name, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, them := ourSocket(ctx, t, "STREAM"), startLibzmq(ctx, t).socket(t, "STREAM")
			join(t, us, them, "tcp", c.weBind)
			// An empty message tells each of the connection.
			ourID, theirID := connection(t, us), connection(t, them)
			long := strings.Repeat("octets without frames ", 20000)
			us.send(ourID, "short")
			wantOctets(t, them, theirID, "short")
			them.send(theirID, long)
			wantOctets(t, us, ourID, long)
			us.send(ourID, long)
			wantOctets(t, them, theirID, long)
			// An empty message ends it, for both.
			us.send(ourID, "")
			wantFrames(t, them.recv(), theirID, "")
		})
	}
}

func TestStreamIsToldWhenTheirsHangsUp(t *testing.T) {
	ctx := bounded(t, testTime)
	us, them := ourSocket(ctx, t, "STREAM"), startLibzmq(ctx, t).socket(t, "STREAM")
	join(t, us, them, "tcp", true)
	ourID, theirID := connection(t, us), connection(t, them)
	them.send(theirID, "goodbye")
	them.send(theirID, "")
	wantOctets(t, us, ourID, "goodbye")
	for deadline := time.Now().Add(patience); ; {
		if got, ok := us.tryRecv(20 * time.Millisecond); ok {
			wantFrames(t, got, ourID, "")
			return
		}
		them.tryRecv(0) // libzmq closes the connection only inside a call
		if time.Now().After(deadline) {
			t.Fatal("nothing tells that the connection has ended")
		}
	}
}

// connection receives the empty message that tells of a connection, and
// returns its name.
func connection(t *testing.T, s end) string {
	t.Helper()
	got := s.recv()
	if len(got) != 2 || got[0] == "" || got[1] != "" {
		t.Fatalf("got %s, want a name and an empty frame", brief(got))
	}
	return got[0]
}

// wantOctets receives until all of want has come, in pieces of any size.
func wantOctets(t *testing.T, s end, id, want string) {
	t.Helper()
	for want != "" {
		got := s.recv()
		if len(got) != 2 || got[0] != id || got[1] == "" || !strings.HasPrefix(want, got[1]) {
			t.Fatalf("got %s, want a part of %s from %q", brief(got), brief([]string{want}), id)
		}
		want = want[len(got[1]):]
	}
}
