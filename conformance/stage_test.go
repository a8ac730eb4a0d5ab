package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// A stage is where a test of the checklist plays: a context, and an endpoint of one
// transport.
type stage struct {
	*testing.T
	ctx      *zmq.Context
	scheme   string
	endpoint string // to be bound; what was bound, from then on
	late     bool   // join connects before it binds
}

// overTLS is a transport that libzmq has not, and that does in every other way as tcp.
const overTLS = "tls+tcp"

// everywhere plays over every transport.
func everywhere(t *testing.T, play func(*stage)) { over(t, play, "tcp", "ipc", "inproc", overTLS) }

// overNetwork plays where there are connections.
func overNetwork(t *testing.T, play func(*stage)) { over(t, play, "tcp", "ipc", overTLS) }

// over plays over some transports, each in a sub-test of its name.
func over(t *testing.T, play func(*stage), schemes ...string) {
	t.Helper()
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) { play(newStage(t, scheme)) })
	}
}

// inBothOrders plays everywhere, once with the bind first, once with the connect.
func inBothOrders(t *testing.T, play func(*stage)) {
	t.Helper()
	everywhere(t, func(s *stage) {
		for _, late := range []bool{false, true} {
			s.Run(map[bool]string{false: "bind first", true: "connect first"}[late], func(t *testing.T) {
				s := newStage(t, s.scheme)
				if s.late = late; late {
					s.reserve()
				}
				play(s)
			})
		}
	})
}

// newStage makes a stage that is cleared with the test. Closing a socket of it
// drops what is unsent.
func newStage(t *testing.T, scheme string) *stage {
	s := &stage{T: t, scheme: scheme, ctx: newContext(t, nil)}
	s.endpoint = s.another()
	return s
}

// newContext makes a context that is terminated with the test; its default is not to
// linger.
func newContext(t *testing.T, config *zmq.ContextConfig) *zmq.Context {
	if config == nil {
		config = &zmq.ContextConfig{}
	}
	config.NotBlocky = true
	c := zmq.NewContext(config)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := c.Term(ctx); err != nil {
			t.Errorf("term: %v", err)
		}
	})
	return c
}

// another returns an endpoint of the stage's transport that nobody has.
func (s *stage) another() string {
	switch s.scheme {
	case "tcp", overTLS:
		return s.scheme + "://127.0.0.1:*"
	case "ipc":
		dir, err := os.MkdirTemp("", "zmq") // a path of ipc is short
		if err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() { _ = os.RemoveAll(dir) })
		return "ipc://" + dir + "/s"
	}
	return inprocName()
}

var inprocNames atomic.Int64

// inprocName returns an endpoint within the process that no other call returns.
func inprocName() string { return fmt.Sprintf("inproc://conformance-%d", inprocNames.Add(1)) }

// reserve makes the endpoint one that can be connected to before it is bound.
func (s *stage) reserve() {
	if s.scheme == "tcp" || s.scheme == overTLS {
		s.endpoint = s.scheme + "://" + freeAddress(s.T)
	}
}

// freeAddress is a tcp address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A set changes an option of a socket to be.
type set func(*zmq.Config)

func named(id string) set { return func(c *zmq.Config) { c.RoutingID = id } }

func marks(send, recv int) set {
	return func(c *zmq.Config) { c.HighWater = zmq.HighWater{Send: send, Recv: recv} }
}

func lingering(c *zmq.Config) { c.Linger = zmq.Forever }

func mandatory(c *zmq.Config) { c.Router.Mandatory = true }

// An actor is a socket that fails its test by itself.
type actor struct {
	*zmq.Socket
	t *stage
}

// socket makes a socket that connects again without delay.
func (s *stage) socket(typ zmq.SocketType, options ...set) *actor {
	s.Helper()
	config := &zmq.Config{Reconnect: zmq.Reconnect{Interval: time.Millisecond}}
	if s.scheme == overTLS {
		config.TLS.Config = bothSides()
	}
	for _, o := range options {
		o(config)
	}
	socket, err := s.ctx.NewSocket(typ, config)
	if err != nil {
		s.Fatal(err)
	}
	return &actor{socket, s}
}

// bind makes a socket and binds it to the endpoint of the stage.
func (s *stage) bind(typ zmq.SocketType, options ...set) *actor {
	s.Helper()
	a := s.socket(typ, options...)
	s.endpoint = a.bind(s.endpoint)
	return a
}

// connect makes a socket and connects it to the endpoint of the stage.
func (s *stage) connect(typ zmq.SocketType, options ...set) *actor {
	s.Helper()
	a := s.socket(typ, options...)
	a.connect(s.endpoint)
	return a
}

// A role is what sort of socket an actor is.
type role struct {
	typ     zmq.SocketType
	options []set
}

func as(typ zmq.SocketType, options ...set) role { return role{typ, options} }

// join makes two sockets that are bound and connected, in the order of the stage,
// and waits until they know each other.
func (s *stage) join(bound, connected role) (a, b *actor) {
	s.Helper()
	if s.late {
		b = s.connect(connected.typ, connected.options...)
		a = s.bind(bound.typ, bound.options...)
	} else {
		a = s.bind(bound.typ, bound.options...)
		b = s.connect(connected.typ, connected.options...)
	}
	a.peers(1)
	b.peers(1)
	return a, b
}

// until waits until something is so that nothing announces.
func (s *stage) until(what string, so func() bool) {
	s.Helper()
	ctx, cancel := s.within()
	defer cancel()
	if until(ctx, so) != nil {
		s.Fatalf("never: %s", what)
	}
}

// within is a context that ends a call which hangs.
func (s *stage) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func (a *actor) bind(endpoint string) string {
	a.t.Helper()
	bound, err := a.Bind(endpoint)
	if err != nil {
		a.t.Fatal(err)
	}
	return bound
}

func (a *actor) connect(endpoint string) {
	a.t.Helper()
	if err := a.Connect(endpoint); err != nil {
		a.t.Fatal(err)
	}
}

func (a *actor) close() {
	a.t.Helper()
	if err := a.Close(); err != nil {
		a.t.Error(err)
	}
}

// peers waits until there are n peers, or none.
func (a *actor) peers(n int) {
	a.t.Helper()
	a.t.until(fmt.Sprintf("%v has %d peers", a.Type(), n), func() bool { return a.Stats().Peers == n })
}

// subscribe asks for topics, as the type does.
func (a *actor) subscribe(topics ...string) {
	a.t.Helper()
	for _, topic := range topics {
		if a.Type() == zmq.XSUB {
			a.send("\x01" + topic)
		} else if err := a.Subscribe(topic); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *actor) unsubscribe(topics ...string) {
	a.t.Helper()
	for _, topic := range topics {
		if a.Type() == zmq.XSUB {
			a.send("\x00" + topic)
		} else if err := a.Unsubscribe(topic); err != nil {
			a.t.Fatal(err)
		}
	}
}

// topics waits until a socket counts n topics.
func (a *actor) topics(n int) {
	a.t.Helper()
	a.t.until(fmt.Sprintf("%v counts %d topics", a.Type(), n), func() bool { return a.TopicsCount() == n })
}

func (a *actor) send(frames ...string) {
	a.t.Helper()
	ctx, cancel := a.t.within()
	defer cancel()
	if err := a.SendString(ctx, frames...); err != nil {
		a.t.Fatalf("%.80q: %v", frames, err)
	}
}

// try sends if that needs no waiting, and returns the error.
func (a *actor) try(frames ...string) error { return a.TrySend(zmq.NewStringMessage(frames...)) }

func (a *actor) recv() zmq.Message {
	a.t.Helper()
	ctx, cancel := a.t.within()
	defer cancel()
	m, err := a.Recv(ctx)
	if err != nil {
		a.t.Fatal(err)
	}
	return m
}

// want receives a message of exactly these frames.
func (a *actor) want(frames ...string) zmq.Message {
	a.t.Helper()
	m := a.recv()
	if !equal(m, frames) {
		a.t.Fatalf("%v received %.200q, want %.200q", a.Type(), m.Frames, frames)
	}
	return m
}

func equal(m zmq.Message, frames []string) bool {
	if len(m.Frames) != len(frames) {
		return false
	}
	for i, f := range m.Frames {
		if !bytes.Equal(f, []byte(frames[i])) {
			return false
		}
	}
	return true
}

// silent checks that nothing waits. Whoever calls it knows that all has arrived.
func (a *actor) silent() {
	a.t.Helper()
	if m, err := a.TryRecv(); err == nil {
		a.t.Fatalf("%v received %.200q, want nothing", a.Type(), m.Frames)
	} else if !errors.Is(err, zmq.ErrWouldBlock) {
		a.t.Fatal(err)
	}
}

// blocked checks that sending would wait.
func (a *actor) blocked() {
	a.t.Helper()
	if err := a.try("x"); !errors.Is(err, zmq.ErrWouldBlock) {
		a.t.Fatalf("%v could send: %v", a.Type(), err)
	}
}

// wrong checks that a call failed for the right reason.
func (s *stage) wrong(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("got %v, want %v", err, want)
	}
}

// fill sends copies of a message until sending would wait for good, and returns how
// many it sent. What a connection takes for itself, it takes in its own time: so it
// is full when it was so for a while.
func (a *actor) fill(frames ...string) (n int) {
	a.t.Helper()
	full := 0
	a.t.until("there is no room", func() bool {
		for full++; a.try(frames...) == nil; n++ {
			full = 0
		}
		return full > 30 || a.t.scheme == "inproc"
	})
	return n
}

// bothSides is what every socket over TLS is configured with: a certificate that all of
// them have, and trust. It is made once.
var bothSides = sync.OnceValue(func() *tls.Config {
	t := new(testing.T) // it fails where there are no random numbers
	a := zmtptest.NewAuthority(t, "test authority")
	return &tls.Config{
		Certificates: []tls.Certificate{a.Issue(t, "127.0.0.1")}, RootCAs: a.Pool(), ClientCAs: a.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}
})
