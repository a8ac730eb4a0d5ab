package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
	"zeromux/zmtp"
)

// ours is a socket that plays a side of a vector which libzmq played.
type ours struct {
	testing.TB
	vector *zmtptest.Vector
	side   zmtptest.Side
	dir    zmtptest.Direction // that of our octets
	ctx    *zmq.Context
	socket *zmq.Socket
	conns  chan net.Conn // the other ends of connections
	stop   func()        // of what made them

	mu     sync.Mutex // guards what follows
	asked  [][][]byte // what a ZAP handler was
	events []zmq.Event
	ids    map[string][]byte // recorded routing ids that were made up, and ours
	over   chan struct{}     // closed when there are no more events
}

// asServer and asClient say which side of a vector is ours.
func asServer(dir zmtptest.Direction) bool { return dir == zmtptest.ServerToClient }

// newOurs makes the socket. wire opens the connection.
func newOurs(t testing.TB, v *zmtptest.Vector, dir zmtptest.Direction, wire func(*ours, *zmq.Config)) *ours {
	t.Helper()
	o := &ours{
		TB: t, vector: v, side: v.Client, dir: dir, ctx: zmq.NewContext(nil),
		conns: make(chan net.Conn, 100), ids: make(map[string][]byte), over: make(chan struct{}), stop: func() {},
	}
	if asServer(dir) {
		o.side = v.Server
	}
	typ, err := zmq.ParseSocketType(o.side.Socket)
	if err != nil {
		t.Fatal(err)
	}
	config := o.config()
	wire(o, config)
	if o.socket, err = o.ctx.NewSocket(typ, config); err != nil {
		t.Fatal(err)
	}
	if len(v.ZAP) > 0 && asServer(dir) {
		o.handle()
	}
	events := o.socket.Events(context.Background())
	go func() {
		defer close(o.over)
		for e := range events {
			o.mu.Lock()
			o.events = append(o.events, e)
			o.mu.Unlock()
		}
	}()
	for _, topic := range o.side.Options.Texts("SUBSCRIBE") {
		if err := o.socket.Subscribe(topic); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// config is libzmq's options in our words. One that is not known here fails the
// test, so that none is forgotten.
func (o *ours) config() *zmq.Config {
	c := &zmq.Config{Linger: 100 * time.Millisecond}
	c.Reconnect.Interval = 50 * time.Millisecond
	for name := range o.side.Options {
		number, _ := o.side.Options.Number(name)
		text := strings.Join(o.side.Options.Texts(name), "")
		ms := time.Duration(number) * time.Millisecond
		switch name {
		case "SUBSCRIBE":
		case "ROUTING_ID":
			c.RoutingID = text
		case "METADATA":
			key, value, _ := strings.Cut(text, ":")
			c.Metadata = map[string]string{key: value}
		case "HANDSHAKE_IVL":
			c.Reconnect.HandshakeTimeout = ms
		case "HEARTBEAT_IVL":
			c.Heartbeat.Interval = ms
		case "HEARTBEAT_TIMEOUT":
			c.Heartbeat.Timeout = ms
		case "HEARTBEAT_TTL":
			c.Heartbeat.TTL = ms
		case "MAXMSGSIZE":
			c.Limits.MessageSize = int64(number)
		case "PROBE_ROUTER":
			c.Router.Probe = number != 0
		case "ROUTER_HANDOVER":
			c.Router.Handover = number != 0
		case "REQ_CORRELATE":
			c.Req.Correlate = number != 0
		case "XPUB_WELCOME_MSG":
			c.PubSub.Welcome = text
		case "PLAIN_SERVER":
			c.Security.Plain.Server = number != 0
		case "PLAIN_USERNAME":
			c.Security.Plain.Username = text
		case "PLAIN_PASSWORD":
			c.Security.Plain.Password = zmq.Secret(text)
		case "CURVE_SERVER":
			c.Security.Curve.Server = number != 0
		case "CURVE_PUBLICKEY":
			c.Security.Curve.PublicKey = zmq.CurvePublicKey([]byte(text))
		case "CURVE_SERVERKEY":
			c.Security.Curve.ServerKey = zmq.CurvePublicKey([]byte(text))
		case "CURVE_SECRETKEY":
			key, err := zmq.ParseCurveSecretKey(text)
			if err != nil {
				o.Fatal(err)
			}
			c.Security.Curve.SecretKey = key
		case "ZAP_DOMAIN":
			c.Security.ZAPDomain = text
		case "ZAP_ENFORCE_DOMAIN":
			c.Security.ZAPEnforceDomain = number != 0
		default:
			o.Fatalf("option %s is not known to this test", name)
		}
	}
	return c
}

// heard returns the events of handshakes and losses so far.
func (o *ours) heard() (events []zmtptest.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	names := map[zmq.EventKind]string{
		zmq.EventHandshakeSucceeded: "HANDSHAKE_SUCCEEDED", zmq.EventDisconnected: "DISCONNECTED",
		zmq.EventHandshakeFailedNoDetail: "HANDSHAKE_FAILED_NO_DETAIL", zmq.EventConnectRetried: "CONNECT_RETRIED",
		zmq.EventHandshakeFailedProtocol: "HANDSHAKE_FAILED_PROTOCOL", zmq.EventHandshakeFailedAuth: "HANDSHAKE_FAILED_AUTH",
	}
	for _, e := range o.events {
		if name := names[e.Kind]; name != "" {
			event := zmtptest.Event{Name: name, Value: uint32(e.Value)}
			if name == "CONNECT_RETRIED" || name == "DISCONNECTED" || name == "HANDSHAKE_SUCCEEDED" {
				event.Value = 0 // a pause, or libzmq's descriptor
			}
			events = append(events, event)
		}
	}
	return events
}

// gone reports whether a connection is over.
func (o *ours) gone() bool {
	return slices.ContainsFunc(o.heard(), func(e zmtptest.Event) bool { return e.Name == "DISCONNECTED" })
}

// close ends the socket and its context.
func (o *ours) close() {
	o.Helper()
	if err := o.socket.Close(); err != nil {
		o.Error(err)
	}
	if err := o.ctx.Term(context.Background()); err != nil {
		o.Error(err)
	}
	<-o.over
	o.stop()
}

// A deed is something that the application does with the socket.
type deed struct {
	call zmtptest.Call
	// before is how many subscriptions must have arrived before it, or have been
	// sent by a subscriber.
	before int
	// heard says that a publisher has sent it to somebody.
	heard bool
}

// deeds are the recorded calls of our side, in an order that does not depend on
// time: what a publisher sent and nobody got is sent before what was got next to it,
// so that the subscription which that led to cannot come too early. The calls that
// changed subscriptions were not recorded, and are made up of what they sent.
func (o *ours) deeds() (deeds []deed) {
	who := "client"
	if asServer(o.dir) {
		who = "server"
	}
	for _, call := range o.vector.API {
		if call.Side == who {
			deeds = append(deeds, deed{call: call})
		}
	}
	if o.vector.Name == "odd-req-reply-no-delimiter" {
		// libzmq looks at a reply when it comes, we when the application does.
		deeds = append(deeds, deed{call: zmtptest.Call{Op: "recv-timeout"}})
	}
	switch o.side.Socket {
	case "PUB", "XPUB":
		return o.publishing(deeds)
	case "SUB":
		return o.subscribing(deeds)
	}
	return deeds
}

// publishing finds out, for each message that is sent, which subscriptions were
// there.
func (o *ours) publishing(deeds []deed) []deed {
	subscriptions := 0
	if strings.HasPrefix(o.vector.Name, "zmtp10-") && o.vector.Name != "zmtp10-versioned-sub-to-pub" {
		subscriptions = 1 // that of a peer which cannot ask
	}
	steps := o.vector.Steps
	last := 0
	for i := range deeds {
		if deeds[i].call.Op != "send" {
			continue
		}
		at := last
		for at < len(steps) && (steps[at].Dir != o.dir || !bytes.HasSuffix(steps[at].Octets, deeds[i].call.Frames[0])) {
			at++
		}
		if at == len(steps) && slices.ContainsFunc(deeds[i:], func(d deed) bool { return o.appears(d, last+1) }) {
			deeds[i].before = subscriptions
			if i > 0 {
				deeds[i-1], deeds[i] = deeds[i], deeds[i-1]
			}
			continue
		}
		for ; last < at; last++ {
			if steps[last].Dir != o.dir && isSubscription(steps[last].Octets) {
				subscriptions++
			}
		}
		deeds[i].heard = at < len(steps)
		last++ // behind this message
		deeds[i].before = subscriptions
	}
	return deeds
}

// appears reports whether what a deed sends is on the wire from a step on.
func (o *ours) appears(d deed, from int) bool {
	return d.call.Op == "send" && slices.ContainsFunc(o.vector.Steps[min(from, len(o.vector.Steps)):], func(s zmtptest.Step) bool {
		return s.Dir == o.dir && bytes.HasSuffix(s.Octets, d.call.Frames[0])
	})
}

// isSubscription reports whether a unit asks for messages, or takes that back.
func isSubscription(octets []byte) bool {
	h, n, err := zmtp.ParseHeader(octets)
	if err != nil || n == len(octets) {
		return false
	}
	body := octets[n:]
	if h.Flags&zmtp.FlagCommand != 0 {
		return bytes.HasPrefix(body, []byte("\x09SUBSCRIBE")) || bytes.HasPrefix(body, []byte("\x06CANCEL"))
	}
	return body[0] <= 1
}

// subscribing adds the calls that subscribe and unsubscribe.
func (o *ours) subscribing(recorded []deed) (deeds []deed) {
	sent := 0
	counts := make(map[string]int)
	for _, topic := range o.side.Options.Texts("SUBSCRIBE") {
		counts[topic]--
	}
	for _, step := range o.vector.Steps {
		switch {
		case step.Dir != o.dir:
			if len(recorded) > 0 && endsMessage(step.Octets, recorded[0].call.Frames) {
				deeds, recorded = append(deeds, recorded[0]), recorded[1:]
			}
		case !isSubscription(step.Octets) || strings.Contains(o.vector.Name, "topic-25"):
			// What libzmq garbled are the topics of the options.
		default:
			h, n, _ := zmtp.ParseHeader(step.Octets)
			body := step.Octets[n:]
			topic, subscribe := string(body[1:]), body[0] == 1
			if h.Flags&zmtp.FlagCommand != 0 {
				topic, subscribe = strings.CutPrefix(string(body), "\x09SUBSCRIBE")
				if !subscribe {
					topic = strings.TrimPrefix(topic, "\x06CANCEL")
				}
			}
			call := zmtptest.Call{Op: "subscribe", Frames: [][]byte{[]byte(topic)}}
			if !subscribe {
				call.Op = "unsubscribe"
			}
			if counts[topic]++; counts[topic] > 0 || !subscribe {
				deeds = append(deeds, deed{call: call, before: sent})
			}
			sent++
		}
	}
	return append(deeds, recorded...)
}

// endsMessage reports whether a unit is the last frame of a message.
func endsMessage(octets []byte, frames [][]byte) bool {
	_, n, err := zmtp.ParseHeader(octets)
	return err == nil && len(frames) > 0 && bytes.Equal(octets[n:], frames[len(frames)-1])
}

// do does all deeds.
func (o *ours) do() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	deeds := o.deeds()
	if len(deeds) > 0 {
		if err := until(ctx, func() bool { return o.socket.Stats().Peers > 0 || o.gone() }); err != nil {
			return errors.New("no peer came")
		}
	}
	for i, d := range deeds {
		if err := o.doOne(ctx, d); err != nil {
			return fmt.Errorf("call %d, %s %.80q: %w", i, d.call.Op, d.call.Frames, err)
		}
	}
	return nil
}

// patience is how long anything may take.
const patience = 10 * time.Second

func (o *ours) doOne(ctx context.Context, d deed) error {
	switch d.call.Op {
	case "send":
		if err := until(ctx, func() bool { return o.socket.Stats().Received >= uint64(d.before) }); err != nil {
			return fmt.Errorf("only %d of %d subscriptions came", o.socket.Stats().Received, d.before)
		}
		// What has come counts a moment before the publisher looks at it.
		if typ := o.socket.Type(); (typ == zmq.PUB || typ == zmq.XPUB) && d.heard {
			if err := o.socket.WaitSubscribers(ctx, string(d.call.Frames[0]), 1); err != nil {
				return err
			}
		}
		return o.socket.SendFrames(ctx, o.frames(d.call.Frames)...)
	case "recv":
		m, err := o.socket.Recv(ctx)
		if err != nil {
			return err
		}
		return o.compare(m, d.call)
	case "recv-timeout":
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if m, err := o.socket.Recv(short); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("received %q, %w", m.Frames, err)
		}
		return nil
	case "subscribe", "unsubscribe":
		if err := until(ctx, func() bool { return o.socket.Stats().Sent >= uint64(d.before) }); err != nil {
			return fmt.Errorf("only %d of %d subscriptions were sent", o.socket.Stats().Sent, d.before)
		}
		topic := string(d.call.Frames[0])
		if d.call.Op == "subscribe" {
			return o.socket.Subscribe(topic)
		}
		if o.vector.Name == "null-xpub-sub-duplicates" { // the first of two is not seen
			if err := o.socket.Unsubscribe(topic); err != nil {
				return err
			}
		}
		return o.socket.Unsubscribe(topic)
	}
	return fmt.Errorf("no such call: %s", d.call.Op)
}

// until waits until something is so.
func until(ctx context.Context, so func() bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// madeUp reports whether a frame is a routing id that a socket made up.
func (o *ours) madeUp(i int, frame []byte) bool {
	return i == 0 && len(frame) == 5 && frame[0] == 0 && (o.side.Socket == "ROUTER" || o.side.Socket == "STREAM")
}

// frames are recorded frames with our routing ids.
func (o *ours) frames(recorded [][]byte) [][]byte {
	frames := slices.Clone(recorded)
	if len(frames) > 0 && o.madeUp(0, frames[0]) {
		frames[0] = o.ids[string(frames[0])]
	}
	return frames
}

// compare compares a message with a recorded one.
func (o *ours) compare(m zmq.Message, want zmtptest.Call) error {
	if len(m.Frames) > 0 && len(want.Frames) > 0 && o.madeUp(0, want.Frames[0]) {
		if !o.madeUp(0, m.Frames[0]) {
			return fmt.Errorf("a made-up routing id reads %x", m.Frames[0])
		}
		if o.ids[string(want.Frames[0])] == nil {
			o.ids[string(want.Frames[0])] = bytes.Clone(m.Frames[0])
		}
	}
	if !slices.EqualFunc(m.Frames, o.frames(want.Frames), bytes.Equal) {
		return fmt.Errorf("received %.80q", m.Frames)
	}
	for name, value := range want.Metadata {
		got, _ := m.Property(name)
		if name == "Peer-Address" && (o.vector.Transport != "tcp" || got != "127.0.0.1") {
			continue // a descriptor's, or a pipe's
		}
		if got != value {
			return fmt.Errorf("property %s is %q, want %q", name, got, value)
		}
	}
	return nil
}
