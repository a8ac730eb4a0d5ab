// Package transporttest is the battery of tests that every transport passes.
// It is for tests alone.
package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"zeromux/transport"
)

// patience is how long anything may take that should happen soon.
const patience = 10 * time.Second

// Subject is a transport to be tested.
type Subject struct {
	Transport transport.Transport

	// Bind returns an address to listen at, fresh for each call. It may be a
	// wildcard.
	Bind func(t testing.TB) string

	// Vanishes says that an address that Bind brought forth cannot be bound
	// again under the name that the listener reports.
	Vanishes bool

	// Nobody returns an address in good form where nobody listens.
	Nobody func(t testing.TB) string
}

// Carrier returns the connection that carries c, and is carried by none itself.
func Carrier(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = outer.NetConn()
	}
}

// Run runs the battery.
func Run(t *testing.T, s Subject) {
	tests := []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"dialling where nobody listens is an error", dialNobody},
		{"octets reach the other end both ways", echo},
		{"nil options are the default options", nilOptions},
		{"the address that a listener reports can be dialled", reported},
		{"an address is free when Close returns", closeFrees},
		{"an address that was bound and freed has nobody", dialAfterClose},
		{"connections are accepted by many goroutines at once", concurrentAccept},
		{"Close wakes every waiting Accept", closeWakes},
		{"Close may be called twice and from two goroutines", closeTwice},
		{"accepted connections outlive their listener", outlive},
		{"the listener does not depend on the context it was made with", listenContext},
		{"a cancelled context opens nothing", cancelled},
		{"a cancelled Dial returns soon", cancelDial},
		{"ConnectTimeout ends a Dial that takes too long", connectTimeout},
		{"a Dialer opens the connection", dialer},
		{"a Dialer that opens nothing is an error", idleDialer},
		{"the sizes of buffers may be chosen", buffers},
		{"negative sizes are refused", negativeBuffers},
		{"the backlog may be as short as can be", backlog},
	}
	// The first socket of a process makes the runtime open descriptors of its own.
	Listen(t, s.Transport, s.Bind(t), nil).Close()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := descriptors(t)
			test.run(t, s)
			if after := descriptors(t); after > before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

// Listen binds address and closes the listener when the test ends.
func Listen(t testing.TB, tr transport.Transport, address string, o *transport.Options) transport.Listener {
	t.Helper()
	l, err := tr.Listen(Context(t), address, o)
	if err != nil {
		t.Fatalf("listen at %q: %v", address, err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Pair connects to l and returns both ends, which the caller closes.
func Pair(t testing.TB, tr transport.Transport, l transport.Listener, o *transport.Options) (dialled, accepted net.Conn) {
	t.Helper()
	type result struct {
		conn net.Conn
		err  error
	}
	acceptance := make(chan result, 1)
	go func() {
		conn, err := l.Accept()
		acceptance <- result{conn, err}
	}()
	dialled, err := tr.Dial(Context(t), l.Address(), o)
	if err != nil {
		l.Close()
		<-acceptance
		t.Fatalf("dial %q: %v", l.Address(), err)
	}
	r := <-acceptance
	if r.err != nil {
		dialled.Close()
		t.Fatalf("accept at %q: %v", l.Address(), r.err)
	}
	return dialled, r.conn
}

// Exchange sends octets both ways between two ends.
func Exchange(t testing.TB, a, b net.Conn) {
	t.Helper()
	for _, way := range []struct{ from, to net.Conn }{{a, b}, {b, a}} {
		deadline := time.Now().Add(patience)
		way.from.SetDeadline(deadline)
		way.to.SetDeadline(deadline)
		sent := []byte("some octets")
		if _, err := way.from.Write(sent); err != nil {
			t.Fatalf("write: %v", err)
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(way.to, got); err != nil {
			t.Fatalf("read: %v", err)
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("got %q, want %q", got, sent)
		}
	}
}

// Context returns a context that ends before a test hangs.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Wait waits for done, and fails the test if it takes long.
func Wait(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s takes too long", what)
	}
}

// descriptors counts the open descriptors of this process, where that is easy.
func descriptors(t testing.TB) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func dialNobody(t *testing.T, s Subject) {
	address := s.Nobody(t)
	if err := s.Transport.CheckConnect(address, nil); err != nil {
		t.Errorf("check of %q: %v", address, err)
	}
	conn, err := s.Transport.Dial(Context(t), address, nil)
	if err == nil {
		conn.Close()
		t.Fatalf("dial %q: want an error", address)
	}
}

func echo(t *testing.T, s Subject) {
	o := &transport.Options{}
	l := Listen(t, s.Transport, s.Bind(t), o)
	defer l.Close()
	a, b := Pair(t, s.Transport, l, o)
	defer a.Close()
	defer b.Close()
	Exchange(t, a, b)

	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var sending sync.WaitGroup
	sending.Go(func() {
		a.Write(big)
		a.Close()
	})
	got, err := io.ReadAll(b)
	sending.Wait()
	if err != nil || !bytes.Equal(got, big) {
		t.Errorf("got %d octets and %v, want %d and no error", len(got), err, len(big))
	}
}

func nilOptions(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	defer l.Close()
	a, b := Pair(t, s.Transport, l, nil)
	defer a.Close()
	defer b.Close()
	Exchange(t, a, b)
}

func reported(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	defer l.Close()
	if err := s.Transport.CheckConnect(l.Address(), nil); err != nil {
		t.Errorf("check of %q: %v", l.Address(), err)
	}
	a, b := Pair(t, s.Transport, l, nil)
	a.Close()
	b.Close()
}

func closeFrees(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	for range 100 {
		var accepting sync.WaitGroup
		accepting.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		})
		conn, err := s.Transport.Dial(Context(t), l.Address(), nil)
		if err != nil {
			t.Fatal(err)
		}
		address := l.Address()
		if s.Vanishes {
			address = s.Bind(t)
		}
		l.Close()
		next, err := s.Transport.Listen(Context(t), address, nil)
		conn.Close()
		accepting.Wait()
		if err != nil {
			t.Fatalf("listen again at %q: %v", address, err)
		}
		l = next
	}
	l.Close()
}

func dialAfterClose(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	l.Close()
	if conn, err := s.Transport.Dial(Context(t), l.Address(), nil); err == nil {
		conn.Close()
		t.Errorf("dial %q after Close: want an error", l.Address())
	}
}

func concurrentAccept(t *testing.T, s Subject) {
	const acceptors, dialers, each = 4, 8, 25
	l := Listen(t, s.Transport, s.Bind(t), nil)
	defer l.Close()
	var mu sync.Mutex
	seen := map[string]int{}
	var accepting, dialling sync.WaitGroup
	for range acceptors {
		accepting.Go(func() {
			for {
				conn, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("accept: %v", err)
					return
				}
				name, err := io.ReadAll(conn)
				if err != nil {
					t.Errorf("read: %v", err)
				}
				mu.Lock()
				seen[string(name)]++
				mu.Unlock()
				conn.Close()
			}
		})
	}
	ctx := Context(t)
	for d := range dialers {
		dialling.Go(func() {
			for i := range each {
				conn, err := s.Transport.Dial(ctx, l.Address(), nil)
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				conn.Write([]byte{byte(d), byte(i)})
				// Wait for the other side, so that nothing is cut off by Close below.
				if c, ok := conn.(interface{ CloseWrite() error }); ok {
					c.CloseWrite()
					io.Copy(io.Discard, conn)
				}
				conn.Close()
			}
		})
	}
	dialling.Wait()
	l.Close()
	accepting.Wait()
	if len(seen) != dialers*each {
		t.Errorf("got %d different connections, want %d", len(seen), dialers*each)
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("connection %x was accepted %d times", name, n)
		}
	}
}

func closeWakes(t *testing.T, s Subject) {
	const waiting = 3
	l := Listen(t, s.Transport, s.Bind(t), nil)
	ended := make(chan error, waiting)
	for range waiting {
		go func() {
			_, err := l.Accept()
			ended <- err
		}()
	}
	if err := l.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	for range waiting {
		select {
		case err := <-ended:
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want net.ErrClosed", err)
			}
		case <-time.After(patience):
			t.Fatal("Accept does not return after Close")
		}
	}
}

func closeTwice(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	var closing sync.WaitGroup
	for range 2 {
		closing.Go(func() {
			if err := l.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	closing.Wait()
	if err := l.Close(); err != nil {
		t.Errorf("third close: %v", err)
	}
}

func outlive(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	a, b := Pair(t, s.Transport, l, nil)
	defer a.Close()
	defer b.Close()
	l.Close()
	Exchange(t, a, b)
}

func listenContext(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := s.Transport.Listen(ctx, s.Bind(t), nil)
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, b := Pair(t, s.Transport, l, nil)
	defer a.Close()
	defer b.Close()
	Exchange(t, a, b)
}

func cancelled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	conn, err := s.Transport.Dial(ctx, s.Nobody(t), nil)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("dial: got %v, want context.Canceled", err)
	}
	l, err := s.Transport.Listen(ctx, s.Bind(t), nil)
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("listen: got %v, want context.Canceled", err)
	}
}

// stalled is a Dialer that connects to nobody until its context ends.
func stalled(began chan<- struct{}) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

func cancelDial(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_, err := s.Transport.Dial(ctx, s.Nobody(t), &transport.Options{Dialer: stalled(began)})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	}()
	Wait(t, began, "dialling")
	cancel()
	Wait(t, ended, "a cancelled Dial")
}

func connectTimeout(t *testing.T, s Subject) {
	began := make(chan struct{})
	o := &transport.Options{Dialer: stalled(began), ConnectTimeout: time.Millisecond}
	if _, err := s.Transport.Dial(Context(t), s.Nobody(t), o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}

func dialer(t *testing.T, s Subject) {
	l := Listen(t, s.Transport, s.Bind(t), nil)
	defer l.Close()
	calls := 0
	o := &transport.Options{Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		calls++
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	a, b := Pair(t, s.Transport, l, o)
	defer a.Close()
	defer b.Close()
	Exchange(t, a, b)
	if calls != 1 {
		t.Errorf("the Dialer was called %d times, want once", calls)
	}

	near, far := net.Pipe()
	defer far.Close()
	o.Dialer = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	conn, err := s.Transport.Dial(Context(t), l.Address(), o)
	if err != nil || Carrier(conn) != near {
		t.Errorf("got %v and %v, want the user's own connection", conn, err)
	}
	near.Close()
}

func idleDialer(t *testing.T, s Subject) {
	refused := errors.New("refused")
	for _, want := range []error{nil, refused} {
		o := &transport.Options{Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, want }}
		conn, err := s.Transport.Dial(Context(t), s.Nobody(t), o)
		if err == nil || conn != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("got %v and %v, want an error", conn, err)
		}
	}
}

func buffers(t *testing.T, s Subject) {
	o := &transport.Options{SendBuffer: 64 << 10, RecvBuffer: 32 << 10}
	l := Listen(t, s.Transport, s.Bind(t), o)
	defer l.Close()
	a, b := Pair(t, s.Transport, l, o)
	defer a.Close()
	defer b.Close()
	Exchange(t, a, b)
	checkBuffers(t, a, o)
	checkBuffers(t, b, o)
}

func negativeBuffers(t *testing.T, s Subject) {
	for _, o := range []*transport.Options{{SendBuffer: -1}, {RecvBuffer: -1}} {
		if err := s.Transport.CheckConnect(s.Nobody(t), o); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("check: got %v, want ErrInvalid", err)
		}
		l, err := s.Transport.Listen(Context(t), s.Bind(t), o)
		if err == nil {
			l.Close()
		}
		if !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("listen: got %v, want ErrInvalid", err)
		}
	}
}

func backlog(t *testing.T, s Subject) {
	for _, n := range []int{-1, 1, 5} {
		o := &transport.Options{Backlog: n}
		l := Listen(t, s.Transport, s.Bind(t), o)
		for range 10 {
			a, b := Pair(t, s.Transport, l, o)
			Exchange(t, a, b)
			a.Close()
			b.Close()
		}
		l.Close()
	}
}
