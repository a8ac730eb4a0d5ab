package zmq_test

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"zeromux/zmq"
)

// TestMain makes memory that is used after it was recycled show, and lets no
// goroutine outlive the tests. Benchmarks want their memory as it is.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		if err := os.Setenv("ZEROMUX_POISON", "1"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// endpoints are what most tests run over, to be bound.
func endpoints(t testing.TB) map[string]string {
	return map[string]string{
		"inproc": "inproc://" + t.Name(),
		"ipc":    "ipc://" + socketPath(t),
		"tcp":    "tcp://127.0.0.1:*",
	}
}

// network are those of endpoints that have connections.
func network(t testing.TB) map[string]string {
	all := endpoints(t)
	delete(all, "inproc")
	return all
}

// unbound are endpoints that nobody has bound, but somebody can, so that a
// test can connect first.
func unbound(t testing.TB) map[string]string {
	all := endpoints(t)
	all["tcp"] = "tcp://" + freeAddress(t)
	return all
}

// socketPath is short: the path of a Unix socket has at most 107 octets.
func socketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zmq")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir + "/s"
}

// freeAddress is a tcp address that nobody listens at.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// over runs a test over each of some endpoints.
func over(t *testing.T, list func(testing.TB) map[string]string, f func(t *testing.T, endpoint string)) {
	t.Helper()
	for name := range list(t) {
		t.Run(name, func(t *testing.T) { f(t, list(t)[name]) })
	}
}

// within is a context that ends a test that hangs.
func within(t testing.TB) context.Context {
	ctx, cancel := patience()
	t.Cleanup(cancel)
	return ctx
}

// patience is how long a test waits for anything.
func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Second)
}

// newContext makes a context that is terminated with the test, at once.
func newContext(t testing.TB) *zmq.Context {
	c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true})
	t.Cleanup(func() { term(t, c) })
	return c
}

func term(t testing.TB, c *zmq.Context) {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	if err := c.Term(ctx); err != nil {
		t.Errorf("term: %v", err)
	}
}

func newSocket(t testing.TB, c *zmq.Context, typ zmq.SocketType, config *zmq.Config) *zmq.Socket {
	t.Helper()
	s, err := c.NewSocket(typ, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func bind(t testing.TB, s *zmq.Socket, endpoint string) string {
	t.Helper()
	bound, err := s.Bind(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

func connect(t testing.TB, s *zmq.Socket, endpoint string) {
	t.Helper()
	if err := s.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
}

// a and b of join: one side each.
type side struct {
	typ    zmq.SocketType
	config *zmq.Config
}

// join makes two sockets of a context, binds the first, connects the second and
// waits until they are joined.
func join(t testing.TB, c *zmq.Context, endpoint string, a, b side) (bound, connected *zmq.Socket) {
	t.Helper()
	bound = newSocket(t, c, a.typ, a.config)
	connected = newSocket(t, c, b.typ, b.config)
	connect(t, connected, bind(t, bound, endpoint))
	peers(t, bound, 1)
	peers(t, connected, 1)
	return bound, connected
}

// peers waits until s has n peers.
func peers(t testing.TB, s *zmq.Socket, n int) {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	if err := s.WaitPeers(ctx, n); err != nil {
		t.Fatal(err)
	}
}

func send(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	if err := s.SendString(ctx, frames...); err != nil {
		t.Fatal(err)
	}
}

func recv(t testing.TB, s *zmq.Socket) zmq.Message {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	m, err := s.Recv(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// want receives a message of exactly these frames.
func want(t testing.TB, s *zmq.Socket, frames ...string) zmq.Message {
	t.Helper()
	m := recv(t, s)
	if got, want := fmt.Sprintf("%q", m.Frames), fmt.Sprintf("%q", frames); got != want {
		t.Fatalf("received %s, want %s", got, want)
	}
	return m
}

// nothing checks that no message waits.
func nothing(t testing.TB, s *zmq.Socket) {
	t.Helper()
	if m, err := s.TryRecv(); err == nil {
		t.Fatalf("received %q, want nothing", m.Frames)
	} else if !is(err, zmq.ErrWouldBlock) {
		t.Fatal(err)
	}
}

// fill sends numbered messages until there is no room, and returns how many.
func fill(t testing.TB, s *zmq.Socket, most int) int {
	t.Helper()
	for n := range most {
		err := s.TrySend(zmq.NewStringMessage(fmt.Sprint(n)))
		switch {
		case is(err, zmq.ErrWouldBlock):
			return n
		case err != nil:
			t.Fatal(err)
		}
	}
	return most
}

// eventually waits until a condition holds that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	for ; !holds(); runtime.Gosched() {
		if ctx.Err() != nil {
			t.Fatalf("never: %s", what)
		}
	}
}

// events are those of a socket, from now on.
type events struct {
	t    testing.TB
	next func() (zmq.Event, bool)
}

func watch(t testing.TB, s *zmq.Socket) *events { return watchFor(within(t), t, s) }

// watchFor is watch until ctx ends.
func watchFor(ctx context.Context, t testing.TB, s *zmq.Socket) *events {
	next, stop := iter.Pull(s.Events(ctx))
	t.Cleanup(stop)
	return &events{t, next}
}

// await skips to the next event of a kind.
func (w *events) await(kind zmq.EventKind) zmq.Event {
	w.t.Helper()
	for {
		e, ok := w.next()
		if !ok {
			w.t.Fatalf("no event %q", kind)
		}
		if e.Kind == kind {
			return e
		}
	}
}
