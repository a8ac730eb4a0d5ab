package zmq_test

import (
	"fmt"
	"slices"
	"testing"

	"zeromux/zmq"
)

func subscribe(t testing.TB, s *zmq.Socket, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if err := s.Subscribe(topic); err != nil {
			t.Fatal(err)
		}
	}
}

func unsubscribe(t testing.TB, s *zmq.Socket, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if err := s.Unsubscribe(topic); err != nil {
			t.Fatal(err)
		}
	}
}

// topics waits until a socket has n topics.
func topics(t testing.TB, s *zmq.Socket, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d topics", n), func() bool { return s.TopicsCount() == n })
}

func TestASubscriberGetsWhatItSubscribesTo(t *testing.T) {
	for _, row := range []struct {
		name      string
		subscribe []string
		get       []string
	}{
		{"nothing without a subscription", nil, nil},
		{"a prefix", []string{"b"}, []string{"b", "ba", "bb"}},
		{"a whole topic", []string{"ba"}, []string{"ba"}},
		{"two prefixes, one within the other", []string{"b", "ba"}, []string{"b", "ba", "bb"}},
		{"two prefixes", []string{"a", "c"}, []string{"a", "c"}},
		{"everything", []string{""}, []string{"", "a", "b", "ba", "bb", "c"}},
		{"a prefix longer than any message", []string{"bbb"}, nil},
	} {
		for _, when := range []string{"before", "after"} {
			t.Run(row.name+", subscribed "+when+" connecting", func(t *testing.T) {
				over(t, endpoints, func(t *testing.T, endpoint string) {
					c := newContext(t)
					pub := newSocket(t, c, zmq.PUB, nil)
					sub := newSocket(t, c, zmq.SUB, nil)
					if when == "before" {
						subscribe(t, sub, row.subscribe...)
					}
					connect(t, sub, bind(t, pub, endpoint))
					peers(t, pub, 1)
					peers(t, sub, 1)
					if when == "after" {
						subscribe(t, sub, row.subscribe...)
					}
					subscribe(t, sub, "end")
					topics(t, pub, len(row.subscribe)+1)
					for _, m := range []string{"", "a", "b", "ba", "bb", "c", "end"} {
						send(t, pub, m, "b")
					}
					for _, m := range append(slices.Clone(row.get), "end") {
						want(t, sub, m, "b")
					}
				})
			})
		}
	}
}

func TestSubscriptionsAreCounted(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.PUB, nil)
		sub := newSocket(t, c, zmq.SUB, nil)
		connect(t, sub, bind(t, pub, endpoint))
		unsubscribe(t, sub, "a", "never")
		subscribe(t, sub, "a", "a", "a")
		topics(t, pub, 1)
		unsubscribe(t, sub, "a", "a")
		subscribe(t, sub, "b")
		topics(t, pub, 2)
		send(t, pub, "a")
		want(t, sub, "a")
		unsubscribe(t, sub, "a")
		topics(t, pub, 1)
		send(t, pub, "a")
		send(t, pub, "b")
		want(t, sub, "b")
	})
}

func TestASubscriberFiltersAgainWhatItUnsubscribed(t *testing.T) {
	c := newContext(t)
	pub := newSocket(t, c, zmq.PUB, nil)
	sub := newSocket(t, c, zmq.SUB, nil)
	subscribe(t, sub, "a", "b")
	bind(t, pub, "inproc://x")
	connect(t, sub, "inproc://x")
	for _, m := range []string{"a", "a", "b"} {
		send(t, pub, m)
	}
	unsubscribe(t, sub, "a")
	want(t, sub, "b")
	if got := sub.Stats().DroppedFiltered; got != 2 {
		t.Errorf("%d filtered, want 2", got)
	}
}

func TestSubscriptionsAreStatedAgainAfterAReconnect(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.PUB, nil)
		sub := newSocket(t, c, zmq.SUB, soon())
		subscribe(t, sub, "a", "b", "c")
		endpoint = bind(t, pub, endpoint)
		connect(t, sub, endpoint)
		topics(t, pub, 3)
		send(t, pub, "a1")
		want(t, sub, "a1")

		gone := watch(t, sub)
		if err := pub.Close(); err != nil {
			t.Fatal(err)
		}
		gone.await(zmq.EventDisconnected)
		unsubscribe(t, sub, "b") // while nobody is there to hear of it
		subscribe(t, sub, "d")

		pub = newSocket(t, c, zmq.PUB, nil)
		bind(t, pub, endpoint)
		topics(t, pub, 3)
		for _, m := range []string{"a2", "b2", "c2", "d2"} {
			send(t, pub, m)
		}
		for _, m := range []string{"a2", "c2", "d2"} {
			want(t, sub, m)
		}
	})
}

func TestPublishingToNobodySucceeds(t *testing.T) {
	c := newContext(t)
	for _, typ := range []zmq.SocketType{zmq.PUB, zmq.XPUB} {
		s := newSocket(t, c, typ, nil)
		for range 2000 {
			send(t, s, "x")
		}
		if !s.CanSend() {
			t.Errorf("%v cannot send", typ)
		}
	}
}

func TestManySubscribersGetTheSameMessage(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.PUB, nil)
		bound := bind(t, pub, endpoint)
		var subs []*zmq.Socket
		for i := range 10 {
			sub := newSocket(t, c, zmq.SUB, nil)
			subscribe(t, sub, "x", fmt.Sprint(i))
			connect(t, sub, bound)
			subs = append(subs, sub)
		}
		topics(t, pub, 11)
		peers(t, pub, 10)
		large := string(make([]byte, 100<<10))
		eventually(t, "every subscription is there", func() bool {
			send(t, pub, "x", large, "small")
			for _, sub := range subs {
				if sub.Stats().Received == 0 {
					return false
				}
			}
			return true
		})
		for i, sub := range subs {
			want(t, sub, "x", large, "small")
			send(t, pub, fmt.Sprint(i), "yours")
			for m := recv(t, sub); m.Frames[0][0] == 'x'; m = recv(t, sub) {
				if string(m.Frames[1]) != large {
					t.Fatal("a shared body has changed")
				}
			}
		}
	})
}

func TestAnXPubReportsSubscriptions(t *testing.T) {
	for _, row := range []struct {
		name             string
		pubsub           zmq.PubSub
		another, leaving []string
	}{
		{"of a topic for the first time", zmq.PubSub{}, nil, nil},
		{"every one when it is verbose", zmq.PubSub{Verbose: true}, []string{"\x01a"}, nil},
		{"and every cancellation when it is verboser", zmq.PubSub{Verboser: true}, []string{"\x01a"}, []string{"\x00a"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				pub := newSocket(t, c, zmq.XPUB, &zmq.Config{PubSub: row.pubsub})
				bound := bind(t, pub, endpoint)
				one := newSocket(t, c, zmq.SUB, nil)
				two := newSocket(t, c, zmq.SUB, nil)
				connect(t, one, bound)
				connect(t, two, bound)
				subscribe(t, one, "a")
				m := want(t, pub, "\x01a")
				if p := m.Peer(); p == nil || p.Type != "SUB" {
					t.Errorf("the report is from %+v", p)
				}
				subscribe(t, two, "a", "b")
				for _, f := range append(slices.Clone(row.another), "\x01b") {
					want(t, pub, f)
				}
				unsubscribe(t, one, "a")
				subscribe(t, one, "c")
				for _, f := range append(slices.Clone(row.leaving), "\x01c") {
					want(t, pub, f)
				}
				// Whoever goes takes its topics along.
				if err := two.Close(); err != nil {
					t.Fatal(err)
				}
				gone := []string{recv(t, pub).String(), recv(t, pub).String()}
				slices.Sort(gone)
				if !slices.Equal(gone, []string{"\x00a", "\x00b"}) {
					t.Errorf("on leaving: %q", gone)
				}
				nothing(t, pub)
			})
		})
	}
}

func TestAnXSubSpeaksToThePublishersApplication(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		xpub, xsub := join(t, c, endpoint, side{zmq.XPUB, nil}, side{zmq.XSUB, nil})
		send(t, xsub, "hello", "there")
		want(t, xpub, "hello", "there")
		send(t, xsub, "\x01a")
		want(t, xpub, "\x01a")
		send(t, xpub, "a", "b")
		want(t, xsub, "a", "b")
		send(t, xsub, "\x00a")
		want(t, xpub, "\x00a")
	})
}

func TestAManualXPubSubscribesItsPeersItself(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.XPUB, &zmq.Config{PubSub: zmq.PubSub{Manual: true}})
		sub := newSocket(t, c, zmq.XSUB, nil)
		connect(t, sub, bind(t, pub, endpoint))
		send(t, sub, "\x01a")
		want(t, pub, "\x01a")
		subscribe(t, pub, "b")
		send(t, pub, "a")
		send(t, pub, "b")
		want(t, sub, "b")
		send(t, sub, "\x00a")
		want(t, pub, "\x00a")
		unsubscribe(t, pub, "b")
		subscribe(t, pub, "c")
		send(t, pub, "b")
		send(t, pub, "c")
		want(t, sub, "c")
	})
}

func TestALastValueGoesToTheNewSubscriberAlone(t *testing.T) {
	c := newContext(t)
	pub := newSocket(t, c, zmq.XPUB, &zmq.Config{PubSub: zmq.PubSub{ManualLastValue: true}})
	bind(t, pub, "inproc://x")
	var subs []*zmq.Socket
	for i := range 2 {
		sub := newSocket(t, c, zmq.SUB, nil)
		subscribe(t, sub, "a")
		connect(t, sub, "inproc://x")
		want(t, pub, "\x01a")
		subscribe(t, pub, "a")
		send(t, pub, "a", fmt.Sprint(i))
		want(t, sub, "a", fmt.Sprint(i))
		subs = append(subs, sub)
	}
	nothing(t, subs[0])
	send(t, pub, "a", "all")
	want(t, subs[0], "a", "all")
	want(t, subs[1], "a", "all")
}

func TestAWelcomeIsTheFirstMessageToANewPeer(t *testing.T) {
	for _, typ := range []zmq.SocketType{zmq.XPUB, zmq.PUB} {
		t.Run(typ.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				pub := newSocket(t, c, typ, nil)
				if err := pub.Configure(func(c *zmq.Config) { c.PubSub.Welcome = "Hi" }); err != nil {
					t.Fatal(err)
				}
				sub := newSocket(t, c, zmq.SUB, nil)
				subscribe(t, sub, "H")
				connect(t, sub, bind(t, pub, endpoint))
				want(t, sub, "Hi")
				topics(t, pub, 1)
				send(t, pub, "How")
				want(t, sub, "How")
			})
		})
	}
}

func TestInvertedMatchingSendsToTheOthers(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := &zmq.Config{PubSub: zmq.PubSub{InvertMatching: true}}
		pub := newSocket(t, c, zmq.PUB, config)
		sub := newSocket(t, c, zmq.SUB, config)
		subscribe(t, sub, "a")
		connect(t, sub, bind(t, pub, endpoint))
		topics(t, pub, 1)
		send(t, pub, "a")
		send(t, pub, "b")
		want(t, sub, "b")
	})
}

func TestAPeerMayHaveAsManyTopicsAsTheLimitSays(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.PUB, &zmq.Config{Limits: zmq.Limits{Subscriptions: 3}})
		sub := newSocket(t, c, zmq.SUB, &zmq.Config{Reconnect: zmq.Reconnect{Interval: zmq.Never}})
		connect(t, sub, bind(t, pub, endpoint))
		subscribe(t, sub, "a", "b", "c", "a")
		topics(t, pub, 3)
		ended := watch(t, pub)
		subscribe(t, sub, "d")
		ended.await(zmq.EventDisconnected)
		topics(t, pub, 0)
	})
}

// What subscribers send is read on when the application has made room.
func TestXPubReadsManyMessagesOfASubscriberPastTheMark(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		small := soon()
		small.HighWater.Recv = 4
		xpub := newSocket(t, c, zmq.XPUB, small)
		xsub := newSocket(t, c, zmq.XSUB, nil)
		connect(t, xsub, bind(t, xpub, endpoint))
		const n = 500
		for i := range n {
			send(t, xsub, fmt.Sprintf("\x02%d", i))
		}
		for i := range n {
			want(t, xpub, fmt.Sprintf("\x02%d", i))
		}
	})
}

// Not over inproc, where the side that has bound the name reads before the other
// hears that it is there.
func TestAPublisherHearsOfSubscriptionsBeforeWhatWaited(t *testing.T) {
	connections := func(t testing.TB) map[string]string {
		all := unbound(t)
		delete(all, "inproc")
		return all
	}
	over(t, connections, func(t *testing.T, endpoint string) {
		c := newContext(t)
		xsub := newSocket(t, c, zmq.XSUB, soon())
		connect(t, xsub, endpoint)
		send(t, xsub, "tell me the last news")
		send(t, xsub, "\x01news")
		xpub := newSocket(t, c, zmq.XPUB, nil)
		bind(t, xpub, endpoint)
		want(t, xpub, "\x01news")
		want(t, xpub, "tell me the last news")
		send(t, xpub, "news", "of yesterday")
		want(t, xsub, "news", "of yesterday")
	})
}
