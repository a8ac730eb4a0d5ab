package interop

import (
	"testing"

	"zeromux/zmq"
)

// Types that may not talk find out in the handshake, and whoever does so first
// hangs up. Ours goes on serving whom it may.
func TestTypesThatMayNotTalkRefuseEachOther(t *testing.T) {
	for _, c := range []struct{ ours, theirs, welcome string }{
		{"REP", "PUSH", "REQ"},
		{"PULL", "REQ", "PUSH"},
		{"XPUB", "DEALER", "XSUB"},
		{"ROUTER", "PAIR", "DEALER"},
		{"ROUTER", "REP", "REQ"},
	} {
		t.Run("our "+c.ours+" and their "+c.theirs, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, r := ourSocket(ctx, t, c.ours), startLibzmq(ctx, t)
			endpoint := us.bind("tcp://127.0.0.1:*")
			stranger := r.socket(t, c.theirs)
			stranger.monitor()
			stranger.connect(endpoint)
			us.wait(zmq.EventDisconnected)
			stranger.event("DISCONNECTED")

			friend := r.socket(t, c.welcome)
			friend.connect(endpoint)
			if c.welcome == "XSUB" {
				friend.subscribe("t")
				wantFrames(t, us.recv(), "\x01t")
				return
			}
			friend.send("hello")
			if got := us.recv(); got[len(got)-1] != "hello" {
				t.Errorf("got %s", brief(got))
			}
		})
	}
}
