package conformance

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/zmq"
)

// REQ, REP and what stands between them. RFC 28.

// roundTrip has a REQ ask and a REP answer.
func roundTrip(req, rep *actor) {
	req.t.Helper()
	req.send("question", "of two frames")
	rep.want("question", "of two frames")
	rep.send("answer", "")
	req.want("answer", "")
}

func reqrep(t *testing.T, scheme string) {
	over(t, func(s *stage) {
		rep, req := s.join(as(zmq.REP), as(zmq.REQ))
		for range 3 {
			roundTrip(req, rep)
		}
	}, scheme)
}

func TestReqrepInproc(t *testing.T) { reqrep(t, "inproc") }

func TestReqrepIpc(t *testing.T) {
	reqrep(t, "ipc")
	t.Run("a requester that is gone costs nothing", func(t *testing.T) {
		s := newStage(t, "ipc")
		rep, req := s.join(as(zmq.REP), as(zmq.REQ))
		req.send("question")
		rep.want("question")
		req.close()
		rep.peers(0)
		rep.send("answer to nobody")
		roundTrip(s.connect(zmq.REQ), rep)
	})
}

func TestReqrepTcp(t *testing.T) {
	reqrep(t, "tcp")
	loopback := map[string]string{"IPv4": "127.0.0.1", "IPv6": "[::1]"}
	for family, host := range loopback {
		t.Run(family, func(t *testing.T) {
			six := func(c *zmq.Config) { c.Network.IPv6 = family == "IPv6" }
			s := newStage(t, "tcp")
			s.endpoint = "tcp://" + host + ":*"
			rep, req := s.socket(zmq.REP, six), s.socket(zmq.REQ, six)
			s.endpoint = rep.bind(s.endpoint)
			req.connect(s.endpoint)
			roundTrip(req, rep)
			if err := req.Disconnect(s.endpoint); err != nil {
				s.Fatal(err)
			}
			if err := rep.Unbind(s.endpoint); err != nil {
				s.Fatal(err)
			}
			req.blocked()
		})
	}
	t.Run("one requester of several servers", func(t *testing.T) {
		s := newStage(t, "tcp")
		req := s.socket(zmq.REQ)
		var reps []*actor
		for range 3 {
			reps = append(reps, s.socket(zmq.REP))
			req.connect(reps[len(reps)-1].bind(s.endpoint))
		}
		req.peers(3)
		for range 2 {
			for _, rep := range reps {
				roundTrip(req, rep)
			}
		}
	})
	t.Run("from one port of ours to two peers", func(t *testing.T) {
		s := newStage(t, "tcp")
		source := freeAddress(t)
		req := s.socket(zmq.REQ)
		one, two := s.socket(zmq.REP), s.socket(zmq.REP)
		for _, rep := range []*actor{one, two} {
			bound := strings.TrimPrefix(rep.bind(s.endpoint), "tcp://")
			req.connect("tcp://" + source + ";" + bound)
		}
		req.peers(2)
		roundTrip(req, one)
		roundTrip(req, two)
	})
}

func TestReqrepDevice(t *testing.T) {
	everywhere(t, func(s *stage) {
		front, back := s.socket(zmq.ROUTER), s.socket(zmq.DEALER)
		req, rep := s.socket(zmq.REQ), s.socket(zmq.REP)
		req.connect(front.bind(s.endpoint))
		rep.connect(back.bind(s.another()))
		relay := func(from, to *actor, frames int) {
			s.Helper()
			m := from.recv()
			if len(m.Frames) != frames {
				s.Fatalf("%d frames, want %d: %q", len(m.Frames), frames, m.Frames)
			}
			ctx, cancel := s.within()
			defer cancel()
			if err := to.Send(ctx, m); err != nil {
				s.Fatal(err)
			}
		}
		req.send("ABC", "DEF")
		relay(front, back, 4)
		rep.want("ABC", "DEF")
		rep.send("GHI", "JKL")
		relay(back, front, 4)
		req.want("GHI", "JKL")
	})
}

// A reply that stops at the delimiter is no reply. Over a connection it ends that, and
// the right one comes over the next.
func TestInvalidRep(t *testing.T) {
	everywhere(t, func(s *stage) {
		router := s.bind(zmq.ROUTER, mandatory)
		events := s.watch(router)
		req := s.connect(zmq.REQ, named("r"), func(c *zmq.Config) { c.Router.Probe = true })
		router.want("r", "")
		req.send("question")
		router.want("r", "", "question")
		router.send("r", "")
		if s.scheme != "inproc" {
			s.until("the reply is looked at", func() bool { return !req.CanRecv() && req.Stats().DroppedMalformed == 1 })
			events.await(zmq.EventDisconnected)
			_ = req.Disconnect(s.endpoint) // if it is not forgotten by now
			req.connect(s.endpoint)
			router.want("r", "")
		}
		router.send("r", "", "answer")
		req.want("answer")
	})
}

func TestReqCorrelate(t *testing.T) {
	everywhere(t, func(s *stage) {
		router := s.bind(zmq.ROUTER)
		req := s.connect(zmq.REQ, named("r"), func(c *zmq.Config) { c.Req.Correlate = true })
		var last string
		for range 2 {
			req.send("question")
			m := router.recv()
			if len(m.Frames) != 4 || len(m.Frames[1]) != 4 || len(m.Frames[2]) != 0 || string(m.Frames[3]) != "question" {
				s.Fatalf("request %q", m.Frames)
			}
			id := string(m.Frames[1])
			if id == last {
				s.Errorf("two requests with the id %x", id)
			}
			last = id
			wrong := string([]byte{id[0] + 1, id[1], id[2], id[3]})
			router.send("r", wrong, "", "of another request")
			router.send("r", "", "of no request")
			router.send("r", id, "", "right")
			req.want("right")
		}
	})
}

func TestReqRelaxed(t *testing.T) {
	relaxed := func(c *zmq.Config) { c.Req.Relaxed, c.Req.Correlate = true, true }
	t.Run("asks again before the reply, in turn, and drops the old replies", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			req := s.bind(zmq.REQ, relaxed)
			var reps []*actor
			for i := range 3 {
				reps = append(reps, s.connect(zmq.REP))
				req.peers(i + 1)
			}
			for i, rep := range append(reps, reps[0]) {
				if i == 3 { // the first is asked once more, when it has answered
					rep.send("late")
				}
				req.send(fmt.Sprint(i))
				rep.want(fmt.Sprint(i))
				if !req.CanSend() {
					s.Error("a relaxed REQ must be able to ask again")
				}
			}
			for _, rep := range reps[1:] {
				rep.send("late")
			}
			s.until("all late replies have come", func() bool { return req.Stats().Received == 3 })
			if req.CanRecv() {
				s.Error("a late reply counts")
			}
			reps[0].send("in time")
			req.want("in time")
		})
	})
	t.Run("queues for a peer that is not there yet", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			s.reserve()
			req := s.connect(zmq.REQ, relaxed)
			req.send("one")
			req.send("two")
			rep := s.bind(zmq.REP)
			rep.want("one")
			rep.send("answer to one")
			rep.want("two")
			rep.send("answer to two")
			req.want("answer to two")
		})
	})
	t.Run("is not the default", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			_, req := s.join(as(zmq.REP), as(zmq.REQ))
			_, err := req.TryRecv()
			s.wrong(err, zmq.ErrState)
			req.send("question")
			s.wrong(req.try("another"), zmq.ErrState)
		})
	})
}

func TestSpecReq(t *testing.T) {
	t.Run("asks its peers in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			req := s.bind(zmq.REQ)
			var reps []*actor
			for i := range 3 {
				reps = append(reps, s.connect(zmq.REP))
				req.peers(i + 1)
			}
			for range 2 {
				for _, rep := range reps {
					roundTrip(req, rep)
				}
			}
		})
	})
	t.Run("puts an empty frame in front, and takes it off", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			router := s.bind(zmq.ROUTER)
			req := s.connect(zmq.REQ, named("r"))
			req.send("A", "B")
			router.want("r", "", "A", "B")
			router.send("r", "", "", "C")
			req.want("", "C")
		})
	})
	t.Run("blocks without peers", func(t *testing.T) {
		everywhere(t, func(s *stage) { s.bind(zmq.REQ).blocked() })
	})
	t.Run("takes no reply of a peer that it has not asked", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			req := s.bind(zmq.REQ, named("r"))
			asked := s.connect(zmq.ROUTER)
			req.peers(1)
			other := s.connect(zmq.ROUTER, mandatory)
			req.peers(2)
			other.peers(1)
			req.send("question")
			id := string(asked.recv().Frames[0])
			other.send("r", "", "wrong")
			s.until("the wrong reply has come", func() bool { return req.Stats().Received == 1 })
			asked.send(id, "", "right")
			req.want("right")
		})
	})
}

func TestSpecRep(t *testing.T) {
	t.Run("answers its peers in turn", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			rep := s.bind(zmq.REP)
			var dealers []*actor
			for i := range 3 {
				dealers = append(dealers, s.connect(zmq.DEALER, named(fmt.Sprint(i))))
				for range 2 {
					dealers[i].send("", fmt.Sprint(i))
				}
			}
			s.until("all requests have come", func() bool { return rep.Stats().Received == 6 })
			seen := make(map[string]int)
			for i := range 6 {
				asker := rep.recv().String()
				rep.send(asker)
				if seen[asker]++; seen[asker] > 1+i/3 {
					s.Fatalf("request %d is the second of %s, before others had one", i, asker)
				}
			}
			for i, dealer := range dealers {
				dealer.want("", fmt.Sprint(i))
			}
		})
	})
	t.Run("gives the envelope back", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			rep, dealer := s.join(as(zmq.REP), as(zmq.DEALER))
			dealer.send("X", "Y", "", "A", "", "B")
			rep.want("A", "", "B")
			rep.send("C", "D")
			dealer.want("X", "Y", "", "C", "D")
		})
	})
	t.Run("goes in step", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			rep, req := s.join(as(zmq.REP), as(zmq.REQ))
			s.wrong(rep.try("x"), zmq.ErrState)
			req.send("question")
			rep.want("question")
			_, err := rep.TryRecv()
			s.wrong(err, zmq.ErrState)
		})
	})
}
