package interop

import (
	"testing"

	"zeromux/zmq"
)

// What an option of one side makes the other side see.

func TestCorrelatedRequestsAreAnswered(t *testing.T) {
	t.Run("ours, by their REP", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us := ourSocket(ctx, t, "REQ", func(c *zmq.Config) { c.Req.Correlate = true })
		rep := startLibzmq(ctx, t).socket(t, "REP")
		us.connect(rep.bind("tcp://127.0.0.1:*"))
		echo(t, us, rep, nil, nil)
	})
	t.Run("theirs, by our REP", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, req := ourSocket(ctx, t, "REP"), startLibzmq(ctx, t).socket(t, "REQ")
		req.set("REQ_CORRELATE", 1)
		req.connect(us.bind("tcp://127.0.0.1:*"))
		echo(t, req, us, nil, nil)
	})
}

func TestRelaxedRequestGivesUpOnItsFirstPeer(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "REQ", func(c *zmq.Config) { c.Req.Relaxed, c.Req.Correlate = true, true })
	rep := startLibzmq(ctx, t).socket(t, "REP")
	us.connect(rep.bind("tcp://127.0.0.1:*"))
	us.send("given up")
	us.send("wanted")
	wantFrames(t, rep.recv(), "given up")
	rep.send("late")
	wantFrames(t, rep.recv(), "wanted")
	rep.send("in time")
	wantFrames(t, us.recv(), "in time")
}

func TestProbeTellsTheRouterWhoIsThere(t *testing.T) {
	for _, kind := range []string{"DEALER", "REQ"} {
		t.Run("our "+kind, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, kind, withRoutingID("us"), func(c *zmq.Config) { c.Router.Probe = true })
			router := startLibzmq(ctx, t).socket(t, "ROUTER")
			us.connect(router.bind("tcp://127.0.0.1:*"))
			wantFrames(t, router.recv(), "us", "")
		})
		t.Run("their "+kind, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, them := ourSocket(ctx, t, "ROUTER"), startLibzmq(ctx, t).socket(t, kind)
			them.set("ROUTING_ID", "them")
			them.set("PROBE_ROUTER", 1)
			them.connect(us.bind("tcp://127.0.0.1:*"))
			wantFrames(t, us.recv(), "them", "")
		})
	}
}

func TestWelcomeIsTheFirstThingThatASubscriberHears(t *testing.T) {
	t.Run("from our XPUB", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us := ourSocket(ctx, t, "XPUB", func(c *zmq.Config) { c.PubSub.Welcome = "welcome" })
		sub := startLibzmq(ctx, t).socket(t, "SUB")
		sub.subscribe("wel")
		sub.connect(us.bind("tcp://127.0.0.1:*"))
		wantFrames(t, sub.recv(), "welcome")
	})
	t.Run("from their XPUB", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, xpub := ourSocket(ctx, t, "SUB"), startLibzmq(ctx, t).socket(t, "XPUB")
		xpub.set("XPUB_WELCOME_MSG", "welcome")
		us.subscribe("wel")
		us.connect(xpub.bind("tcp://127.0.0.1:*"))
		wantFrames(t, xpub.recv(), "\x01wel")
		wantFrames(t, us.recv(), "welcome")
	})
}

func TestTheirNewcomerTakesOverARoutingID(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "ROUTER", func(c *zmq.Config) { c.Router.Handover = true })
	endpoint := us.bind("tcp://127.0.0.1:*")
	r := startLibzmq(ctx, t)
	for range 3 {
		dealer := r.socket(t, "DEALER")
		dealer.set("ROUTING_ID", "one")
		dealer.set("RECONNECT_IVL", -1) // who was pushed out does not push back
		dealer.connect(endpoint)
		dealer.send("it is me")
		wantFrames(t, us.recv(), "one", "it is me")
		us.send("one", "so it is")
		wantFrames(t, dealer.recv(), "so it is")
	}
}

// A frame beyond the receiver's limit costs the sender its connection, and the
// socket goes on with the next one.
func TestTooLargeAFrameEndsTheConnectionAlone(t *testing.T) {
	large := string(make([]byte, 1001))
	t.Run("from them to us", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us := ourSocket(ctx, t, "PULL", func(c *zmq.Config) { c.Limits.MessageSize = 1000 })
		push := startLibzmq(ctx, t).socket(t, "PUSH")
		push.connect(us.bind("tcp://127.0.0.1:*"))
		push.send(large[:1000])
		wantFrames(t, us.recv(), large[:1000])
		push.send(large)
		us.wait(zmq.EventDisconnected)
		us.wait(zmq.EventHandshakeSucceeded) // what libzmq sends before it is back may be lost
		push.send("small")
		wantFrames(t, us.recv(), "small")
	})
	t.Run("from us to them", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, pull := ourSocket(ctx, t, "PUSH"), startLibzmq(ctx, t).socket(t, "PULL")
		pull.set("MAXMSGSIZE", 1000)
		us.connect(pull.bind("tcp://127.0.0.1:*"))
		us.send(large[:1000])
		wantFrames(t, pull.recv(), large[:1000])
		us.send(large)
		us.wait(zmq.EventDisconnected)
		us.send("small")
		wantFrames(t, pull.recv(), "small")
	})
}

func TestOneSocketHasManyEndpointsOfBothKinds(t *testing.T) {
	ctx := bounded(t, testTime)
	us, r := ourSocket(ctx, t, "PULL"), startLibzmq(ctx, t)
	for _, transport := range bothTransports {
		push := r.socket(t, "PUSH")
		push.connect(us.bind(wildcard(t, transport)))
		push.send("to where we bind, " + transport)
		wantFrames(t, us.recv(), "to where we bind, "+transport)
	}
	for _, transport := range bothTransports {
		push := r.socket(t, "PUSH")
		us.connect(push.bind(wildcard(t, transport)))
		push.send("from where they bind, " + transport)
		wantFrames(t, us.recv(), "from where they bind, "+transport)
	}
}
