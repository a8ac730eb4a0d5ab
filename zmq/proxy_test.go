package zmq_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
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
		for range r.ended { // what it said, if nobody has asked
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

// another is an endpoint to be bound beside another one.
func another(endpoint string) string {
	if strings.HasPrefix(endpoint, "tcp:") {
		return endpoint
	}
	return endpoint + "2"
}

// between makes a proxy between two bound sockets, with a peer connected to each.
func between(t testing.TB, c *zmq.Context, endpoint string, left, frontend, backend, right side) (l, r *zmq.Socket, p *zmq.Proxy) {
	t.Helper()
	f, l := join(t, c, endpoint, frontend, left)
	b, r := join(t, c, another(endpoint), backend, right)
	return l, r, &zmq.Proxy{Frontend: f, Backend: b}
}

// subscribed waits until what left publishes arrives at right.
func subscribed(t testing.TB, left, right *zmq.Socket) {
	t.Helper()
	if right.Type() == zmq.SUB {
		if err := right.Subscribe(""); err != nil {
			t.Fatal(err)
		}
	}
	if left.Type() == zmq.PUB {
		if err := left.WaitSubscribers(within(t), "", 1); err != nil {
			t.Fatal(err)
		}
	}
}

func plain(types ...zmq.SocketType) []side {
	sides := make([]side, len(types))
	for i, typ := range types {
		sides[i] = side{typ, nil}
	}
	return sides
}

// Every pair of types that has something to hand on, between those who use it.
func TestAProxyBetweenAnyTwoTypes(t *testing.T) {
	ask := func(t *testing.T, left, right *zmq.Socket) {
		for i := range 20 {
			send(t, left, "question", strconv.Itoa(i))
			want(t, right, "question", strconv.Itoa(i))
			send(t, right, "answer", strconv.Itoa(i))
			want(t, left, "answer", strconv.Itoa(i))
		}
	}
	forward := func(t *testing.T, left, right *zmq.Socket) {
		subscribed(t, left, right)
		for i := range 20 {
			send(t, left, "", "news", strconv.Itoa(i))
			want(t, right, "", "news", strconv.Itoa(i))
		}
	}
	backward := func(t *testing.T, left, right *zmq.Socket) { forward(t, right, left) }
	for _, row := range []struct {
		left, frontend, backend, right zmq.SocketType
		talk                           func(t *testing.T, left, right *zmq.Socket)
	}{
		{zmq.REQ, zmq.ROUTER, zmq.DEALER, zmq.REP, ask},
		{zmq.DEALER, zmq.ROUTER, zmq.DEALER, zmq.ROUTER, func(t *testing.T, left, right *zmq.Socket) {
			for range 5 {
				send(t, left, "question")
				m := recv(t, right)
				if len(m.Frames) != 3 || string(m.Frames[2]) != "question" {
					t.Fatalf("%q", m.Frames)
				}
				send(t, right, string(m.Frames[0]), string(m.Frames[1]), "answer")
				want(t, left, "answer")
			}
		}},
		{zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.REQ, func(t *testing.T, left, right *zmq.Socket) { ask(t, right, left) }},
		{zmq.PUB, zmq.XSUB, zmq.XPUB, zmq.SUB, forward},
		{zmq.SUB, zmq.XPUB, zmq.XSUB, zmq.PUB, backward},
		{zmq.PUSH, zmq.PULL, zmq.PUSH, zmq.PULL, forward},
		{zmq.PULL, zmq.PUSH, zmq.PULL, zmq.PUSH, backward},
		{zmq.DEALER, zmq.DEALER, zmq.DEALER, zmq.DEALER, ask},
		{zmq.PAIR, zmq.PAIR, zmq.PAIR, zmq.PAIR, ask},
		{zmq.PAIR, zmq.PAIR, zmq.DEALER, zmq.DEALER, ask},
		{zmq.REQ, zmq.REP, zmq.REQ, zmq.REP, ask},
		{zmq.REQ, zmq.REP, zmq.PAIR, zmq.PAIR, ask},
		{zmq.PUSH, zmq.PULL, zmq.DEALER, zmq.DEALER, forward},
		{zmq.PUSH, zmq.PULL, zmq.PAIR, zmq.PAIR, forward},
		{zmq.PULL, zmq.PUSH, zmq.DEALER, zmq.DEALER, backward},
	} {
		t.Run(fmt.Sprintf("%v and %v", row.frontend, row.backend), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				s := plain(row.left, row.frontend, row.backend, row.right)
				left, right, p := between(t, c, endpoint, s[0], s[1], s[2], s[3])
				r := run(t, p)
				row.talk(t, left, right)
				r.stop()
				if err := r.end(t); !is(err, context.Canceled) {
					t.Error(err)
				}
			})
		})
	}
}

// What goes by way of a SUB or to a PUB is for those who subscribe.
func TestAProxyThatSubscribesOrPublishes(t *testing.T) {
	c := newContext(t)
	pub, pull, p := between(t, c, "inproc://a", side{zmq.PUB, nil}, side{zmq.SUB, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	if err := p.Frontend.Subscribe("a"); err != nil {
		t.Fatal(err)
	}
	run(t, p)
	send(t, pub, "b", "not this")
	send(t, pub, "a", "this")
	want(t, pull, "a", "this")

	push, sub, p := between(t, c, "inproc://b", side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUB, nil}, side{zmq.SUB, nil})
	if err := sub.Subscribe("a"); err != nil {
		t.Fatal(err)
	}
	if err := p.Backend.WaitSubscribers(within(t), "a", 1); err != nil {
		t.Fatal(err)
	}
	run(t, p)
	send(t, push, "b", "not this")
	send(t, push, "a", "this")
	want(t, sub, "a", "this")
}

// Each client has its own answers, whoever gives them. libzmq: test_proxy.
func TestManyClientsAndWorkersShareAProxy(t *testing.T) {
	const clients, workers, requests = 10, 4, 30
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		router, dealer := newSocket(t, c, zmq.ROUTER, nil), newSocket(t, c, zmq.DEALER, nil)
		front, back := bind(t, router, endpoint), bind(t, dealer, another(endpoint))
		r := run(t, &zmq.Proxy{Frontend: router, Backend: dealer})
		var all sync.WaitGroup
		for range workers {
			rep := newSocket(t, c, zmq.REP, nil)
			connect(t, rep, back)
			go func() {
				for m, err := range rep.Messages(context.Background()) {
					if err != nil || rep.Send(context.Background(), m) != nil {
						return
					}
				}
			}()
		}
		peers(t, dealer, workers)
		for i := range clients {
			req := newSocket(t, c, zmq.REQ, nil)
			connect(t, req, front)
			all.Go(func() {
				ctx := within(t)
				for n := range requests {
					frames := []string{fmt.Sprint(i), "", fmt.Sprint(n)}
					if err := req.SendString(ctx, frames...); err != nil {
						t.Error(err)
						return
					}
					m, err := req.Recv(ctx)
					if err != nil || fmt.Sprintf("%q", m.Frames) != fmt.Sprintf("%q", frames) {
						t.Errorf("client %d got %q, %v", i, m.Frames, err)
						return
					}
				}
			})
		}
		all.Wait()
		term(t, c)
		if err := r.end(t); !is(err, zmq.ErrTerminated) {
			t.Errorf("the end of the context: %v", err)
		}
		st := r.Stats()
		if want := uint64(clients * requests * 5); st.Frontend.ReceivedFrames != want || st.Frontend.SentFrames != want {
			t.Errorf("%d frames came, %d went back, want %d", st.Frontend.ReceivedFrames, st.Frontend.SentFrames, want)
		}
	})
}

// libzmq: test_proxy_single_socket.
func TestOneSocketOnBothSidesSendsWhatItReceives(t *testing.T) {
	for _, row := range []struct{ peer, proxy zmq.SocketType }{
		{zmq.REQ, zmq.REP},
		{zmq.REQ, zmq.ROUTER},
		{zmq.DEALER, zmq.ROUTER},
		{zmq.DEALER, zmq.DEALER},
		{zmq.PAIR, zmq.PAIR},
	} {
		t.Run(row.proxy.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				s, peer := join(t, c, endpoint, side{row.proxy, nil}, side{row.peer, nil})
				r := run(t, &zmq.Proxy{Frontend: s, Backend: s})
				for i := range 20 {
					send(t, peer, "echo", strconv.Itoa(i))
					want(t, peer, "echo", strconv.Itoa(i))
				}
				s.Close()
				if err := r.end(t); !is(err, zmq.ErrClosed) {
					t.Error(err)
				}
			})
		})
	}
}

func TestWhatIsNoProxy(t *testing.T) {
	c := newContext(t)
	s := func(typ zmq.SocketType) *zmq.Socket { return newSocket(t, c, typ, nil) }
	router, dealer := s(zmq.ROUTER), s(zmq.DEALER)
	for name, p := range map[string]*zmq.Proxy{
		"no sockets":                          {},
		"no frontend":                         {Backend: dealer},
		"no backend":                          {Frontend: router},
		"nothing can be sent":                 {Frontend: s(zmq.PULL), Backend: s(zmq.SUB)},
		"nothing can be received":             {Frontend: s(zmq.PUSH), Backend: s(zmq.PUB)},
		"a capture socket that cannot send":   {Frontend: router, Backend: dealer, Capture: s(zmq.PULL)},
		"a capture socket that is subscribed": {Frontend: router, Backend: dealer, Capture: s(zmq.XPUB)},
		"a capture socket of the proxy":       {Frontend: router, Backend: dealer, Capture: dealer},
		"a control socket that cannot listen": {Frontend: router, Backend: dealer, Control: s(zmq.PUSH)},
		"a control socket of the proxy":       {Frontend: s(zmq.PAIR), Backend: dealer, Control: s(zmq.DEALER)},
	} {
		if err := p.Run(within(t)); !is(err, zmq.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := run(t, &zmq.Proxy{Frontend: router, Backend: dealer})
	client := newSocket(t, c, zmq.REQ, nil)
	connect(t, client, bind(t, router, "inproc://x"))
	worker := newSocket(t, c, zmq.REP, nil)
	connect(t, worker, bind(t, dealer, "inproc://y"))
	send(t, client, "it runs")
	want(t, worker, "it runs")
	if err := p.Run(within(t)); !is(err, zmq.ErrState) {
		t.Errorf("a second time at once: %v", err)
	}
	p.stop()
	p.end(t)
	run(t, p.Proxy)
	send(t, worker, "it runs again")
	want(t, client, "it runs again")
}

// A message that was handed on tells of the proxy, not of who sent it first.
func TestAProxyDoesNotPassOnWhoThePeerIs(t *testing.T) {
	c := newContext(t)
	left, right, p := between(t, c, "tcp://127.0.0.1:*", side{zmq.DEALER, &zmq.Config{RoutingID: "left"}},
		side{zmq.DEALER, &zmq.Config{RoutingID: "front"}}, side{zmq.DEALER, &zmq.Config{RoutingID: "back"}}, side{zmq.DEALER, nil})
	run(t, p)
	send(t, left, "who am I?")
	if id := want(t, right, "who am I?").Peer().RoutingID; id != "back" {
		t.Errorf("it comes from %q", id)
	}
}

// BenchmarkProxy moves messages of 100 octets through a proxy, all in one process.
func BenchmarkProxy(b *testing.B) {
	noDrop := &zmq.Config{PubSub: zmq.PubSub{NoDrop: true}}
	for _, row := range []struct {
		name                           string
		left, frontend, backend, right side
	}{
		{"XSUB-XPUB", side{zmq.PUB, noDrop}, side{zmq.XSUB, nil}, side{zmq.XPUB, noDrop}, side{zmq.SUB, nil}},
		{"PULL-PUSH", side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil}},
		{"ROUTER-DEALER", side{zmq.DEALER, nil}, side{zmq.ROUTER, nil}, side{zmq.DEALER, nil}, side{zmq.DEALER, nil}},
	} {
		for _, name := range []string{"inproc", "tcp"} {
			b.Run(row.name+"/"+name, func(b *testing.B) {
				c := newContext(b)
				left, right, p := between(b, c, endpoints(b)[name], row.left, row.frontend, row.backend, row.right)
				run(b, p)
				subscribed(b, left, right)
				ctx, body, n := context.Background(), make([]byte, 100), b.N
				var all sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				all.Go(func() {
					for range n {
						if err := left.SendBytes(ctx, body); err != nil {
							b.Error(err)
						}
					}
				})
				var m zmq.Message
				for range n {
					if err := right.RecvInto(ctx, &m); err != nil {
						b.Fatal(err)
					}
				}
				all.Wait()
			})
		}
	}
}

// The application receives from a socket itself beside a proxy, and large messages of
// both come in the same blocks.
func TestAProxySharesItsSocketWithTheApplication(t *testing.T) {
	const count = 600
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		onward, end := join(t, c, "inproc://onward", side{zmq.PUSH, bounded(1)}, side{zmq.PULL, bounded(1)})
		bodies := [][]byte{pattern(1, 10), pattern(2, 17<<10)}
		for i := range count {
			send(t, push, string(bodies[i%2]))
		}
		eventually(t, "they have arrived", func() bool { return pull.Stats().Received == count })
		run(t, &zmq.Proxy{Frontend: pull, Backend: onward})
		ctx, stop := context.WithCancel(within(t))
		defer stop()
		got := make(chan []byte, count)
		for _, s := range []*zmq.Socket{pull, end} {
			go func() {
				for m, err := range s.Messages(ctx) {
					if err != nil {
						return
					}
					got <- m.Bytes()
				}
			}()
		}
		for range count {
			select {
			case b := <-got:
				if want := bodies[len(b)/(17<<10)]; !bytes.Equal(b, want) {
					t.Fatalf("a message of %d octets has changed", len(b))
				}
			case <-ctx.Done():
				t.Fatal("messages are missing")
			}
		}
	})
}
