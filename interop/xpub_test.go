package interop

import (
	"testing"

	"zeromux/zmq"
)

// Publishers whose options the other side notices.

func TestOurManualXPubGrantsTheirSubscribersWhatItLikes(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "XPUB", func(c *zmq.Config) { c.PubSub.Manual = true })
	sub := startLibzmq(ctx, t).socket(t, "SUB")
	sub.subscribe("A")
	sub.subscribe("B")
	sub.connect(us.bind("tcp://127.0.0.1:*"))
	for _, topic := range []string{"A", "B"} {
		wantFrames(t, us.recv(), "\x01"+topic)
	}
	us.subscribe("B")
	us.send("A", "not granted")
	us.send("B", "granted")
	wantFrames(t, sub.recv(), "B", "granted")
	sub.unsubscribe("B")
	wantFrames(t, us.recv(), "\x00B")
	us.unsubscribe("B")
	us.subscribe("A")
	us.send("B", "not granted")
	us.send("A", "granted")
	wantFrames(t, sub.recv(), "A", "granted")
}

func TestTheirManualXPubGrantsOurSubscriberWhatItLikes(t *testing.T) {
	ctx := bounded(t, testTime)
	us, xpub := ourSocket(ctx, t, "XSUB"), startLibzmq(ctx, t).socket(t, "XPUB")
	xpub.set("XPUB_MANUAL", 1)
	us.connect(xpub.bind("tcp://127.0.0.1:*"))
	us.subscribe("A")
	wantFrames(t, xpub.recv(), "\x01A")
	xpub.set("SUBSCRIBE", "XA")
	xpub.send("A", "not granted")
	xpub.send("XA", "granted")
	wantFrames(t, us.recv(), "XA", "granted")
}

func TestAVerboseXPubHearsEverySubscriber(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us := ourSocket(ctx, t, "XPUB", func(c *zmq.Config) { c.PubSub.Verboser = true })
		remote := startLibzmq(ctx, t)
		endpoint := us.bind("tcp://127.0.0.1:*")
		var subs []*theirs
		for range 2 {
			sub := remote.socket(t, "SUB")
			sub.subscribe("A")
			sub.connect(endpoint)
			wantFrames(t, us.recv(), "\x01A")
			subs = append(subs, sub)
		}
		for _, sub := range subs {
			sub.unsubscribe("A")
			wantFrames(t, us.recv(), "\x00A")
		}
	})
	t.Run("theirs", func(t *testing.T) {
		ctx := bounded(t, testTime)
		xpub := startLibzmq(ctx, t).socket(t, "XPUB")
		xpub.set("XPUB_VERBOSER", 1)
		endpoint := xpub.bind("tcp://127.0.0.1:*")
		var subs []*ours
		for range 2 {
			sub := ourSocket(ctx, t, "SUB")
			sub.connect(endpoint)
			sub.subscribe("A")
			wantFrames(t, xpub.recv(), "\x01A")
			subs = append(subs, sub)
		}
		for _, sub := range subs {
			sub.unsubscribe("A")
			wantFrames(t, xpub.recv(), "\x00A")
		}
	})
}

func TestInvertedMatchingIsUnderstoodByBothSides(t *testing.T) {
	invert := func(c *zmq.Config) { c.PubSub.InvertMatching = true }
	t.Run("our publisher", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, sub := ourSocket(ctx, t, "XPUB", invert), startLibzmq(ctx, t).socket(t, "SUB")
		sub.set("INVERT_MATCHING", 1)
		sub.subscribe("A")
		sub.connect(us.bind("tcp://127.0.0.1:*"))
		wantFrames(t, us.recv(), "\x01A")
		us.send("A")
		us.send("B")
		wantFrames(t, sub.recv(), "B")
	})
	t.Run("their publisher", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, xpub := ourSocket(ctx, t, "SUB", invert), startLibzmq(ctx, t).socket(t, "XPUB")
		xpub.set("INVERT_MATCHING", 1)
		us.subscribe("A")
		us.connect(xpub.bind("tcp://127.0.0.1:*"))
		wantFrames(t, xpub.recv(), "\x01A")
		xpub.send("A")
		xpub.send("B")
		wantFrames(t, us.recv(), "B")
	})
}

func TestOurRouterTellsThatTheyComeAndGo(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "ROUTER", func(c *zmq.Config) { c.Router.NotifyConnect, c.Router.NotifyDisconnect = true, true })
	remote := startLibzmq(ctx, t)
	dealer := remote.socket(t, "DEALER")
	dealer.set("ROUTING_ID", "them")
	dealer.connect(us.bind("tcp://127.0.0.1:*"))
	wantFrames(t, us.recv(), "them", "")
	dealer.send("hello")
	wantFrames(t, us.recv(), "them", "hello")
	remote.kill()
	wantFrames(t, us.recv(), "them", "")
}
