package interop

import (
	"testing"

	"zeromux/zmq"
)

// What an option of one side makes the other side see, when that is JeroMQ, which
// speaks an older ZMTP than we and finds less out about its peers.
func TestJeromqSeesWhatOptionsDo(t *testing.T) {
	ctx := bounded(t, tableTime)
	r := startJeromq(ctx, t)
	const anyPort = "tcp://127.0.0.1:*"

	for _, c := range routingIDs {
		if len(c.id) > 127 {
			continue // JeroMQ keeps the length in an octet with a sign
		}
		t.Run("their routing id is "+c.name, func(t *testing.T) {
			us, them := ourSocket(ctx, t, "ROUTER"), r.socket(t, "DEALER")
			them.set("ROUTING_ID", c.id)
			them.connect(us.bind(anyPort))
			greetRouter(t, us, them, "", c.id)
		})
		t.Run("our routing id is "+c.name, func(t *testing.T) {
			us, them := ourSocket(ctx, t, "DEALER", withRoutingID(c.id)), r.socket(t, "ROUTER")
			us.connect(them.bind(anyPort))
			greetRouter(t, them, us, "", c.id)
		})
	}
	t.Run("we mind whom they do not know", func(t *testing.T) {
		us, them := ourSocket(ctx, t, "ROUTER", withMandatory), r.socket(t, "DEALER")
		them.set("ROUTING_ID", "here")
		them.connect(us.bind(anyPort))
		greetRouter(t, us, them, "", "here")
		if err := us.trySend("not here", "x"); !unreachable(err) {
			t.Errorf("to a peer that is not there: got %v", err)
		}
	})
	t.Run("their newcomer takes over a routing id", func(t *testing.T) {
		us := ourSocket(ctx, t, "ROUTER", func(c *zmq.Config) { c.Router.Handover = true })
		endpoint := us.bind(anyPort)
		for range 3 {
			them := r.socket(t, "DEALER")
			them.set("ROUTING_ID", "one")
			them.set("RECONNECT_IVL", 60_000) // who was pushed out does not push back
			them.connect(endpoint)
			greetRouter(t, us, them, "", "one")
		}
	})
	t.Run("our newcomer takes over a routing id", func(t *testing.T) {
		them := r.socket(t, "ROUTER")
		them.set("ROUTER_HANDOVER", 1)
		endpoint := them.bind(anyPort)
		for range 3 {
			us := ourSocket(ctx, t, "DEALER", withRoutingID("one"), func(c *zmq.Config) { c.Reconnect.Interval = zmq.Never })
			us.connect(endpoint)
			greetRouter(t, them, us, "", "one")
		}
	})
	t.Run("our requests are correlated", func(t *testing.T) {
		us, them := ourSocket(ctx, t, "REQ", func(c *zmq.Config) { c.Req.Correlate = true }), r.socket(t, "REP")
		us.connect(them.bind(anyPort))
		echo(t, us, them, nil, nil)
	})
	t.Run("our request replaces another", func(t *testing.T) {
		us := ourSocket(ctx, t, "REQ", func(c *zmq.Config) { c.Req.Relaxed, c.Req.Correlate = true, true })
		them := r.socket(t, "REP")
		us.connect(them.bind(anyPort))
		us.send("given up")
		us.send("wanted")
		wantFrames(t, them.recv(), "given up")
		them.send("late")
		wantFrames(t, them.recv(), "wanted")
		them.send("in time")
		wantFrames(t, us.recv(), "in time")
	})
	for _, kind := range []string{"DEALER", "REQ", "ROUTER"} {
		t.Run("our "+kind+" probes their router", func(t *testing.T) {
			us := ourSocket(ctx, t, kind, withRoutingID("us"), func(c *zmq.Config) { c.Router.Probe = true })
			them := r.socket(t, "ROUTER")
			us.connect(them.bind(anyPort))
			wantFrames(t, them.recv(), "us", "")
		})
	}
	t.Run("their subscriber is welcome", func(t *testing.T) {
		us := ourSocket(ctx, t, "XPUB", func(c *zmq.Config) { c.PubSub.Welcome = "welcome" })
		them := r.socket(t, "SUB")
		them.subscribe("wel")
		them.connect(us.bind(anyPort))
		wantFrames(t, them.recv(), "welcome")
	})
	t.Run("we hear of each of their subscriptions", func(t *testing.T) {
		us := ourSocket(ctx, t, "XPUB", func(c *zmq.Config) { c.PubSub.Verboser = true })
		endpoint := us.bind(anyPort)
		for range 2 {
			them := r.socket(t, "SUB")
			them.connect(endpoint)
			them.subscribe("a")
			wantFrames(t, us.recv(), "\x01a")
			them.unsubscribe("a")
			wantFrames(t, us.recv(), "\x00a")
			them.subscribe("a")
			wantFrames(t, us.recv(), "\x01a")
		}
	})
	t.Run("we decide what they are subscribed to", func(t *testing.T) {
		us := ourSocket(ctx, t, "XPUB", func(c *zmq.Config) { c.PubSub.Manual = true })
		them := r.socket(t, "XSUB")
		them.connect(us.bind(anyPort))
		them.subscribe("a")
		wantFrames(t, us.recv(), "\x01a")
		us.subscribe("b")
		us.send("a, which they asked for")
		us.send("b, which they got instead")
		wantFrames(t, them.recv(), "b, which they got instead")
	})
	t.Run("they hear of each of our subscriptions", func(t *testing.T) {
		them := r.socket(t, "XPUB")
		them.set("XPUB_VERBOSE", 1)
		endpoint := them.bind(anyPort)
		for range 2 {
			us := ourSocket(ctx, t, "SUB")
			us.connect(endpoint)
			us.subscribe("a")
			wantFrames(t, them.recv(), "\x01a")
		}
	})
	t.Run("their frame is too large for us", func(t *testing.T) {
		us := ourSocket(ctx, t, "PULL", func(c *zmq.Config) { c.Limits.MessageSize = 1000 })
		endpoint := us.bind(anyPort)
		large := string(make([]byte, 1001))
		for range 2 { // JeroMQ's socket does not always come back by itself
			them := r.socket(t, "PUSH")
			them.connect(endpoint)
			them.send(large[:1000])
			wantFrames(t, us.recv(), large[:1000])
			them.send(large)
			us.wait(zmq.EventDisconnected)
		}
	})
	t.Run("our heartbeats are borne", func(t *testing.T) {
		// It knows no PING, and must not be sent one.
		us := ourSocket(ctx, t, "PAIR", withHeartbeat(patience/500, patience))
		them := r.socket(t, "PAIR")
		us.connect(them.bind(anyPort))
		oneWay(t, us, them)
		oneWay(t, them, us)
	})
	t.Run("our metadata is not for them", func(t *testing.T) {
		us := ourSocket(ctx, t, "PAIR", func(c *zmq.Config) { c.Metadata = map[string]string{"X-a": "b"} })
		them := r.socket(t, "PAIR")
		us.connect(them.bind(anyPort))
		them.send("x")
		wantFrames(t, us.recv(), "x")
	})
}
