package interop

import (
	"fmt"
	"net"
	"testing"

	"zeromux/zmq"
)

var bothTransports = []string{"tcp", "ipc"}

func TestBoundPullServesTheNextPeerAfterOneWasKilled(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, "PULL")
			endpoint := us.bind(wildcard(t, transport))
			for i := range 3 {
				r := startLibzmq(ctx, t)
				push := r.socket(t, "PUSH")
				push.connect(endpoint)
				push.send(fmt.Sprint("from peer ", i))
				wantFrames(t, us.recv(), fmt.Sprint("from peer ", i))
				r.kill()
			}
		})
	}
}

func TestBoundRepServesTheNextClientAfterOneWasKilledInTheMiddle(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, "REP")
			endpoint := us.bind(wildcard(t, transport))

			first := startLibzmq(ctx, t)
			req := first.socket(t, "REQ")
			req.connect(endpoint)
			req.send("I shall not hear the answer")
			us.recv()
			first.kill()
			us.wait(zmq.EventDisconnected)
			us.send("to nobody") // dropped, and the next request may come

			req = startLibzmq(ctx, t).socket(t, "REQ")
			req.connect(endpoint)
			req.send("I shall")
			wantFrames(t, us.recv(), "I shall")
			us.send("answer")
			wantFrames(t, req.recv(), "answer")
		})
	}
}

func TestConnectedPushReachesItsPeerAgainAfterItWasKilled(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport, func(t *testing.T) {
			ctx := bounded(t, testTime)
			endpoint := wildcard(t, transport)
			us := ourSocket(ctx, t, "PUSH")
			for i := range 3 {
				r := startLibzmq(ctx, t)
				pull := r.socket(t, "PULL")
				endpoint = pull.bind(endpoint)
				if i == 0 {
					us.connect(endpoint)
				} else {
					// Sent while nobody was there.
					wantFrames(t, pull.recv(), fmt.Sprint("queued for peer ", i))
				}
				us.send(fmt.Sprint("for peer ", i))
				wantFrames(t, pull.recv(), fmt.Sprint("for peer ", i))
				r.kill()
				us.wait(zmq.EventDisconnected)
				us.send(fmt.Sprint("queued for peer ", i+1))
			}
		})
	}
}

func TestSubStatesItsSubscriptionsAnewAfterItsPublisherWasKilled(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport, func(t *testing.T) {
			ctx := bounded(t, testTime)
			endpoint := wildcard(t, transport)
			us := ourSocket(ctx, t, "SUB")
			us.subscribe("kept")
			us.subscribe("kept") // counted twice, said once
			us.subscribe("given up")
			us.unsubscribe("given up")
			us.unsubscribe("kept")
			for i := range 3 {
				r := startLibzmq(ctx, t)
				xpub := r.socket(t, "XPUB")
				endpoint = xpub.bind(endpoint)
				if i == 0 {
					us.connect(endpoint)
				}
				wantFrames(t, xpub.recv(), "\x01kept")
				xpub.send("given up", "x")
				xpub.send("kept", fmt.Sprint("from publisher ", i))
				wantFrames(t, us.recv(), "kept", fmt.Sprint("from publisher ", i))
				r.kill()
			}
		})
	}
}

func TestTheirSocketComesBackToUs(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport, func(t *testing.T) {
			ctx := bounded(t, testTime)
			r := startLibzmq(ctx, t)
			sub := r.socket(t, "SUB")
			sub.subscribe("topic")
			endpoint := wildcard(t, transport)
			for i := range 3 {
				us := ourSocket(ctx, t, "XPUB")
				endpoint = us.bind(endpoint)
				if i == 0 {
					sub.connect(endpoint)
				}
				subscribed(t, us, sub, "topic")
				us.send("topic", fmt.Sprint("from publisher ", i))
				wantFrames(t, sub.recv(), "topic", fmt.Sprint("from publisher ", i))
				us.close()
			}
		})
	}
}

func TestClientMayStartBeforeItsServer(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport+", ours is the client", func(t *testing.T) {
			ctx := bounded(t, testTime)
			r := startLibzmq(ctx, t)
			endpoint := freeEndpoint(t, transport)
			us := ourSocket(ctx, t, "REQ")
			us.connect(endpoint)
			us.send("is anybody there?")
			rep := r.socket(t, "REP")
			rep.bind(endpoint)
			wantFrames(t, rep.recv(), "is anybody there?")
			rep.send("yes")
			wantFrames(t, us.recv(), "yes")
		})
		t.Run(transport+", theirs is the client", func(t *testing.T) {
			ctx := bounded(t, testTime)
			r := startLibzmq(ctx, t)
			endpoint := freeEndpoint(t, transport)
			req := r.socket(t, "REQ")
			req.connect(endpoint)
			req.send("is anybody there?")
			us := ourSocket(ctx, t, "REP")
			us.bind(endpoint)
			wantFrames(t, us.recv(), "is anybody there?")
			us.send("yes")
			wantFrames(t, req.recv(), "yes")
		})
	}
}

// freeEndpoint is one that nobody has bound, but that can be.
func freeEndpoint(t *testing.T, transport string) string {
	t.Helper()
	if transport != "tcp" {
		return wildcard(t, transport)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "tcp://" + l.Addr().String()
}
