package zmq_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"zeromux/zmq"
)

// running is a proxy that runs, and its end.
type running struct {
	*zmq.Proxy
	stop  context.CancelFunc
	ended chan error
}

// run runs a proxy until stop, at the latest until the test ends.
func run(t testing.TB, p *zmq.Proxy) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{p, cancel, make(chan error, 1)}
	go func() {
		r.ended <- p.Run(ctx)
		close(r.ended)
	}()
	t.Cleanup(func() {
		cancel()
		for range r.ended {
		}
	})
	return r
}

// end waits for the end and returns the error of Run.
func (r *running) end(t testing.TB) error {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	select {
	case err := <-r.ended:
		return err
	case <-ctx.Done():
		t.Fatal("the proxy does not end")
		return nil
	}
}

// through is a proxy with a peer on either side.
type through struct {
	*running
	front, back   string      // where the sockets of the proxy are bound
	left, right   *zmq.Socket // who is connected there
	frontend, end *zmq.Socket
}

// between makes a proxy between two bound sockets and connects a peer to each.
func between(t testing.TB, c *zmq.Context, endpoint string, left, frontend, backend, right side) (l, r *zmq.Socket, p *running) {
	t.Helper()
	f, b := newSocket(t, c, frontend.typ, frontend.config), newSocket(t, c, backend.typ, backend.config)
	l, r = newSocket(t, c, left.typ, left.config), newSocket(t, c, right.typ, right.config)
	suffix := ""
	if endpoint[:6] == "inproc" || endpoint[:3] == "ipc" {
		suffix = "2"
	}
	connect(t, l, bind(t, f, endpoint))
	connect(t, r, bind(t, b, endpoint+suffix))
	for _, s := range []*zmq.Socket{l, r, f, b} {
		peers(t, s, 1)
	}
	return l, r, run(t, &zmq.Proxy{Frontend: f, Backend: b})
}

func TestProxySmoke(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		req, rep, p := between(t, c, endpoint, side{zmq.REQ, nil}, side{zmq.ROUTER, nil}, side{zmq.DEALER, nil}, side{zmq.REP, nil})
		for i := range 100 {
			send(t, req, "question", strconv.Itoa(i))
			want(t, rep, "question", strconv.Itoa(i))
			send(t, rep, "answer")
			want(t, req, "answer")
		}
		p.stop()
		if err := p.end(t); !is(err, context.Canceled) {
			t.Error(err)
		}
		t.Log(p.Stats())
	})
}

// BenchmarkProxy moves messages of 100 octets through a proxy, all in one process.
func BenchmarkProxy(b *testing.B) {
	for _, row := range []struct {
		name                           string
		left, frontend, backend, right side
	}{
		{"XSUB-XPUB", side{zmq.PUB, &zmq.Config{PubSub: zmq.PubSub{NoDrop: true}}}, side{zmq.XSUB, nil}, side{zmq.XPUB, &zmq.Config{PubSub: zmq.PubSub{NoDrop: true}}}, side{zmq.SUB, nil}},
		{"PULL-PUSH", side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil}},
		{"ROUTER-DEALER", side{zmq.DEALER, nil}, side{zmq.ROUTER, nil}, side{zmq.DEALER, nil}, side{zmq.DEALER, nil}},
	} {
		for _, name := range []string{"inproc", "tcp"} {
			b.Run(row.name+"/"+name, func(b *testing.B) {
				c := newContext(b)
				l, r, _ := between(b, c, endpoints(b)[name], row.left, row.frontend, row.backend, row.right)
				if r.Type() == zmq.SUB {
					if err := r.Subscribe(""); err != nil {
						b.Fatal(err)
					}
				}
				ctx := context.Background()
				body := make([]byte, 100)
				if r.Type() == zmq.SUB { // until the subscription is there
					for {
						send(b, l, "there?")
						if _, err := r.TryRecv(); err == nil {
							break
						}
					}
					send(b, l, "there!")
					for recv(b, r).String() != "there!" {
					}
				}
				n := b.N
				var all sync.WaitGroup
				all.Go(func() {
					for range n {
						if err := l.SendBytes(ctx, body); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportAllocs()
				b.ResetTimer()
				var m zmq.Message
				for range n {
					if err := r.RecvInto(ctx, &m); err != nil {
						b.Fatal(err)
					}
				}
				all.Wait()
			})
		}
	}
	_ = fmt.Sprint
}
