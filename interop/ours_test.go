package interop

import (
	"context"
	"errors"
	"testing"
	"time"

	"zeromux/zmq"
)

// An option changes the configuration of one of our sockets.
type option func(*zmq.Config)

func withRoutingID(id string) option { return func(c *zmq.Config) { c.RoutingID = id } }

func withMandatory(c *zmq.Config) { c.Router.Mandatory = true }

func withReceiveHighWater(n int) option { return func(c *zmq.Config) { c.HighWater.Recv = n } }

func withHeartbeat(interval, timeout time.Duration) option {
	return func(c *zmq.Config) { c.Heartbeat.Interval, c.Heartbeat.Timeout = interval, timeout }
}

// ours is a socket of zeromux, in a context of its own.
type ours struct {
	t      testing.TB
	ctx    context.Context // bounds every call
	s      *zmq.Socket
	kind   string
	events chan zmq.Event
}

// ourSocket makes a socket that ends, with its context, when the test does.
func ourSocket(ctx context.Context, t *testing.T, kind string, options ...option) *ours {
	t.Helper()
	number, err := zmq.ParseSocketType(kind)
	if err != nil {
		t.Fatal(err)
	}
	config := &zmq.Config{Linger: zmq.NoLinger}
	for _, o := range options {
		o(config)
	}
	own := zmq.NewContext(nil)
	s, err := own.NewSocket(number, config)
	if err != nil {
		t.Fatal(err)
	}
	u := &ours{t: t, ctx: ctx, s: s, kind: kind, events: make(chan zmq.Event, 1000)}
	recorded := make(chan struct{})
	events := s.Events(ctx)
	go func() {
		defer close(recorded)
		for e := range events {
			u.events <- e
		}
	}()
	t.Cleanup(func() {
		u.close()
		ending, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := own.Term(ending); err != nil {
			t.Errorf("the context does not end: %v", err)
		}
		<-recorded
	})
	return u
}

func (u *ours) typeName() string { return u.kind }

func (u *ours) bind(endpoint string) string {
	u.t.Helper()
	bound, err := u.s.Bind(endpoint)
	if err != nil {
		u.t.Fatal(err)
	}
	return bound
}

func (u *ours) connect(endpoint string) {
	u.t.Helper()
	if err := u.s.Connect(endpoint); err != nil {
		u.t.Fatal(err)
	}
}

func (u *ours) close() {
	u.t.Helper()
	if err := u.s.Close(); err != nil {
		u.t.Error(err)
	}
}

func (u *ours) trySend(frames ...string) error {
	return u.s.SendString(u.ctx, frames...)
}

func (u *ours) send(frames ...string) {
	u.t.Helper()
	if err := u.trySend(frames...); err != nil {
		u.t.Fatalf("our %s sends %s: %v", u.kind, brief(frames), err)
	}
}

// tryRecv reports false when nothing has come within the time.
func (u *ours) tryRecv(timeout time.Duration) ([]string, bool) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.ctx, timeout)
	defer cancel()
	m, err := u.s.Recv(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, false
	}
	if err != nil {
		u.t.Fatalf("our %s receives: %v", u.kind, err)
	}
	frames := make([]string, len(m.Frames))
	for i, f := range m.Frames {
		frames[i] = string(f)
	}
	return frames, true
}

func (u *ours) recv() []string {
	u.t.Helper()
	frames, ok := u.tryRecv(patience)
	if !ok {
		u.t.Fatalf("nothing has come to our %s", u.kind)
	}
	return frames
}

func (u *ours) subscribe(topic string) {
	u.t.Helper()
	if u.kind == "XSUB" {
		u.send("\x01" + topic)
		return
	}
	if err := u.s.Subscribe(topic); err != nil {
		u.t.Fatal(err)
	}
}

func (u *ours) unsubscribe(topic string) {
	u.t.Helper()
	if u.kind == "XSUB" {
		u.send("\x00" + topic)
		return
	}
	if err := u.s.Unsubscribe(topic); err != nil {
		u.t.Fatal(err)
	}
}

// wait returns when an event of the kind has come that no earlier wait has seen.
func (u *ours) wait(kind zmq.EventKind) {
	u.t.Helper()
	late := time.After(patience)
	var seen []zmq.Event
	for {
		select {
		case e := <-u.events:
			if e.Kind == kind {
				return
			}
			seen = append(seen, e)
		case <-late:
			u.t.Fatalf("our %s never reports %v; it reports %v", u.kind, kind, seen)
		}
	}
}

func unreachable(err error) bool {
	return errors.Is(err, zmq.ErrHostUnreachable) || errors.Is(err, remoteError("EHOSTUNREACH"))
}
