package zmq_test

import (
	"context"
	"encoding/binary"
	"strconv"
	"testing"

	"zeromux/zmq"
)

// steered is a pipeline whose proxy a controller steers.
type steered struct {
	*running
	push, pull, controller *zmq.Socket
}

func steer(t *testing.T, endpoint string, control, controller zmq.SocketType) *steered {
	t.Helper()
	c := newContext(t)
	push, pull, p := between(t, c, endpoint, side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	s := &steered{push: push, pull: pull}
	p.Control, s.controller = join(t, c, another(another(endpoint)), side{control, nil}, side{controller, nil})
	if control == zmq.SUB {
		if err := p.Control.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		if err := s.controller.WaitSubscribers(within(t), "", 1); err != nil {
			t.Fatal(err)
		}
	}
	s.running = run(t, p)
	return s
}

// tell gives a command, and takes the reply that only a REQ gets.
func (s *steered) tell(t *testing.T, frames ...string) {
	t.Helper()
	send(t, s.controller, frames...)
	if s.controller.Type() == zmq.REQ {
		want(t, s.controller, "")
	}
}

// statistics asks for the numbers.
func (s *steered) statistics(t *testing.T) [8]uint64 {
	t.Helper()
	send(t, s.controller, "STATISTICS")
	m := recv(t, s.controller)
	var numbers [8]uint64
	if len(m.Frames) != len(numbers) {
		t.Fatalf("the reply has %d frames", len(m.Frames))
	}
	for i, f := range m.Frames {
		if len(f) != 8 {
			t.Fatalf("frame %d has %d octets", i, len(f))
		}
		numbers[i] = binary.NativeEndian.Uint64(f)
	}
	return numbers
}

// libzmq: test_proxy_steerable.
func TestAProxyObeysItsControlSocket(t *testing.T) {
	for _, row := range []struct{ control, controller zmq.SocketType }{
		{zmq.REP, zmq.REQ}, {zmq.PAIR, zmq.PAIR}, {zmq.SUB, zmq.PUB},
	} {
		t.Run(row.control.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				s := steer(t, endpoint, row.control, row.controller)
				pass := func(words ...string) {
					t.Helper()
					send(t, s.push, words...)
					want(t, s.pull, words...)
				}
				pass("it", "runs")
				for _, nonsense := range [][]string{{"pause"}, {"PAUSE "}, {"PAUSE\x00"}, {""}, {"PAUSE", ""}, {"", "PAUSE"}, {"STATISTICS", "PAUSE"}, {"KILL"}} {
					s.tell(t, nonsense...)
				}
				pass("it", "still", "runs")
				s.tell(t, "RESUME")
				pass("again")
				if row.control == zmq.SUB {
					send(t, s.controller, "STATISTICS") // nobody can be told
					pass("more")
					s.tell(t, "TERMINATE")
					if err := s.end(t); err != nil {
						t.Error(err)
					}
					return
				}

				s.tell(t, "PAUSE")
				s.tell(t, "PAUSE")
				before := s.statistics(t)
				if want := [8]uint64{6, 22, 0, 0, 0, 0, 6, 22}; before != want {
					t.Errorf("statistics are %d, want %d", before, want)
				}
				for i := range 10 {
					send(t, s.push, strconv.Itoa(i))
				}
				eventually(t, "everything has arrived", func() bool { return s.Frontend.Stats().Received == 13 })
				if now := s.statistics(t); now != before {
					t.Errorf("while it is paused statistics become %d", now)
				}
				nothing(t, s.pull)
				s.tell(t, "RESUME")
				numbers(t, s.pull, 0, 10)
				if now, want := s.statistics(t), [8]uint64{16, 32, 0, 0, 0, 0, 16, 32}; now != want {
					t.Errorf("statistics are %d, want %d", now, want)
				}
				s.tell(t, "TERMINATE")
				if err := s.end(t); err != nil {
					t.Error(err)
				}
				if err := s.controller.TrySend(zmq.NewStringMessage("RESUME")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// It ends also while it is paused, and is paused when it runs again.
func TestAPausedProxyIsTerminated(t *testing.T) {
	s := steer(t, "inproc://x", zmq.REP, zmq.REQ)
	s.tell(t, "PAUSE")
	s.tell(t, "TERMINATE")
	if err := s.end(t); err != nil {
		t.Error(err)
	}
	send(t, s.push, "0")
	s.running = run(t, s.Proxy)
	s.statistics(t)
	nothing(t, s.pull)
	s.tell(t, "RESUME")
	numbers(t, s.pull, 0, 1)
}

// The methods do what the commands do, and Pause returns when nothing moves any more.
func TestPauseAndResume(t *testing.T) {
	c := newContext(t)
	push, pull, p := between(t, c, "inproc://x", side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	p.Pause()
	run(t, p)
	go func() {
		for i := 0; push.SendString(context.Background(), strconv.Itoa(i)) == nil; i++ {
		}
	}()
	next := 0
	for range 50 {
		p.Pause()
		before := p.Stats()
		for {
			m, err := pull.TryRecv()
			if is(err, zmq.ErrWouldBlock) {
				break
			}
			if err != nil || m.String() != strconv.Itoa(next) {
				t.Fatalf("got %q, %v, want %d", m, err, next)
			}
			next++
		}
		if after := p.Stats(); after != before || after.Backend.SentFrames != uint64(next) {
			t.Fatalf("%+v has become %+v while it was paused, and %d were received", before, after, next)
		}
		p.Resume()
		want(t, pull, strconv.Itoa(next))
		next++
	}
}

// A timeout of a socket ends none of the proxy's waits.
func TestTimeoutsDoNotConcernAProxy(t *testing.T) {
	c := newContext(t)
	hasty := &zmq.Config{SendTimeout: zmq.NoWait, RecvTimeout: zmq.NoWait}
	req, rep, p := between(t, c, "inproc://x", side{zmq.REQ, nil}, side{zmq.ROUTER, hasty}, side{zmq.DEALER, hasty}, side{zmq.REP, nil})
	control, controller := join(t, c, "inproc://control", side{zmq.REP, hasty}, side{zmq.REQ, nil})
	p.Control = control
	r := run(t, p)
	for range 3 {
		send(t, req, "question")
		want(t, rep, "question")
		send(t, rep, "answer")
		want(t, req, "answer")
		send(t, controller, "RESUME")
		want(t, controller, "")
	}
	r.stop()
	if err := r.end(t); !is(err, context.Canceled) {
		t.Error(err)
	}
}

// controlled is an idle proxy and who controls it over a PAIR.
func controlled(t *testing.T, endpoint string, config *zmq.Config) (p *zmq.Proxy, controller *zmq.Socket) {
	t.Helper()
	c := newContext(t)
	p = &zmq.Proxy{Frontend: newSocket(t, c, zmq.PULL, nil), Backend: newSocket(t, c, zmq.PUSH, nil)}
	p.Control, controller = join(t, c, endpoint, side{zmq.PAIR, config}, side{zmq.PAIR, config})
	return p, controller
}

// saysAndGoes sends commands to a proxy that does not run yet, and goes.
func saysAndGoes(t *testing.T, p *zmq.Proxy, controller *zmq.Socket, commands ...string) {
	t.Helper()
	for _, command := range commands {
		send(t, controller, command)
	}
	if err := controller.CloseContext(within(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everything has arrived and he is gone", func() bool {
		st := p.Control.Stats()
		return st.Peers == 0 && st.RecvQueue == len(commands)
	})
}

func TestAnAskerThatHasLeftHoldsUpNoCommand(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		p, controller := controlled(t, endpoint, &zmq.Config{Linger: zmq.Forever})
		saysAndGoes(t, p, controller, "STATISTICS", "TERMINATE")
		if err := run(t, p).end(t); err != nil {
			t.Error(err)
		}
	})
}

func TestStatisticsAreForWhoHasAsked(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		p, controller := controlled(t, endpoint, &zmq.Config{Linger: zmq.Forever})
		saysAndGoes(t, p, controller, "STATISTICS", "PAUSE")
		r := run(t, p)
		eventually(t, "the commands were followed", func() bool { return p.Control.Stats().RecvQueue == 0 })
		s := &steered{running: r, controller: newSocket(t, p.Control.Context(), zmq.PAIR, nil)}
		connect(t, s.controller, p.Control.LastEndpoint())
		peers(t, s.controller, 1)
		s.statistics(t)
		s.tell(t, "TERMINATE")
		if err := r.end(t); err != nil {
			t.Error(err)
		}
		nothing(t, s.controller)
	})
}

func TestAnAskerThatIsBehindGetsAllAndHoldsUpNoCommand(t *testing.T) {
	p, controller := controlled(t, "inproc://x", bounded(1))
	r := run(t, p)
	const n = 10 // more than there is room for
	for range 2 {
		for range n {
			send(t, controller, "STATISTICS")
		}
		eventually(t, "the commands were followed", func() bool { return p.Control.Stats().RecvQueue == 0 })
		for range n {
			if m := recv(t, controller); len(m.Frames) != 8 {
				t.Fatalf("the reply is %q", m.Frames)
			}
		}
		nothing(t, controller)
	}
	for range n {
		send(t, controller, "STATISTICS")
	}
	send(t, controller, "TERMINATE")
	if err := r.end(t); err != nil {
		t.Error(err)
	}
}
