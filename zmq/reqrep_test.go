package zmq_test

import (
	"context"
	"fmt"
	"testing"

	"zeromux/zmq"
)

func TestAskingAndAnsweringGoInTurn(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		rep, req := join(t, c, endpoint, side{zmq.REP, nil}, side{zmq.REQ, nil})
		state := func(who string, s *zmq.Socket, sends, receives bool) {
			t.Helper()
			if !sends {
				if err := s.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrState) || zmq.Errno(err) != efsm {
					t.Errorf("%s sends: %v", who, err)
				}
			}
			if !receives {
				if _, err := s.TryRecv(); !is(err, zmq.ErrState) {
					t.Errorf("%s receives: %v", who, err)
				}
			}
			if s.CanSend() != sends || !receives && s.CanRecv() {
				t.Errorf("%s: can send %v, can receive %v", who, s.CanSend(), s.CanRecv())
			}
		}
		for range 3 {
			state("REQ", req, true, false)
			state("REP", rep, false, true)
			send(t, req, "q", "", "q")
			state("REQ", req, false, true)
			want(t, rep, "q", "", "q")
			state("REP", rep, true, false)
			send(t, rep, "r", "")
			state("REP", rep, false, true)
			want(t, req, "r", "")
		}
	})
}

func TestARequestWaitsForAPeer(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		req := newSocket(t, c, zmq.REQ, soon())
		if err := req.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrWouldBlock) {
			t.Errorf("without endpoints: %v", err)
		}
		sent := make(chan error)
		go func() { sent <- req.SendString(within(t), "q") }()
		rep := newSocket(t, c, zmq.REP, nil)
		bind(t, rep, endpoint)
		connect(t, req, endpoint)
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		want(t, rep, "q")
	})
}

func TestARouterSeesTheRequestIDOfACorrelatingReq(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		router, req := join(t, c, endpoint,
			side{zmq.ROUTER, nil}, side{zmq.REQ, &zmq.Config{RoutingID: "me", Req: zmq.Req{Correlate: true, Relaxed: true}}})
		var ids []string
		for i := range 2 {
			send(t, req, fmt.Sprint(i))
			m := recv(t, router)
			if len(m.Frames) != 4 || len(m.Frames[1]) != 4 || len(m.Frames[2]) != 0 || string(m.Frames[3]) != fmt.Sprint(i) {
				t.Fatalf("got %q", m.Frames)
			}
			ids = append(ids, string(m.Frames[1]))
		}
		if ids[0] == ids[1] {
			t.Error("both requests have the same id")
		}
		send(t, router, "me", ids[0], "", "late")
		send(t, router, "me", "", "without id")
		send(t, router, "me", ids[1], "", "right")
		want(t, req, "right")
	})
}

func TestARelaxedReqMayAskAgain(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		req := newSocket(t, c, zmq.REQ, &zmq.Config{RoutingID: "me", Req: zmq.Req{Relaxed: true, Correlate: true}})
		bound := bind(t, req, endpoint)
		var routers []*zmq.Socket
		for i := range 2 {
			router := newSocket(t, c, zmq.ROUTER, nil)
			connect(t, router, bound)
			peers(t, req, i+1)
			peers(t, router, 1)
			routers = append(routers, router)
		}
		send(t, req, "first")
		first := recv(t, routers[0])
		if !req.CanSend() {
			t.Error("cannot ask again")
		}
		send(t, req, "second") // goes to the next peer
		second := recv(t, routers[1])
		send(t, routers[0], "me", string(first.Frames[1]), "", "late")
		send(t, routers[1], "me", string(second.Frames[1]), "", "right")
		want(t, req, "right")
		// The late reply does not answer the next request either.
		send(t, req, "third")
		third := recv(t, routers[0])
		send(t, routers[0], "me", string(third.Frames[1]), "", "third")
		want(t, req, "third")
	})
}

func TestStaleRepliesAreThrownAwayBeforeTheNextRequest(t *testing.T) {
	c := newContext(t)
	router, req := join(t, c, "inproc://x", side{zmq.ROUTER, nil}, side{zmq.REQ, &zmq.Config{RoutingID: "me"}})
	send(t, req, "1")
	want(t, router, "me", "", "1")
	send(t, router, "me", "", "reply")
	send(t, router, "me", "", "twice")
	want(t, req, "reply")
	send(t, req, "2")
	want(t, router, "me", "", "2")
	send(t, router, "me", "", "right")
	want(t, req, "right")
}

func TestAReplyFromSomebodyElseIsIgnored(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		req := newSocket(t, c, zmq.REQ, &zmq.Config{RoutingID: "me"})
		bound := bind(t, req, endpoint)
		var routers []*zmq.Socket
		for i := range 2 {
			router := newSocket(t, c, zmq.ROUTER, nil)
			connect(t, router, bound)
			peers(t, req, i+1)
			peers(t, router, 1)
			routers = append(routers, router)
		}
		send(t, req, "q")
		want(t, routers[0], "me", "", "q")
		send(t, routers[1], "me", "", "not asked")
		eventually(t, "the wrong reply is there", func() bool { return req.Stats().Received == 1 })
		nothing(t, req)
		send(t, routers[0], "me", "", "asked")
		want(t, req, "asked")
	})
}

func TestAReplyWithoutDelimiterIsSkippedOrEndsTheConnection(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		inproc := endpoint == "inproc://"+t.Name()
		config := soon()
		config.RoutingID = "me"
		router, req := join(t, c, endpoint, side{zmq.ROUTER, nil}, side{zmq.REQ, config})
		ended := watch(t, req)
		send(t, req, "q")
		want(t, router, "me", "", "q")
		send(t, router, "me", "no delimiter")
		if inproc {
			send(t, router, "me", "", "right")
			want(t, req, "right")
			return
		}
		eventually(t, "the reply is there", func() bool { return req.Stats().Received == 1 })
		nothing(t, req)
		if e := ended.await(zmq.EventDisconnected); e.Err == nil {
			t.Error("the event does not say why")
		}
	})
}

func TestAServerGoesOnWhenTheClientIsGone(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		rep := newSocket(t, c, zmq.REP, nil)
		bound := bind(t, rep, endpoint)
		for i := range 3 {
			req := newSocket(t, c, zmq.REQ, nil)
			connect(t, req, bound)
			send(t, req, fmt.Sprint(i))
			want(t, rep, fmt.Sprint(i))
			if i < 2 {
				if err := req.Close(); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the client is gone", func() bool { return len(rep.Peers()) == 0 })
			}
			send(t, rep, "reply") // goes nowhere, and succeeds
			if i == 2 {
				want(t, req, "reply")
			}
		}
		if got := rep.Stats().DroppedUnroutable; got != 2 {
			t.Errorf("%d replies dropped, want 2", got)
		}
	})
}

func TestARequestWithoutEnvelopeIsDiscarded(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		rep, dealer := join(t, c, endpoint, side{zmq.REP, nil}, side{zmq.DEALER, nil})
		send(t, dealer, "no delimiter")
		send(t, dealer, "a", "b", "", "right")
		want(t, rep, "right")
		send(t, rep, "reply")
		want(t, dealer, "a", "b", "", "reply")
		if got := rep.Stats().DroppedMalformed; got != 1 {
			t.Errorf("%d malformed, want 1", got)
		}
	})
}

func TestNobodyAsksAgainWhenTheServerDied(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		rep, req := join(t, c, endpoint, side{zmq.REP, nil}, side{zmq.REQ, soon()})
		bound := rep.LastEndpoint()
		send(t, req, "q")
		want(t, rep, "q")
		if err := rep.Close(); err != nil {
			t.Fatal(err)
		}
		rep = newSocket(t, c, zmq.REP, nil)
		bind(t, rep, bound)
		peers(t, req, 1)
		peers(t, rep, 1)
		nothing(t, rep)
		ctx, cancel := context.WithCancel(within(t))
		cancel()
		if _, err := req.Recv(ctx); !is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
