package interop

import (
	"strings"
	"testing"
)

var routingIDs = []struct{ name, id string }{
	{"one octet", "a"},
	{"a word", "worker-7"},
	{"octets that are no text", "\xff\x00\x01"},
	{"the longest", strings.Repeat("x", 255)},
}

func TestTheirRoutingIDNamesThemAtOurRouter(t *testing.T) {
	ctx := bounded(t, tableTime)
	r := startLibzmq(ctx, t)
	for _, c := range routingIDs {
		for _, kind := range []string{"DEALER", "REQ", "ROUTER"} {
			t.Run(kind+" with "+c.name, func(t *testing.T) {
				us, them := ourSocket(ctx, t, "ROUTER", withRoutingID("us"), withMandatory), r.socket(t, kind)
				them.set("ROUTING_ID", c.id)
				them.connect(us.bind("tcp://127.0.0.1:*"))
				greetRouter(t, us, them, "us", c.id)
			})
		}
	}
}

func TestOurRoutingIDNamesUsAtTheirRouter(t *testing.T) {
	ctx := bounded(t, tableTime)
	r := startLibzmq(ctx, t)
	for _, c := range routingIDs {
		for _, kind := range []string{"DEALER", "REQ", "ROUTER"} {
			t.Run(kind+" with "+c.name, func(t *testing.T) {
				us, them := ourSocket(ctx, t, kind, withRoutingID(c.id)), r.socket(t, "ROUTER")
				them.set("ROUTING_ID", "them")
				them.set("ROUTER_MANDATORY", 1)
				us.connect(them.bind("tcp://127.0.0.1:*"))
				greetRouter(t, them, us, "them", c.id)
			})
		}
	}
}

// greetRouter exchanges one message each way between a ROUTER and a peer that
// has set its routing id.
func greetRouter(t *testing.T, router, peer end, routerID, peerID string) {
	t.Helper()
	switch peer.typeName() {
	case "DEALER":
		peer.send("hello")
		wantFrames(t, router.recv(), peerID, "hello")
		router.send(peerID, "hello yourself")
		wantFrames(t, peer.recv(), "hello yourself")
	case "REQ":
		peer.send("hello")
		wantFrames(t, router.recv(), peerID, "", "hello")
		router.send(peerID, "", "hello yourself")
		wantFrames(t, peer.recv(), "hello yourself")
	case "ROUTER":
		sendOnceReachable(t, router, peerID, "hello")
		wantFrames(t, peer.recv(), routerID, "hello")
		peer.send(routerID, "hello yourself")
		wantFrames(t, router.recv(), peerID, "hello yourself")
	}
}

func TestRouterToldToMindReportsPeersThatItHasNot(t *testing.T) {
	ctx := bounded(t, testTime)
	us, dealer := ourSocket(ctx, t, "ROUTER", withMandatory), startLibzmq(ctx, t).socket(t, "DEALER")
	dealer.set("ROUTING_ID", "here")
	dealer.connect(us.bind("tcp://127.0.0.1:*"))
	dealer.send("hello")
	wantFrames(t, us.recv(), "here", "hello")
	if err := us.trySend("not here", "x"); !unreachable(err) {
		t.Errorf("to a peer that is not there: got %v", err)
	}
	us.send("here", "x")
	wantFrames(t, dealer.recv(), "x")
}
