package interop

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"zeromux/zmq"
)

// ourRequester is a Requester of ours over a DEALER.
func ourRequester(ctx context.Context, t *testing.T, retry zmq.Retry) (*zmq.Requester, *ours) {
	t.Helper()
	dealer := ourSocket(ctx, t, "DEALER")
	r, err := zmq.NewRequester(dealer.s, retry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() }) // and the socket once more
	return r, dealer
}

// answer is what a Do comes to.
type answer struct {
	m   zmq.Message
	err error
}

func ask(ctx context.Context, r *zmq.Requester, frames ...string) chan answer {
	c := make(chan answer, 1)
	go func() {
		m, err := r.Do(ctx, zmq.NewStringMessage(frames...))
		c <- answer{m, err}
	}()
	return c
}

func (a answer) want(t *testing.T, frames ...string) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	got := make([]string, len(a.m.Frames))
	for i, f := range a.m.Frames {
		got[i] = string(f)
	}
	wantFrames(t, got, frames...)
}

func TestOurRequesterAsksTheirREP(t *testing.T) {
	ctx := bounded(t, testTime)
	rep := startLibzmq(ctx, t).socket(t, "REP")
	requester, dealer := ourRequester(ctx, t, zmq.Retry{})
	dealer.connect(rep.bind(anyPort))
	var replies []chan answer
	for i := range 5 {
		replies = append(replies, ask(ctx, requester, strconv.Itoa(i)))
	}
	for range 5 {
		n := rep.recv()[0]
		rep.send("answer", n)
		i, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		(<-replies[i]).want(t, "answer", n)
	}
}

func TestOurRequesterAsksThroughTheirBroker(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	front, back, rep := r.socket(t, "ROUTER"), r.socket(t, "DEALER"), r.socket(t, "REP")
	rep.connect(back.bind(anyPort))
	requester, dealer := ourRequester(ctx, t, zmq.Retry{})
	dealer.connect(front.bind(anyPort))
	for i := range 5 {
		reply := ask(ctx, requester, "question", "", strconv.Itoa(i))
		back.send(front.recv()...)
		wantFrames(t, rep.recv(), "question", "", strconv.Itoa(i))
		rep.send("", strconv.Itoa(i))
		front.send(back.recv()...)
		(<-reply).want(t, "", strconv.Itoa(i))
	}
}

func TestOurRequesterOutlivesTheirServer(t *testing.T) {
	ctx := bounded(t, testTime)
	first, second := startLibzmq(ctx, t), startLibzmq(ctx, t)
	requester, dealer := ourRequester(ctx, t, zmq.Retry{Attempts: 5})
	rep := first.socket(t, "REP")
	endpoint := rep.bind(anyPort)
	dealer.connect(endpoint)
	reply := ask(ctx, requester, "question")
	wantFrames(t, rep.recv(), "question")
	first.kill() // with the question
	rep = second.socket(t, "REP")
	rep.bind(endpoint)
	wantFrames(t, rep.recv(), "question")
	rep.send("answer")
	(<-reply).want(t, "answer")
}

func TestOurRequesterGivesUpOnASilentServer(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	requester, dealer := ourRequester(ctx, t, zmq.Retry{Attempts: 3, Timeout: 20 * time.Millisecond})
	router := r.socket(t, "ROUTER")
	dealer.connect(router.bind(anyPort))
	if err := dealer.s.WaitPeers(ctx, 1); err != nil {
		t.Fatal(err)
	}
	reply := ask(ctx, requester, "question")
	var late []string
	for range 3 {
		late = router.recv()
	}
	if a := <-reply; !errors.Is(a.err, zmq.ErrTimeout) {
		t.Fatalf("got %v", a.err)
	}
	router.send(late...) // which nobody waits for
	reply = ask(ctx, requester, "again")
	again := router.recv()
	router.send(again...)
	(<-reply).want(t, "again")
}

func TestWeHandleTheirRequests(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	for _, kind := range []string{"REP", "ROUTER"} {
		t.Run(kind, func(t *testing.T) {
			us := ourSocket(ctx, t, kind)
			endpoint := us.bind(anyPort)
			within, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() {
				ended <- us.s.Handle(within, 3, func(_ context.Context, m zmq.Message) zmq.Message {
					m.Frames = append(m.Frames, []byte("!"))
					return m
				})
			}()
			var clients []*theirs
			for i := range 5 {
				req := r.socket(t, "REQ")
				if i%2 == 1 {
					req.set("REQ_CORRELATE", 1)
				}
				req.connect(endpoint)
				req.send("question", strconv.Itoa(i))
				clients = append(clients, req)
			}
			for i, req := range clients {
				wantFrames(t, req.recv(), "question", strconv.Itoa(i), "!")
			}
			stop()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

func TestOurPublisherWaitsForTheirSubscribers(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	pub := ourSocket(ctx, t, "PUB")
	endpoint := pub.bind(anyPort)
	var subs []*theirs
	for range 3 {
		sub := r.socket(t, "SUB")
		sub.set("SUBSCRIBE", "a")
		sub.connect(endpoint)
		subs = append(subs, sub)
	}
	if err := pub.s.WaitSubscribers(ctx, "ab", 3); err != nil {
		t.Fatal(err)
	}
	pub.send("ab")
	for _, sub := range subs {
		wantFrames(t, sub.recv(), "ab")
	}
}
