package interop

import (
	"testing"

	"zeromux/zmq"
)

// Debian's libzmq cannot say these words itself, but it hears and causes them.

func TestTheirPeersHearOurHelloFirst(t *testing.T) {
	for _, kind := range []string{"DEALER", "ROUTER"} {
		t.Run(kind+" of theirs", func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, "DEALER", withRoutingID("us"), func(c *zmq.Config) { c.Presence.Hello = "hello" })
			them := startLibzmq(ctx, t).socket(t, kind)
			us.connect(them.bind("tcp://127.0.0.1:*"))
			us.send("next")
			for _, body := range []string{"hello", "next"} {
				if kind == "ROUTER" {
					wantFrames(t, them.recv(), "us", body)
				} else {
					wantFrames(t, them.recv(), body)
				}
			}
		})
	}
	t.Run("who come to our ROUTER", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us := ourSocket(ctx, t, "ROUTER", func(c *zmq.Config) { c.Presence.Hello = "hello" })
		them := startLibzmq(ctx, t).socket(t, "DEALER")
		them.connect(us.bind("tcp://127.0.0.1:*"))
		wantFrames(t, them.recv(), "hello")
	})
}

func TestOurRouterHearsThatTheyAreGone(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "ROUTER", func(c *zmq.Config) { c.Presence.Disconnect = "gone" })
	remote := startLibzmq(ctx, t)
	them := remote.socket(t, "DEALER")
	them.set("ROUTING_ID", "them")
	them.connect(us.bind("tcp://127.0.0.1:*"))
	them.send("last words")
	wantFrames(t, us.recv(), "them", "last words")
	remote.kill()
	wantFrames(t, us.recv(), "them", "gone")
}

func TestOurDealerHearsThatTheirServerIsGone(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "DEALER", withRoutingID("us"), func(c *zmq.Config) {
		c.Presence.Hello, c.Presence.Hiccup = "hello", "hiccup"
	})
	remote := startLibzmq(ctx, t)
	them := remote.socket(t, "ROUTER")
	endpoint := them.bind("tcp://127.0.0.1:*")
	us.connect(endpoint)
	wantFrames(t, them.recv(), "us", "hello")
	them.send("us", "last words")
	wantFrames(t, us.recv(), "last words")
	remote.kill()
	wantFrames(t, us.recv(), "hiccup")
	again := startLibzmq(ctx, t).socket(t, "ROUTER")
	again.bind(endpoint)
	wantFrames(t, again.recv(), "us", "hello")
}
