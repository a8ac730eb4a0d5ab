package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zeromux/zmq"
)

// PUB, SUB, XPUB and XSUB. RFC 29.

func pubsub(f func(*zmq.PubSub)) set { return func(c *zmq.Config) { f(&c.PubSub) } }

func manual(p *zmq.PubSub) { p.Manual = true }

func TestXpubManual(t *testing.T) {
	t.Run("only what the application grants is sent", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, pubsub(manual))
			sub := s.connect(zmq.XSUB)
			sub.send("\x01A")
			pub.want("\x01A")
			pub.subscribe("XA")
			pub.send("A")
			pub.send("XA")
			sub.want("XA")
			sub.send("\x00A")
			pub.want("\x00A")
			pub.unsubscribe("XA")
			pub.subscribe("end")
			pub.send("XA")
			pub.send("end")
			sub.want("end")
			pub.unsubscribe("never granted")
		})
	})
	t.Run("each grant is for the peer that was heard last", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, pubsub(manual))
			one, two := s.connect(zmq.SUB), s.connect(zmq.SUB)
			one.subscribe("1")
			pub.want("\x011")
			pub.subscribe("1")
			two.subscribe("2")
			pub.want("\x012")
			pub.subscribe("2")
			two.subscribe("1")
			pub.want("\x011") // nobody is asked about it
			pub.send("1", "first")
			pub.send("2", "second")
			one.want("1", "first")
			two.want("2", "second")
			one.close()
			pub.want("\x001")
			pub.subscribe("2") // there is nobody to grant it to
			two.unsubscribe("2")
			pub.want("\x002")
			pub.unsubscribe("2")
			pub.topics(0)
		})
	})
	t.Run("a peer that goes takes with it what it asked for", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, pubsub(manual))
			one, two := s.connect(zmq.SUB), s.connect(zmq.SUB)
			for _, sub := range []*actor{one, two} {
				sub.subscribe("A")
				pub.want("\x01A")
				pub.subscribe("XA")
			}
			one.close()
			pub.want("\x00A")
			two.close()
			pub.want("\x00A")
			pub.topics(0)
		})
	})
	t.Run("messages of the application are no subscriptions", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub, sub := s.join(as(zmq.XPUB, pubsub(manual)), as(zmq.XSUB))
			sub.send("\x02 one frame")
			pub.want("\x02 one frame")
			sub.send("many", "frames", "")
			pub.want("many", "frames", "")
			pub.topics(0)
		})
	})
	t.Run("by way of a relay", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, pubsub(manual))
			up, down := s.connect(zmq.XSUB), s.socket(zmq.XPUB)
			sub := s.socket(zmq.XSUB)
			sub.connect(down.bind(s.another()))
			sub.send("\x01A")
			up.send(down.recv().String())
			pub.want("\x01A")
			pub.subscribe("A")
			pub.send("A", "hello")
			up.want("A", "hello")
			down.send("A", "hello")
			sub.want("A", "hello")
			sub.close()
			up.send(down.want("\x00A").String())
			pub.want("\x00A")
		})
	})
	t.Run("without it a publisher grants nothing", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			s.wrong(s.socket(zmq.XPUB).Subscribe("A"), zmq.ErrInvalid)
			s.wrong(s.socket(zmq.PUB).Subscribe("A"), zmq.ErrInvalid)
		})
	})
}

func TestXpubManualLastValue(t *testing.T) {
	last := pubsub(func(p *zmq.PubSub) { p.ManualLastValue = true })
	everywhere(t, func(s *stage) {
		pub := s.bind(zmq.XPUB, last)
		var subs []*actor
		for i := range 3 {
			sub := s.connect(zmq.SUB)
			sub.subscribe("A")
			pub.want("\x01A")
			pub.subscribe("A")
			pub.send("A", "for the newest", fmt.Sprint(i))
			sub.want("A", "for the newest", fmt.Sprint(i))
			subs = append(subs, sub)
		}
		pub.send("A", "for all")
		for _, sub := range subs {
			sub.want("A", "for all")
		}
	})
	t.Run("one that is gone or does not match is the newest no more", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, last)
			sub, other := s.connect(zmq.SUB), s.connect(zmq.SUB)
			sub.subscribe("A")
			pub.want("\x01A")
			pub.subscribe("A")
			pub.send("A", "for the newest")
			sub.want("A", "for the newest")
			other.subscribe("B")
			pub.want("\x01B")
			pub.send("A", "not for who was heard last")
			pub.send("A", "for all")
			sub.want("A", "for all")
			other.close()
			pub.want("\x00B")
			pub.send("A", "for all again")
			sub.want("A", "for all again")
		})
	})
}

func TestXpubNodrop(t *testing.T) {
	everywhere(t, func(s *stage) {
		pub := s.bind(zmq.XPUB, marks(50, 50), pubsub(func(p *zmq.PubSub) { p.NoDrop = true }))
		sub := s.connect(zmq.SUB, marks(50, 50))
		sub.subscribe("")
		pub.want("\x01")
		for range 3 {
			body := strings.Repeat("x", 10_000)
			n := pub.fill(body)
			if n < 50 {
				s.Errorf("%d messages until there is no room, want 50 or more", n)
			}
			for range n {
				sub.want(body)
			}
		}
		sub.silent()
	})
}

func TestXpubTopic(t *testing.T) {
	for _, size := range []int{1, 244, 245, 246, 247, 255, 256, 70_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			everywhere(t, func(s *stage) {
				topic := strings.Repeat("t", size)
				pub := s.bind(zmq.XPUB)
				sub := s.connect(zmq.SUB)
				sub.subscribe(topic)
				pub.want("\x01" + topic)
				pub.send(topic[:size-1])
				pub.send(topic + "x")
				sub.want(topic + "x")
				sub.unsubscribe(topic)
				pub.want("\x00" + topic)
				pub.topics(0)
			})
		})
	}
}

func TestXpubVerbose(t *testing.T) {
	for _, row := range []struct {
		name               string
		option             set
		again, less, going []string // what the second of two subscribers adds and takes
	}{
		{"neither", func(*zmq.Config) {}, nil, nil, []string{"\x00A"}},
		{"verbose", pubsub(func(p *zmq.PubSub) { p.Verbose = true }), []string{"\x01A"}, nil, []string{"\x00A"}},
		{"verboser", pubsub(func(p *zmq.PubSub) { p.Verboser = true }), []string{"\x01A"}, []string{"\x00A"}, []string{"\x00A"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(s *stage) {
				pub := s.bind(zmq.XPUB)
				pub.configure(row.option)
				one, two := s.connect(zmq.SUB), s.connect(zmq.SUB)
				one.peers(1)
				two.peers(1)
				wants := func(marker string, frames []string) { // a marker is new, so that it is told of
					s.Helper()
					for _, f := range append(slices.Clone(frames), "\x01"+marker) {
						pub.want(f)
					}
				}
				one.subscribe("A", "1")
				wants("1", []string{"\x01A"})
				one.subscribe("A", "2") // duplicates of one subscriber are forwarded
				wants("2", row.again)
				two.subscribe("A", "3")
				wants("3", row.again)
				one.unsubscribe("A") // it still has one
				one.unsubscribe("A")
				one.subscribe("4")
				wants("4", row.less)
				two.unsubscribe("unknown")
				two.close()
				gone := []string{pub.recv().String(), pub.recv().String()}
				slices.Sort(gone)
				if !slices.Equal(gone, append([]string{"\x003"}, row.going...)) {
					s.Errorf("when the second has gone: %q", gone)
				}
				pub.silent()
			})
		})
	}
}

func TestXpubWelcomeMsg(t *testing.T) {
	welcome := pubsub(func(p *zmq.PubSub) { p.Welcome = "W" })
	everywhere(t, func(s *stage) {
		pub := s.bind(zmq.XPUB, welcome)
		sub := s.socket(zmq.SUB)
		sub.subscribe("W")
		sub.connect(s.endpoint)
		pub.want("\x01W")
		sub.want("W")
		pub.configure(func(c *zmq.Config) { c.PubSub.Welcome = "" })
		sub = s.socket(zmq.SUB)
		sub.subscribe("W", "x")
		sub.connect(s.endpoint)
		pub.want("\x01x")
		pub.send("x")
		sub.want("x")
	})
	t.Run("again on another connection", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			pub := s.bind(zmq.XPUB, welcome)
			sub := s.connect(zmq.SUB)
			sub.subscribe("W")
			for range 3 {
				sub.want("W")
				pub.close()
				sub.peers(0)
				pub = s.bind(zmq.XPUB, welcome)
			}
			sub.want("W")
		})
	})
}

func TestXsubVerbose(t *testing.T) {
	everywhere(t, func(s *stage) {
		pub, sub := s.join(as(zmq.XPUB, pubsub(func(p *zmq.PubSub) { p.Verboser = true })), as(zmq.XSUB))
		twice := func() {
			s.Helper()
			for range 2 {
				sub.send("\x01A")
				pub.want("\x01A")
			}
			sub.send("\x00A")
			sub.send("\x00A")
			sub.send("a marker")
		}
		twice()
		pub.want("\x00A")
		pub.want("a marker")
		sub.configure(func(c *zmq.Config) { c.PubSub.VerboseUnsubscribe = true })
		twice()
		pub.want("\x00A") // the second takes nothing away
		pub.want("a marker")
	})
}

func TestSubForward(t *testing.T) {
	everywhere(t, func(s *stage) {
		xpub, xsub := s.socket(zmq.XPUB), s.socket(zmq.XSUB)
		pub, sub := s.socket(zmq.PUB), s.socket(zmq.SUB)
		pub.connect(xsub.bind(s.endpoint))
		sub.connect(xpub.bind(s.another()))
		sub.subscribe("A")
		xsub.send(xpub.want("\x01A").String())
		pub.topics(1)
		pub.send("B")
		pub.send("A", "of two frames")
		xpub.send(xsub.want("A", "of two frames").String(), "of two frames")
		sub.recv()
	})
}

func TestPubInvertMatching(t *testing.T) {
	everywhere(t, func(s *stage) {
		pub := s.bind(zmq.PUB)
		a, b := s.connect(zmq.SUB), s.connect(zmq.SUB)
		a.subscribe("prefix")
		b.subscribe("p", "o")
		pub.topics(3)
		send := func() {
			pub.send("prefix1")
			pub.send("pr")
			pub.send("other")
			pub.send("quite another")
		}
		// All of a that is wanted stands before what both want in the end.
		send()
		a.want("prefix1")
		b.want("prefix1")
		b.want("pr")
		b.want("other")
		for _, socket := range []*actor{pub, a, b} {
			socket.configure(func(c *zmq.Config) { c.PubSub.InvertMatching = true })
		}
		send()
		a.want("pr")
		a.want("other")
		a.want("quite another")
		b.want("quite another")
		for _, socket := range []*actor{pub, a, b} {
			socket.configure(func(c *zmq.Config) { c.PubSub.InvertMatching = false })
		}
		pub.send("prefix2")
		a.want("prefix2")
		b.want("prefix2")
	})
}

func TestPubsubTopicsCount(t *testing.T) {
	for _, types := range [][2]zmq.SocketType{{zmq.PUB, zmq.SUB}, {zmq.XPUB, zmq.XSUB}} {
		t.Run(types[0].String()+" "+types[1].String(), func(t *testing.T) {
			everywhere(t, func(s *stage) {
				pub, sub := s.join(as(types[0]), as(types[1]))
				counts := func(n int) {
					s.Helper()
					if got := sub.TopicsCount(); got != n {
						s.Errorf("the subscriber counts %d, want %d", got, n)
					}
					pub.topics(n)
				}
				counts(0)
				sub.subscribe("topic1")
				counts(1)
				sub.subscribe("topic2", "topic3")
				counts(3)
				sub.subscribe("topic1")
				counts(3) // distinct ones
				sub.subscribe("topic", "t", "")
				counts(6) // each prefix for itself
				sub.unsubscribe("topic1", "topic2", "topic3", "t")
				counts(3) // one is subscribed to once more
				sub.unsubscribe("topic1", "topic", "")
				counts(0)
			})
		})
	}
}

func TestDisconnectInproc(t *testing.T) {
	over(t, func(s *stage) {
		pub := s.bind(zmq.XPUB)
		sub := s.connect(zmq.SUB)
		sub.subscribe("topic")
		pub.want("\x01topic")
		for i := range 3 {
			pub.send("topic", fmt.Sprint(i))
			sub.want("topic", fmt.Sprint(i))
		}
		if err := sub.Disconnect(s.endpoint); err != nil {
			s.Fatal(err)
		}
		pub.want("\x00topic")
		pub.send("topic", "to nobody")
		sub.silent()
		pub.silent()
	}, "inproc")
}

// What an XSUB sends beyond its first frame is the application's, when it is told so.
func TestOnlyFirstSubscribe(t *testing.T) {
	everywhere(t, func(s *stage) {
		pub, sub := s.join(as(zmq.XPUB), as(zmq.XSUB))
		sub.send("\x01A", "\x01B", "C")
		pub.want("\x01A")
		pub.want("\x01B")
		pub.want("C")
		pub.topics(2)
		pub.configure(func(c *zmq.Config) { c.PubSub.OnlyFirstSubscribe = true })
		sub.configure(func(c *zmq.Config) { c.PubSub.OnlyFirstSubscribe = true })
		sub.send("C", "\x01D", "\x00A")
		pub.want("C", "\x01D", "\x00A")
		sub.send("\x01E", "\x01F")
		pub.want("\x01E")
		pub.want("\x01F")
		pub.topics(3)
	})
}
