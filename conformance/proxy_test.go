package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"zeromux/zmq"
)

// Sockets between which a proxy stands.

// A running is a proxy that runs.
type running struct {
	*zmq.Proxy
	s    *stage
	stop context.CancelFunc // ends it
	over chan error         // what Run returns
}

// run runs a proxy until the test is over, or stop.
func (s *stage) run(p *zmq.Proxy) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{p, s, stop, make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.over <- p.Run(ctx)
	}()
	s.Cleanup(func() { stop(); <-ended })
	return r
}

// ends waits for the end of the proxy, and checks why it ends.
func (r *running) ends(want error) {
	r.s.Helper()
	ctx, cancel := r.s.within()
	defer cancel()
	select {
	case err := <-r.over:
		r.s.wrong(err, want)
	case <-ctx.Done():
		r.s.Fatal("the proxy does not end")
	}
}

// bindElsewhere makes a socket that is bound to an endpoint of its own, and returns
// that too.
func (s *stage) bindElsewhere(typ zmq.SocketType, options ...set) (*actor, string) {
	s.Helper()
	a := s.socket(typ, options...)
	return a, a.bind(s.another())
}

// connectTo makes a socket and connects it.
func (s *stage) connectTo(endpoint string, typ zmq.SocketType, options ...set) *actor {
	s.Helper()
	a := s.socket(typ, options...)
	a.connect(endpoint)
	return a
}

// Clients ask several times each, some by several frames, and workers answer. Each
// gets the answers to his own questions, in order, until the context ends.
func TestProxy(t *testing.T) {
	const clients, workers, questions = 5, 5, 30
	everywhere(t, func(s *stage) {
		front, frontend := s.bindElsewhere(zmq.ROUTER)
		back, backend := s.bindElsewhere(zmq.DEALER)
		capture, captured := s.bindElsewhere(zmq.PUB)
		tap := s.socket(zmq.SUB, marks(zmq.Unlimited, zmq.Unlimited))
		tap.subscribe("")
		tap.connect(captured)
		capture.topics(1)
		capture.configure(func(c *zmq.Config) { c.HighWater.Send = zmq.Unlimited })
		r := s.run(&zmq.Proxy{Frontend: front.Socket, Backend: back.Socket, Capture: capture.Socket})
		var all, working sync.WaitGroup
		for range workers {
			worker := s.connectTo(backend, zmq.DEALER)
			working.Go(func() {
				for {
					m, err := worker.Recv(context.Background())
					if err == nil {
						err = worker.Send(context.Background(), m) // the envelope and all
					}
					if err != nil {
						s.wrong(err, zmq.ErrTerminated)
						return
					}
				}
			})
		}
		for i := range clients {
			client := s.connectTo(frontend, zmq.REQ)
			all.Go(func() {
				ctx, cancel := s.within()
				defer cancel()
				for j := range questions {
					question := []string{fmt.Sprintf("question %d of %d", j, i), "and more"}[:1+j%2]
					if err := client.SendString(ctx, question...); err != nil {
						s.Error(err)
						return
					}
					if m, err := client.Recv(ctx); err != nil || !equal(m, question) {
						s.Errorf("asked %q, got %q and %v", question, m.Frames, err)
						return
					}
				}
			})
		}
		all.Wait()
		const frames = clients * questions * 7 / 2 // routing id, delimiter, one or two
		if st := r.Stats(); st.Frontend.ReceivedFrames != frames || st.Frontend != st.Backend || st.Frontend.SentOctets != st.Frontend.ReceivedOctets {
			s.Errorf("it has moved %+v, want %d frames each way", st, frames)
		}
		for range 2 * clients * questions {
			tap.recv()
		}
		tap.silent()
		s.ctx.Shutdown()
		r.ends(zmq.ErrTerminated)
		working.Wait()
	})
}

// Nothing that was accepted is lost when every queue on the way is full, and the
// queues hold about what they say.
func TestProxyHwm(t *testing.T) {
	const mark = 10
	noDrop := pubsub(func(p *zmq.PubSub) { p.NoDrop = true })
	everywhere(t, func(s *stage) {
		front, frontend := s.bindElsewhere(zmq.XSUB, marks(mark, mark))
		back, backend := s.bindElsewhere(zmq.XPUB, marks(mark, mark), noDrop)
		s.run(&zmq.Proxy{Frontend: front.Socket, Backend: back.Socket})
		pub := s.connectTo(frontend, zmq.PUB, marks(mark, mark), noDrop)
		sub := s.socket(zmq.SUB, marks(mark, mark))
		sub.subscribe("")
		sub.connect(backend)
		pub.topics(1) // by way of the proxy
		body := ""
		if s.scheme != "inproc" {
			body = string(make([]byte, 1<<20)) // else the system's buffers have room for all
		}
		sent, refused := 0, 0
		s.until("every queue is full", func() bool {
			for pub.try(fmt.Sprint(sent), body) == nil {
				sent++
				refused = 0
			}
			refused++
			return refused > 100 && sub.Stats().RecvQueue >= mark
		})
		if sent < 2*mark || s.scheme == "inproc" && sent > 4*mark+1 {
			s.Errorf("%d messages were accepted, with marks of %d", sent, mark)
		}
		for i := range sent {
			sub.want(fmt.Sprint(i), body)
		}
		pub.send("last")
		sub.want("last")
		sub.silent()
	})
}

func TestProxySingleSocket(t *testing.T) {
	everywhere(t, func(s *stage) {
		rep, req := s.join(as(zmq.REP), as(zmq.REQ))
		capture, captured := s.bindElsewhere(zmq.PAIR)
		tap := s.connectTo(captured, zmq.PAIR)
		r := s.run(&zmq.Proxy{Frontend: rep.Socket, Backend: rep.Socket, Capture: capture.Socket})
		for _, question := range [][]string{{"msg1"}, {"msg22", ""}, {""}} {
			req.send(question...)
			req.want(question...)
			tap.want(question...)
		}
		s.ctx.Shutdown()
		r.ends(zmq.ErrTerminated)
	})
}

// A proxy whose backend has nobody to send to, or has and is full, ends with its
// context.
func TestProxyTerminate(t *testing.T) {
	for name, end := range map[string]func(*stage){
		"shutdown": func(s *stage) { s.ctx.Shutdown() },
		"term": func(s *stage) {
			ctx, cancel := s.within()
			defer cancel()
			s.wrong(s.ctx.Term(ctx), nil)
		},
	} {
		for _, sink := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with a sink: %v", name, sink), func(t *testing.T) {
				everywhere(t, func(s *stage) {
					pub, sub := s.join(as(zmq.PUB), as(zmq.SUB, marks(1, 1)))
					sub.subscribe("")
					pub.topics(1)
					push, backend := s.bindElsewhere(zmq.PUSH, marks(1, 1))
					if sink {
						s.connectTo(backend, zmq.PULL, marks(1, 1)).peers(1)
						push.fill(string(make([]byte, 1<<20)))
					}
					r := s.run(&zmq.Proxy{Frontend: sub.Socket, Backend: push.Socket})
					for range 100 {
						pub.send("This is a test")
					}
					s.until("something has arrived", func() bool { return sub.Stats().Received > 0 })
					end(s)
					r.ends(zmq.ErrTerminated)
				})
			})
		}
	}
}

// Sockets that are missing, or that do not go together, are an error.
func TestQuirkProxyWithoutSockets(t *testing.T) {
	s := newStage(t, "inproc")
	pull, push, rep := s.socket(zmq.PULL), s.socket(zmq.PUSH), s.socket(zmq.REP)
	for name, p := range map[string]*zmq.Proxy{
		"no socket":            {},
		"no backend":           {Frontend: pull.Socket},
		"no frontend":          {Backend: push.Socket},
		"nothing can be moved": {Frontend: push.Socket, Backend: push.Socket},
		"a wrong capture":      {Frontend: pull.Socket, Backend: push.Socket, Capture: rep.Socket},
		"a wrong control":      {Frontend: pull.Socket, Backend: push.Socket, Control: s.socket(zmq.DEALER).Socket},
	} {
		if err := p.Run(context.Background()); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
