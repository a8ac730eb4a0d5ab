package zmq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"zeromux/zmq"
)

// endpoints are what most tests run over.
func endpoints(t testing.TB) map[string]string {
	return map[string]string{
		"inproc": "inproc://" + t.Name(),
		"ipc":    "ipc://" + t.TempDir() + "/s",
		"tcp":    "tcp://127.0.0.1:*",
	}
}

// within is a context that ends a test that hangs.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// newContext makes a context that is terminated with the test.
func newContext(t testing.TB) *zmq.Context {
	c := zmq.NewContext(nil)
	t.Cleanup(func() {
		if err := c.Term(within(t)); err != nil {
			t.Errorf("term: %v", err)
		}
	})
	return c
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

func TestPushPull(t *testing.T) {
	for name, endpoint := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			ctx := within(t)
			c := newContext(t)
			pull := newSocket(t, c, zmq.PULL, nil)
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, bind(t, pull, endpoint))
			const n = 10000
			go func() {
				for i := range n {
					if err := push.SendString(ctx, "a", "", fmt.Sprint(i)); err != nil {
						t.Errorf("send %d: %v", i, err)
						return
					}
				}
			}()
			for i := range n {
				m, err := pull.Recv(ctx)
				if err != nil {
					t.Fatalf("receive %d: %v", i, err)
				}
				if got, want := m.String(), fmt.Sprintf("a  %d", i); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
		})
	}
}
