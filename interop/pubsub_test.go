package interop

import (
	"fmt"
	"testing"
)

func TestOurSubscriptionsReachTheirPublisher(t *testing.T) {
	for _, kind := range []string{"SUB", "XSUB"} {
		t.Run(kind, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, xpub := ourSocket(ctx, t, kind), startLibzmq(ctx, t).socket(t, "XPUB")
			us.subscribe("before connecting")
			us.connect(xpub.bind("tcp://127.0.0.1:*"))
			wantFrames(t, xpub.recv(), "\x01before connecting")
			us.subscribe("after connecting")
			wantFrames(t, xpub.recv(), "\x01after connecting")
			us.subscribe("")
			wantFrames(t, xpub.recv(), "\x01")
			xpub.send("anything")
			wantFrames(t, us.recv(), "anything")
			us.unsubscribe("")
			wantFrames(t, xpub.recv(), "\x00")
			us.unsubscribe("before connecting")
			wantFrames(t, xpub.recv(), "\x00before connecting")
			xpub.send("before connecting", "unwanted")
			xpub.send("after connecting", "wanted")
			wantFrames(t, us.recv(), "after connecting", "wanted")
		})
	}
}

func TestTheirSubscriptionsReachOurPublisher(t *testing.T) {
	for _, kind := range []string{"SUB", "XSUB"} {
		t.Run(kind, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, sub := ourSocket(ctx, t, "XPUB"), startLibzmq(ctx, t).socket(t, kind)
			sub.subscribe("before connecting")
			sub.connect(us.bind("tcp://127.0.0.1:*"))
			wantFrames(t, us.recv(), "\x01before connecting")
			sub.subscribe("after connecting")
			wantFrames(t, us.recv(), "\x01after connecting")
			sub.subscribe("")
			wantFrames(t, us.recv(), "\x01")
			us.send("anything")
			wantFrames(t, sub.recv(), "anything")
			sub.unsubscribe("")
			wantFrames(t, us.recv(), "\x00")
			sub.unsubscribe("before connecting")
			wantFrames(t, us.recv(), "\x00before connecting")
			us.send("before connecting", "unwanted")
			us.send("after connecting", "wanted")
			wantFrames(t, sub.recv(), "after connecting", "wanted")
		})
	}
}

func TestTheLastOfSeveralSubscribersTakesTheTopicWithIt(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "XPUB")
	endpoint := us.bind("tcp://127.0.0.1:*")
	first, second := startLibzmq(ctx, t), startLibzmq(ctx, t)
	a, b := first.socket(t, "SUB"), second.socket(t, "SUB")
	a.subscribe("shared")
	a.connect(endpoint)
	wantFrames(t, us.recv(), "\x01shared")
	b.subscribe("shared")
	b.subscribe("b alone")
	b.connect(endpoint)
	wantFrames(t, us.recv(), "\x01b alone") // "shared" is known already
	us.send("shared", "to both")
	wantFrames(t, a.recv(), "shared", "to both")
	wantFrames(t, b.recv(), "shared", "to both")
	a.unsubscribe("shared") // b still wants it
	b.unsubscribe("b alone")
	wantFrames(t, us.recv(), "\x00b alone")
	second.kill()
	wantFrames(t, us.recv(), "\x00shared")
}

func TestEachSubscriberGetsItsOwnTopics(t *testing.T) {
	ctx := bounded(t, testTime)
	us, r := ourSocket(ctx, t, "XPUB"), startLibzmq(ctx, t)
	endpoint := us.bind("tcp://127.0.0.1:*")
	subs := make([]*theirs, 5)
	for i := range subs {
		subs[i] = r.socket(t, "SUB")
		subs[i].subscribe(fmt.Sprint("for ", i))
		subs[i].subscribe("for all")
		subs[i].connect(endpoint)
		wantFrames(t, us.recv(), fmt.Sprint("\x01for ", i))
		if i == 0 {
			wantFrames(t, us.recv(), "\x01for all")
		}
	}
	for i := range subs {
		us.send(fmt.Sprint("for ", i))
	}
	us.send("for nobody")
	us.send("for all")
	for i := range subs {
		wantFrames(t, subs[i].recv(), fmt.Sprint("for ", i))
		wantFrames(t, subs[i].recv(), "for all")
	}
}

func TestXSubMayTalkToXPub(t *testing.T) {
	said := []string{"\x02neither a subscription nor the end of one", "in two frames"}
	t.Run("from us to them", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, xpub := ourSocket(ctx, t, "XSUB"), startLibzmq(ctx, t).socket(t, "XPUB")
		us.connect(xpub.bind("tcp://127.0.0.1:*"))
		us.subscribe("t")
		wantFrames(t, xpub.recv(), "\x01t")
		us.send(said...)
		wantFrames(t, xpub.recv(), said...)
	})
	t.Run("from them to us", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, xsub := ourSocket(ctx, t, "XPUB"), startLibzmq(ctx, t).socket(t, "XSUB")
		xsub.connect(us.bind("tcp://127.0.0.1:*"))
		xsub.subscribe("t")
		wantFrames(t, us.recv(), "\x01t")
		xsub.send(said...)
		wantFrames(t, us.recv(), said...)
	})
}
