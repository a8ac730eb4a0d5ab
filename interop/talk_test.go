package interop

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// shapes are messages with something to get wrong: empty frames, many frames,
// and the sizes at which the length of a frame changes its form.
func shapes() [][]string {
	return [][]string{
		{"hello"},
		{""},
		{"one", "two", "three"},
		{"", "between empty frames", ""},
		{"", ""},
		{strings.Repeat("s", 255)},
		{strings.Repeat("l", 256)},
		{"head", strings.Repeat("0123456789abcdef", 1<<16), "tail"}, // 1 MiB
		strings.Split(strings.Repeat("many ", 100), " "),
	}
}

// talk lets two ends say what their types allow, a first.
func talk(t *testing.T, a, b end) {
	t.Helper()
	switch a.typeName() + "-" + b.typeName() {
	case "PUSH-PULL":
		oneWay(t, a, b)
	case "PAIR-PAIR", "DEALER-DEALER":
		oneWay(t, a, b)
		oneWay(t, b, a)
	case "PUB-SUB", "PUB-XSUB", "XPUB-SUB", "XPUB-XSUB":
		publish(t, a, b)
	case "REQ-REP":
		echo(t, a, b, nil, nil)
	case "REQ-ROUTER":
		echo(t, a, b, nil, []string{""})
	case "DEALER-REP":
		echo(t, a, b, []string{""}, nil)
	case "DEALER-ROUTER":
		echo(t, a, b, nil, nil)
	case "ROUTER-ROUTER":
		addressed(t, a, b)
	default:
		t.Fatalf("%s and %s have nothing to say to each other", a.typeName(), b.typeName())
	}
}

// oneWay sends each shape, and then a run of messages whose order is checked.
func oneWay(t *testing.T, from, to end) {
	t.Helper()
	for _, shape := range shapes() {
		from.send(shape...)
		wantFrames(t, to.recv(), shape...)
	}
	for i := range 100 {
		from.send("number", strconv.Itoa(i))
	}
	for i := range 100 {
		wantFrames(t, to.recv(), "number", strconv.Itoa(i))
	}
}

// echo sends each shape from a to b and back. The prefixes are what a itself
// puts in front of a message, and what b sees there beyond a's routing id.
func echo(t *testing.T, a, b end, aPrefix, bPrefix []string) {
	t.Helper()
	for _, shape := range shapes() {
		a.send(join2(aPrefix, shape)...)
		request := b.recv()
		want := join2(bPrefix, shape)
		if b.typeName() == "ROUTER" {
			if id := request[0]; len(id) != 5 || id[0] != 0 {
				t.Fatalf("the routing id made for a peer is %q, want 5 octets, the first 0", id)
			}
			want = join2(request[:1], want)
		}
		wantFrames(t, request, want...)
		b.send(request...)
		wantFrames(t, a.recv(), join2(aPrefix, shape)...)
	}
}

// addressed lets two ROUTERs that know each other's routing id talk.
func addressed(t *testing.T, a, b end) {
	t.Helper()
	ids := map[bool]string{true: "us", false: "them"}
	_, weAreA := a.(*ours)
	aID, bID := ids[weAreA], ids[!weAreA]
	sendOnceReachable(t, a, bID, "hello")
	wantFrames(t, b.recv(), aID, "hello")
	for _, shape := range shapes() {
		b.send(join2([]string{aID}, shape)...)
		wantFrames(t, a.recv(), join2([]string{bID}, shape)...)
		a.send(join2([]string{bID}, shape)...)
		wantFrames(t, b.recv(), join2([]string{aID}, shape)...)
	}
}

// sendOnceReachable sends from a ROUTER told to mind, as soon as the peer that
// the first frame names is there.
func sendOnceReachable(t *testing.T, router end, frames ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		err := router.trySend(frames...)
		if err == nil {
			return
		}
		if !unreachable(err) || time.Now().After(deadline) {
			t.Fatalf("to the peer %q: %v", frames[0], err)
		}
	}
}

// publish subscribes to one topic and to one more, unsubscribes the second, and
// looks at what comes.
func publish(t *testing.T, pub, sub end) {
	t.Helper()
	sub.subscribe("t")
	subscribed(t, pub, sub, "t")
	for _, shape := range shapes() {
		shape = append([]string{"topic"}, shape...)
		pub.send("nobody wants this", "x")
		pub.send(shape...)
		wantFrames(t, sub.recv(), shape...)
	}
	long := strings.Repeat("a long topic ", 100)
	sub.subscribe(long)
	subscribed(t, pub, sub, long)
	pub.send(long+" and more", "x")
	wantFrames(t, sub.recv(), long+" and more", "x")

	sub.unsubscribe("t")
	unsubscribed(t, pub, sub, "t", long)
}

// subscribed returns when the publisher knows of the subscription: XPUB says
// so, for PUB something is published until it arrives.
func subscribed(t *testing.T, pub, sub end, topic string) {
	t.Helper()
	if pub.typeName() != "XPUB" {
		probe(t, pub, sub, topic)
		return
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got, ok := pub.tryRecv(20 * time.Millisecond); ok {
			wantFrames(t, got, "\x01"+topic)
			return
		}
		// A libzmq socket that binds takes note of a new peer, and tells it its
		// subscriptions, only inside a call.
		if got, ok := sub.tryRecv(0); ok {
			t.Fatalf("%s comes before anything was published", brief(got))
		}
	}
	t.Fatalf("XPUB never hears of the subscription to %s", brief([]string{topic}))
}

// probe publishes to the topic until some of it arrives, and drains the rest.
func probe(t *testing.T, pub, sub end, topic string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		pub.send(topic, "probe")
		if got, ok := sub.tryRecv(20 * time.Millisecond); ok {
			wantFrames(t, got, topic, "probe")
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the subscription to %q never arrives", brief([]string{topic}))
		}
	}
	pub.send(topic, "last probe")
	for got := sub.recv(); got[1] != "last probe"; got = sub.recv() {
		wantFrames(t, got, topic, "probe")
	}
}

// unsubscribed waits until the publisher no longer sends the topic, with the
// help of another one that is still wanted, and checks that this one still comes.
func unsubscribed(t *testing.T, pub, sub end, topic, wanted string) {
	t.Helper()
	if pub.typeName() == "XPUB" {
		wantFrames(t, pub.recv(), "\x00"+topic)
		pub.send(topic, "unwanted")
		pub.send(wanted, "wanted")
		wantFrames(t, sub.recv(), wanted, "wanted")
		return
	}
	for deadline := time.Now().Add(patience); ; {
		pub.send(topic, "unwanted")
		pub.send(wanted, "wanted")
		got := sub.recv()
		if got[0] == wanted {
			return
		}
		wantFrames(t, got, topic, "unwanted")
		wantFrames(t, sub.recv(), wanted, "wanted")
		if time.Now().After(deadline) {
			t.Fatalf("%q still comes after it was unsubscribed", topic)
		}
	}
}

// join2 is a new slice of both.
func join2(a, b []string) []string {
	return append(append([]string{}, a...), b...)
}
