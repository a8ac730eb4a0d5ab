package conformance

import (
	"testing"

	"zeromux/zmq"
)

// Subscriptions that the application grants by hand, with a proxy on the way.

// Each grant of an XPUB is for the proxy, which passes on what it gets to those who
// asked for it.
func TestXpubManualThroughAProxy(t *testing.T) {
	everywhere(t, func(s *stage) {
		front, frontend := s.bindElsewhere(zmq.XSUB)
		back, backend := s.bindElsewhere(zmq.XPUB)
		r := s.run(&zmq.Proxy{Frontend: front.Socket, Backend: back.Socket})
		pub := s.connectTo(frontend, zmq.XPUB, pubsub(manual))
		one, two := s.connectTo(backend, zmq.SUB), s.connectTo(backend, zmq.SUB)
		one.subscribe("A")
		pub.want("\x01A")
		pub.send("A", "before it is granted")
		pub.subscribe("A")
		pub.send("A", "granted")
		one.want("A", "granted")
		two.subscribe("B")
		pub.want("\x01B")
		pub.subscribe("B1") // and no more
		pub.send("B", "not granted")
		pub.send("B1", "granted")
		two.want("B1", "granted")
		one.close()
		pub.want("\x00A")
		two.close()
		pub.want("\x00B")
		s.until("the proxy has nobody left", func() bool { return back.TopicsCount() == 0 })
		r.stop()
	})
}

// An XPUB that asks for each grant is the backend of a proxy that is played by hand:
// what is heard of a subscriber goes up to the publisher, and what it says is granted
// to that one alone. When he goes, that goes up as well.
func TestXpubManualAsABackend(t *testing.T) {
	everywhere(t, func(s *stage) {
		front, frontend := s.bindElsewhere(zmq.XSUB)
		back, backend := s.bindElsewhere(zmq.XPUB, pubsub(manual))
		pub := s.connectTo(frontend, zmq.PUB)
		front.peers(1)
		one, two := s.connectTo(backend, zmq.XSUB), s.connectTo(backend, zmq.XSUB) // which do not filter
		// passUp hands on what a subscriber wants.
		passUp := func(heard string) {
			s.Helper()
			back.want(heard)
			if heard[0] == 1 {
				back.subscribe("topic " + heard[1:])
				front.send("\x01topic " + heard[1:])
			} else {
				front.send("\x00topic " + heard[1:])
			}
		}
		one.subscribe("1") // libzmq once granted the first of two subscriptions twice
		passUp("\x011")
		two.subscribe("2")
		passUp("\x012")
		pub.topics(2)
		pub.send("topic 3", "nobody has asked")
		for _, words := range []string{"hello", "again"} {
			for topic, sub := range map[string]*actor{"topic 1": one, "topic 2": two} {
				pub.send(topic, words)
				front.want(topic, words)
				back.send(topic, words)
				sub.want(topic, words) // and before this nothing of the other's
			}
		}
		one.close()
		passUp("\x001")
		pub.topics(1)
		two.close()
		passUp("\x002")
		pub.topics(0)
	})
}
