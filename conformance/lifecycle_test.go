package conformance

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// Contexts and sockets from their beginning to their end.

func TestCtxDestroy(t *testing.T) {
	for name, end := range map[string]func(*zmq.Context){
		"shutdown": func(c *zmq.Context) { c.Shutdown() },
		"term": func(c *zmq.Context) {
			if err := c.Term(context.Background()); err != nil {
				panic(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(s *stage) {
				pull, push := s.join(as(zmq.PULL), as(zmq.PUSH))
				nobody := s.socket(zmq.PUSH)
				poller := s.poller()
				poller.add(nobody, zmq.PollOut, nil)
				calls := []func(context.Context) error{
					func(ctx context.Context) error { _, err := pull.Recv(ctx); return err },
					func(ctx context.Context) error { return nobody.SendString(ctx, "x") },
					func(ctx context.Context) error { _, err := poller.Wait(ctx, make([]zmq.PollEvent, 1)); return err },
					func(ctx context.Context) error {
						_, err := zmq.Poll(ctx, []zmq.PollItem{{Socket: pull.Socket, Events: zmq.PollIn}})
						return err
					},
				}
				errs := make(chan error, len(calls))
				for _, call := range calls {
					started := make(chan struct{})
					go func() {
						ctx, cancel := s.within()
						defer cancel()
						close(started)
						errs <- call(ctx)
					}()
					<-started
				}
				end(s.ctx)
				for range calls {
					s.wrong(<-errs, zmq.ErrTerminated)
				}
				s.wrong(zmq.NewPoller().Add(push.Socket, zmq.PollIn, nil), zmq.ErrTerminated)
				s.wrong(push.try("x"), zmq.ErrTerminated)
				s.wrong(push.Connect(s.endpoint), zmq.ErrTerminated)
				s.wrong(push.Configure(func(c *zmq.Config) { c.Linger = 0 }), zmq.ErrTerminated)
				_, err := s.ctx.NewSocket(zmq.PULL, nil)
				s.wrong(err, zmq.ErrTerminated)
				push.close()
			})
		})
	}
}

func TestCtxOptions(t *testing.T) {
	t.Run("IPV6 is inherited", func(t *testing.T) {
		for _, six := range []bool{false, true} {
			s := newStage(t, "tcp")
			s.ctx = newContext(t, &zmq.ContextConfig{IPv6: six})
			if got := s.socket(zmq.PULL).Config().Network.IPv6; got != six {
				t.Errorf("context %v, socket %v", six, got)
			}
		}
	})
	t.Run("BLOCKY decides how long sockets linger", func(t *testing.T) {
		for _, blocky := range []bool{false, true} {
			s := newStage(t, "tcp")
			s.reserve()
			c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: !blocky})
			push, err := c.NewSocket(zmq.PUSH, nil)
			if err != nil {
				t.Fatal(err)
			}
			(&actor{push, s}).connect(s.endpoint)
			(&actor{push, s}).send("nobody is there")
			if err := push.Close(); err != nil {
				t.Fatal(err)
			}
			ending := make(chan error, 1)
			go func() { ending <- c.Term(context.Background()) }()
			if blocky {
				s.bind(zmq.PULL).want("nobody is there")
			}
			if err := <-ending; err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("out of range", func(t *testing.T) {
		for _, config := range []zmq.ContextConfig{{MaxSockets: -1}, {IOThreads: -2}} {
			_, err := newContext(t, &config).NewSocket(zmq.PULL, nil)
			newStage(t, "tcp").wrong(err, zmq.ErrInvalid)
		}
	})
	t.Run("IO_THREADS", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.ctx = newContext(s.T, &zmq.ContextConfig{IOThreads: 3})
			router := s.bind(zmq.ROUTER)
			for _, peer := range s.audience(router, zmq.DEALER, 7) {
				peer.send("hello")
				id := string(router.recv().Frames[0])
				router.send(id, "hello")
				peer.want("hello")
			}
			s.ctx = newContext(s.T, &zmq.ContextConfig{IOThreads: zmq.NoIOThreads})
			lonely := s.socket(zmq.PAIR)
			s.wrong(lonely.Connect(s.endpoint), zmq.ErrNoIOThreads)
			_, err := lonely.Bind("inproc://x")
			if err != nil {
				s.Error(err)
			}
		})
	})
}

func TestManySockets(t *testing.T) {
	for _, most := range []int{0, 5} { // 0: the default
		s := newStage(t, "inproc")
		s.ctx = newContext(t, &zmq.ContextConfig{MaxSockets: most})
		want := most
		if most == 0 {
			want = 1023
		}
		var last *actor
		for range want {
			last = s.socket(zmq.PAIR)
		}
		for range 3 {
			_, err := s.ctx.NewSocket(zmq.PAIR, nil)
			s.wrong(err, zmq.ErrTooManySockets)
		}
		last.close()
		s.socket(zmq.PAIR).close()
	}
}

func TestShutdownStress(t *testing.T) {
	over(t, func(s *stage) {
		for range 10 {
			s := newStage(s.T, s.scheme)
			s.ctx = newContext(s.T, &zmq.ContextConfig{IOThreads: 7})
			pub := s.bind(zmq.PUB)
			var all sync.WaitGroup
			for range 100 {
				all.Add(1)
				go func() {
					defer all.Done()
					s.connect(zmq.SUB).close()
				}()
			}
			pub.close()
			all.Wait()
		}
	}, "tcp", "ipc", "inproc")
}

func TestTimeo(t *testing.T) {
	const timeout = 30 * time.Millisecond
	everywhere(t, func(s *stage) {
		pull, push := s.join(
			as(zmq.PULL, func(c *zmq.Config) { c.RecvTimeout = timeout }),
			as(zmq.PUSH, func(c *zmq.Config) { c.SendTimeout = timeout }))
		takesItsTime := func(call func() error) {
			s.Helper()
			start := time.Now()
			s.wrong(call(), zmq.ErrTimeout)
			if d := time.Since(start); d < timeout {
				s.Errorf("it took %v", d)
			}
		}
		recv := func() error { _, err := pull.Recv(context.Background()); return err }
		takesItsTime(recv)
		push.send("hello")
		pull.want("hello")
		pull.configure(func(c *zmq.Config) { c.RecvTimeout = zmq.NoWait })
		s.wrong(recv(), zmq.ErrTimeout)
		lonely := s.socket(zmq.PUSH, func(c *zmq.Config) { c.SendTimeout = timeout })
		takesItsTime(func() error { return lonely.SendString(context.Background(), "x") })
	})
}

// Every socket is for any number of goroutines.
func TestThreadSafe(t *testing.T) {
	everywhere(t, func(s *stage) {
		server, client := s.join(as(zmq.DEALER), as(zmq.DEALER))
		const each = 500
		for who := range 4 {
			go func() {
				for i := range each {
					ctx, cancel := s.within()
					_ = client.SendString(ctx, fmt.Sprint(who), fmt.Sprint(i)) // the receiver counts
					cancel()
				}
			}()
		}
		var next [4]int
		for range 4 * each {
			m := server.recv()
			who := m.Frames[0][0] - '0'
			if got := string(m.Frames[1]); got != fmt.Sprint(next[who]) {
				s.Fatalf("sender %d: message %s, want %d", who, got, next[who])
			}
			next[who]++
		}
	})
}

// The machine that the tests run on.
func TestSystem(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("the loopback device cannot be bound to: %v", err)
	}
	defer l.Close()
	var open []io.Closer
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for len(open) < 300 { // each of them takes two
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatalf("only %d connections: %v", len(open), err)
		}
		open = append(open, c)
	}
}

func TestInprocConnect(t *testing.T) {
	inproc := func(t *testing.T, name string, play func(*stage)) {
		t.Run(name, func(t *testing.T) { over(t, play, "inproc") })
	}
	for _, late := range []bool{false, true} {
		inproc(t, fmt.Sprintf("late: %v", late), func(s *stage) {
			s.late = late
			a, b := s.join(as(zmq.PAIR), as(zmq.PAIR))
			a.talks(b)
		})
	}
	inproc(t, "publish before the bind", func(s *stage) {
		pub := s.connect(zmq.PUB)
		pub.send("lost")
		sub := s.socket(zmq.SUB)
		sub.subscribe("")
		sub.bind(s.endpoint)
		pub.topics(1)
		pub.send("hello")
		sub.want("hello")
	})
	inproc(t, "subscribe before the bind", func(s *stage) {
		sub := s.socket(zmq.SUB)
		sub.subscribe("A")
		sub.connect(s.endpoint)
		pub := s.bind(zmq.PUB)
		pub.topics(1)
		pub.send("A")
		sub.want("A")
	})
	inproc(t, "many connect, at once and before the bind", func(s *stage) {
		const n = 100
		var all sync.WaitGroup
		for i := range n {
			all.Add(1)
			go func() {
				defer all.Done()
				push := s.connect(zmq.PUSH)
				push.send(fmt.Sprint(i))
			}()
			if i == n/2 {
				all.Wait()
			}
		}
		pull := s.socket(zmq.PULL)
		pull.bind(s.endpoint) // not by stage.bind, which writes what the others read
		seen := make(map[string]bool)
		for range n {
			seen[pull.recv().String()] = true
		}
		all.Wait()
		if len(seen) != n {
			s.Errorf("%d of %d were heard", len(seen), n)
		}
	})
	inproc(t, "bind and connect race", func(s *stage) {
		for range 50 {
			s.endpoint = s.another()
			a, b := s.socket(zmq.PAIR), s.socket(zmq.PAIR)
			var all sync.WaitGroup
			all.Go(func() { a.bind(s.endpoint) })
			all.Go(func() { b.connect(s.endpoint) })
			all.Wait()
			a.talks(b)
		}
	})
	inproc(t, "a routing id over a late bind", func(s *stage) {
		s.late = true
		router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER, named("d")))
		dealer.send("hello")
		router.want("d", "hello")
		router.send("d", "hello")
		dealer.want("hello")
	})
	inproc(t, "a name that nobody binds", func(s *stage) {
		s.connect(zmq.PAIR).close()
		lingers := s.connect(zmq.PAIR, lingering)
		lingers.send("lost")
		lingers.close()
	})
	inproc(t, "a name is free again", func(s *stage) {
		a, b := s.join(as(zmq.PAIR), as(zmq.PAIR))
		_, err := s.socket(zmq.PAIR).Bind(s.endpoint)
		s.wrong(err, zmq.ErrAddressInUse)
		if err := a.Unbind(s.endpoint); err != nil {
			s.Fatal(err)
		}
		a.talks(b) // they stay joined
		c := s.bind(zmq.PAIR)
		d := s.connect(zmq.PAIR)
		c.talks(d)
	})
	inproc(t, "shutdown while it is pending", func(s *stage) {
		pending := s.connect(zmq.PAIR)
		s.ctx.Shutdown()
		_, err := pending.TryRecv()
		s.wrong(err, zmq.ErrTerminated)
	})
}
