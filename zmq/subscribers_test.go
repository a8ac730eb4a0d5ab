package zmq_test

import (
	"context"
	"testing"
	"testing/synctest"

	"zeromux/zmq"
)

// waitFor is WaitSubscribers under way.
func waitFor(t *testing.T, s *zmq.Socket, topic string, n int) chan error {
	t.Helper()
	done := make(chan error, 1)
	ctx := within(t)
	go func() { done <- s.WaitSubscribers(ctx, topic, n) }()
	return done
}

func still(t *testing.T, waits chan error) {
	t.Helper()
	select {
	case err := <-waits:
		t.Fatalf("it does not wait: %v", err)
	default:
	}
}

func done(t *testing.T, waits chan error) {
	t.Helper()
	if err := <-waits; err != nil {
		t.Fatal(err)
	}
}

// What is published after WaitSubscribers reaches all who were waited for.
func TestAPublisherWaitsForItsSubscribers(t *testing.T) {
	for _, typ := range []zmq.SocketType{zmq.PUB, zmq.XPUB} {
		t.Run(typ.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				pub := newSocket(t, c, typ, nil)
				bound := bind(t, pub, endpoint)
				done(t, waitFor(t, pub, "news", 0))
				one, two := waitFor(t, pub, "news", 1), waitFor(t, pub, "news", 2)
				all := waitFor(t, pub, "news", 3)
				var subs []*zmq.Socket
				subscribe := func(topic string) {
					s := newSocket(t, c, zmq.SUB, nil)
					if err := s.Subscribe(topic); err != nil {
						t.Fatal(err)
					}
					connect(t, s, bound)
					subs = append(subs, s)
				}
				still(t, one)
				subscribe("new")
				done(t, one)
				subscribe("news.today") // which is more than news
				done(t, waitFor(t, pub, "news.today", 2))
				still(t, two)
				subscribe("news")
				done(t, two)
				still(t, all)
				if err := subs[1].Subscribe(""); err != nil {
					t.Fatal(err)
				}
				done(t, all)
				send(t, pub, "news", "x")
				for _, s := range subs {
					want(t, s, "news", "x")
				}
				again := waitFor(t, pub, "news", 4)
				subs[0].Close()
				eventually(t, "one has gone", func() bool { return pub.Stats().Peers == 2 })
				subscribe("news")
				still(t, again)
				subscribe("news")
				done(t, again)
			})
		})
	}
}

func TestWaitingForSubscribersInManualAndInvertedMode(t *testing.T) {
	c := newContext(t)
	xpub, sub := join(t, c, "tcp://127.0.0.1:*", side{zmq.XPUB, &zmq.Config{PubSub: zmq.PubSub{Manual: true}}}, side{zmq.SUB, nil})
	granted := waitFor(t, xpub, "b", 1)
	if err := sub.Subscribe("a"); err != nil {
		t.Fatal(err)
	}
	want(t, xpub, "\x01a")
	still(t, granted)
	if err := xpub.Subscribe("b"); err != nil {
		t.Fatal(err)
	}
	done(t, granted)

	inverted := &zmq.Config{PubSub: zmq.PubSub{InvertMatching: true}}
	pub := newSocket(t, c, zmq.PUB, inverted)
	others := waitFor(t, pub, "a", 1)
	sub = newSocket(t, c, zmq.SUB, inverted)
	connect(t, sub, bind(t, pub, "tcp://127.0.0.1:*"))
	done(t, others)
	if err := sub.Subscribe("a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the subscription is there", func() bool { return pub.TopicsCount() == 1 })
	others = waitFor(t, pub, "a", 1)
	still(t, others)
	if err := sub.Unsubscribe("a"); err != nil {
		t.Fatal(err)
	}
	done(t, others)
}

// Who waits for subscribers hears that others match because the option has changed.
func TestWaitingForSubscribersWhileMatchingIsInverted(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		pub, sub := join(t, c, "inproc://a", side{zmq.PUB, &zmq.Config{PubSub: zmq.PubSub{InvertMatching: true}}}, side{zmq.SUB, nil})
		if err := sub.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		matching := waitFor(t, pub, "a", 1)
		synctest.Wait()
		still(t, matching)
		if err := pub.Configure(func(c *zmq.Config) { c.PubSub.InvertMatching = false }); err != nil {
			t.Fatal(err)
		}
		done(t, matching)
		pub.Close()
		sub.Close()
	})
}

func TestWaitingForSubscribersEnds(t *testing.T) {
	c := newContext(t)
	pub := newSocket(t, c, zmq.PUB, nil)
	if err := pub.WaitSubscribers(within(t), "", -1); !is(err, zmq.ErrInvalid) {
		t.Errorf("for less than none: %v", err)
	}
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		if typ == zmq.PUB || typ == zmq.XPUB {
			continue
		}
		if err := newSocket(t, c, typ, nil).WaitSubscribers(within(t), "", 0); !is(err, zmq.ErrUnsupported) {
			t.Errorf("%v: %v", typ, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pub.WaitSubscribers(ctx, "", 1) }()
	cancel()
	if err := <-ended; !is(err, context.Canceled) {
		t.Error(err)
	}
	waits := waitFor(t, pub, "", 1)
	pub.Close()
	if err := <-waits; !is(err, zmq.ErrClosed) {
		t.Error(err)
	}
	waits = waitFor(t, newSocket(t, c, zmq.XPUB, nil), "", 1)
	c.Shutdown()
	if err := <-waits; !is(err, zmq.ErrTerminated) {
		t.Error(err)
	}
}
