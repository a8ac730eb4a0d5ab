package zmq_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"zeromux/zmq"
)

// bounded is a configuration with high-water marks of n.
func bounded(n int) *zmq.Config {
	return &zmq.Config{HighWater: zmq.HighWater{Send: n, Recv: n}, PubSub: zmq.PubSub{}}
}

// boundedNoDrop is bounded of a publisher that waits for its subscribers.
func boundedNoDrop(n int) *zmq.Config {
	config := bounded(n)
	config.PubSub.NoDrop = true
	return config
}

// numbers receives messages of one frame, numbered on from first.
func numbers(t testing.TB, s *zmq.Socket, first, n int) {
	t.Helper()
	for i := range n {
		want(t, s, strconv.Itoa(first+i))
	}
}

// What a publisher that waits for its subscribers was allowed to send arrives, and
// it is about as much as the four queues on the way hold: one that was full takes no
// more before half of it is free, and the proxy gives back what it finds no room for.
// libzmq: test_proxy_hwm.
func TestHighWaterMarksActThroughAProxy(t *testing.T) {
	const mark = 10
	c := newContext(t)
	pub, sub, p := between(t, c, "inproc://x", side{zmq.PUB, boundedNoDrop(mark)}, side{zmq.XSUB, bounded(mark)},
		side{zmq.XPUB, boundedNoDrop(mark)}, side{zmq.SUB, bounded(mark)})
	run(t, p)
	subscribed(t, pub, sub)
	sent := 0
	for stuck := false; !stuck; {
		err := pub.TrySend(zmq.NewStringMessage(strconv.Itoa(sent)))
		switch {
		case err == nil:
			sent++
		case !is(err, zmq.ErrWouldBlock):
			t.Fatal(err)
		default:
			stuck = sub.Stats().RecvQueue == 2*mark && pub.Stats().SendQueue > mark
		}
	}
	if sent < 3*mark || sent > 4*mark+1 {
		t.Errorf("%d messages were taken, want %d to %d", sent, 3*mark, 4*mark+1)
	}
	numbers(t, sub, 0, sent)
	nothing(t, sub)
}

// blocked makes a proxy that can send nothing, and sends it n numbered messages.
func blocked(t *testing.T, c *zmq.Context, endpoint string, n int) (p *running, push *zmq.Socket) {
	t.Helper()
	pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	p = run(t, &zmq.Proxy{Frontend: pull, Backend: newSocket(t, c, zmq.PUSH, nil)})
	for i := range n {
		send(t, push, strconv.Itoa(i))
	}
	eventually(t, "everything has arrived", func() bool { return pull.Stats().Received == uint64(n) })
	return p, push
}

// libzmq: test_proxy_terminate.
func TestAProxyThatIsBlockedEnds(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(*running, *zmq.Context)
		want error
	}{
		"with its context":         {func(p *running, _ *zmq.Context) { p.stop() }, context.Canceled},
		"with the zmq context":     {func(_ *running, c *zmq.Context) { c.Shutdown() }, zmq.ErrTerminated},
		"with its frontend":        {func(p *running, _ *zmq.Context) { p.Frontend.Close() }, zmq.ErrClosed},
		"with its backend":         {func(p *running, _ *zmq.Context) { p.Backend.Close() }, zmq.ErrClosed},
		"while it is paused":       {func(p *running, _ *zmq.Context) { p.Pause(); p.stop() }, context.Canceled},
		"paused, with its backend": {func(p *running, _ *zmq.Context) { p.Pause(); p.Backend.Close() }, zmq.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				p, _ := blocked(t, c, endpoint, 10)
				row.end(p, c)
				if err := p.end(t); !is(err, row.want) {
					t.Errorf("it ends with %v, want %v", err, row.want)
				}
			})
		})
	}
}

// Also sockets on which it does not wait at the time.
func TestAProxyEndsWithAnyOfItsSockets(t *testing.T) {
	for i, name := range []string{"frontend", "backend", "capture", "control"} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s := []*zmq.Socket{
				newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, nil),
				newSocket(t, c, zmq.PUSH, nil), newSocket(t, c, zmq.REP, nil),
			}
			p := run(t, &zmq.Proxy{Frontend: s[0], Backend: s[1], Capture: s[2], Control: s[3]})
			s[i].Close()
			if err := p.end(t); !is(err, zmq.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// A proxy that ends has nothing of its own: every message is with one socket or the
// other, in order. So is its copy, but for one that the next Run begins with.
func TestNothingIsLostWhenAProxyEnds(t *testing.T) {
	const n = 300
	for _, row := range []struct {
		name                           string
		left, frontend, backend, right side
	}{
		{"pipeline", side{zmq.PUSH, nil}, side{zmq.PULL, bounded(7)}, side{zmq.PUSH, bounded(3)}, side{zmq.PULL, bounded(3)}},
		{"a publisher that waits", side{zmq.PUB, boundedNoDrop(1000)}, side{zmq.XSUB, bounded(7)}, side{zmq.XPUB, boundedNoDrop(3)}, side{zmq.SUB, bounded(3)}},
		{"a pair", side{zmq.PAIR, nil}, side{zmq.PAIR, bounded(1)}, side{zmq.PAIR, bounded(1)}, side{zmq.PAIR, bounded(1)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				left, right, p := between(t, c, endpoint, row.left, row.frontend, row.backend, row.right)
				capture, listener := join(t, c, another(another(endpoint)), side{zmq.PUSH, bounded(1)}, side{zmq.PULL, bounded(1)})
				p.Capture = capture
				r := run(t, p)
				subscribed(t, left, right)
				if right.Type() == zmq.SUB {
					want(t, listener, "\x01")
				}
				sent := make(chan error, 1)
				go func() {
					for i := range n {
						if err := left.SendString(context.Background(), strconv.Itoa(i)); err != nil {
							sent <- err
							return
						}
					}
					sent <- nil
				}()
				for i := range n {
					want(t, right, strconv.Itoa(i))
					want(t, listener, strconv.Itoa(i))
					if i%5 == 4 {
						r.stop()
						r.end(t)
						r = run(t, p)
					}
				}
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A copy that finds no room is sent by the next Run, whatever has ended the last one.
func TestACopyWithoutRoomGoesOutWithTheNextRun(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *running, control *zmq.Socket){
		"ended by its context": func(_ *testing.T, r *running, _ *zmq.Socket) { r.stop() },
		"told to end":          func(t *testing.T, _ *running, control *zmq.Socket) { send(t, control, "TERMINATE") },
		"without its capture":  func(_ *testing.T, r *running, _ *zmq.Socket) { r.Capture.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *zmq.Context) {
				const n = 20
				left, right, p := between(t, c, "inproc://x", side{zmq.PAIR, nil}, side{zmq.PAIR, nil}, side{zmq.PAIR, nil}, side{zmq.PAIR, nil})
				capture, listener := join(t, c, "inproc://tap", side{zmq.PUSH, bounded(1)}, side{zmq.PULL, bounded(1)})
				commands, control := join(t, c, "inproc://control", side{zmq.PAIR, nil}, side{zmq.PAIR, nil})
				p.Capture, p.Control = capture, commands
				copies := make(map[string]int) // what comes next, of each side
				tapped := func(s *zmq.Socket) {
					for m, err := s.TryRecv(); err == nil; m, err = s.TryRecv() {
						from := string(m.Frames[0])
						if want := strconv.Itoa(copies[from]); string(m.Frames[1]) != want {
							t.Errorf("a copy of %q, want number %s", m.Frames, want)
						}
						copies[from]++
						synctest.Wait()
					}
				}
				r := run(t, p)
				for i := range n {
					send(t, left, "left", strconv.Itoa(i))
					send(t, right, "right", strconv.Itoa(i))
				}
				synctest.Wait()
				end(t, r, control)
				if is(r.end(t), zmq.ErrClosed) {
					tapped(listener)
					p.Capture, listener = join(t, c, "inproc://tap 2", side{zmq.PUSH, bounded(1)}, side{zmq.PULL, bounded(1)})
				}
				run(t, p)
				synctest.Wait()
				tapped(listener)
				for i := range n {
					want(t, left, "right", strconv.Itoa(i))
					want(t, right, "left", strconv.Itoa(i))
				}
				if copies["left"] != n || copies["right"] != n {
					t.Errorf("there are copies of %v, want %d of each", copies, n)
				}
			})
		})
	}
}

// The message for which there was no room is the first that the application
// receives when it goes on by itself, in whatever way.
func TestAMessageWithoutRoomStaysWithItsSocket(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	for name, receive := range map[string]func(t *testing.T, s *zmq.Socket) zmq.Message{
		"Recv": func(t *testing.T, s *zmq.Socket) zmq.Message { return recv(t, s) },
		"RecvInto": func(t *testing.T, s *zmq.Socket) (m zmq.Message) {
			if err := s.RecvInto(within(t), &m); err != nil {
				t.Fatal(err)
			}
			return m.Clone()
		},
		"TryRecv": func(t *testing.T, s *zmq.Socket) zmq.Message {
			if !s.CanRecv() {
				t.Fatal("it says that there is nothing")
			}
			m, err := s.TryRecv()
			if err != nil {
				t.Fatal(err)
			}
			return m
		},
		"RecvBatch": func(t *testing.T, s *zmq.Socket) zmq.Message {
			var one [1]zmq.Message
			if _, err := s.RecvBatch(within(t), one[:]); err != nil {
				t.Fatal(err)
			}
			return one[0]
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			push, sub, p := between(t, c, "inproc://x", side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.XPUB, boundedNoDrop(1)}, side{zmq.SUB, bounded(1)})
			if err := sub.Subscribe(""); err != nil {
				t.Fatal(err)
			}
			if err := p.Backend.WaitSubscribers(within(t), "", 1); err != nil {
				t.Fatal(err)
			}
			const n = 10
			for i := range n {
				send(t, push, strconv.Itoa(i), large)
			}
			r := run(t, p)
			eventually(t, "there is no room left", func() bool { return r.Stats().Backend.SentFrames == 4 })
			r.stop()
			r.end(t)
			for i := 2; i < n; i++ {
				m := receive(t, p.Frontend)
				if len(m.Frames) != 2 || string(m.Frames[0]) != strconv.Itoa(i) || string(m.Frames[1]) != large {
					t.Fatalf("message %d: %.20q", i, m.Frames)
				}
				if m.Peer() == nil || m.Peer().Type != "PUSH" {
					t.Errorf("it comes from %+v", m.Peer())
				}
			}
			nothing(t, p.Frontend)
			want(t, sub, "0", large)
			want(t, sub, "1", large)
		})
	}
}

// withPutBack makes a proxy that has put back "early", which came from peer, and runs
// on. Its backend has room again when sub has received "full" as often as it says.
func withPutBack(t *testing.T, c *zmq.Context, endpoint string, frontend, peer zmq.SocketType) (r *running, bound string, sub *zmq.Socket, full int) {
	t.Helper()
	from, front := newSocket(t, c, peer, nil), newSocket(t, c, frontend, nil)
	bound = bind(t, from, endpoint)
	connect(t, front, bound)
	peers(t, front, 1)
	xpub, sub := join(t, c, "inproc://full", side{zmq.XPUB, boundedNoDrop(1)}, side{zmq.SUB, bounded(1)})
	if err := sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	want(t, xpub, "\x01")
	for ; ; full++ {
		if err := xpub.TrySend(zmq.NewStringMessage("full")); is(err, zmq.ErrWouldBlock) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	r = run(t, &zmq.Proxy{Frontend: front, Backend: xpub})
	send(t, from, "early")
	eventually(t, "it was put back", func() bool { return zmq.HasPutBack(front) })
	return r, bound, sub, full
}

// comes has another peer send "late" to s.
func comes(t *testing.T, c *zmq.Context, s *zmq.Socket, peer zmq.SocketType, endpoint string) {
	t.Helper()
	another := newSocket(t, c, peer, nil)
	connect(t, s, bind(t, another, endpoint))
	send(t, another, "late")
}

// What was put back is received from its peer like anything else: not after a
// Disconnect.
func TestDisconnectDiscardsWhatAProxyPutBack(t *testing.T) {
	for _, row := range []struct{ frontend, peer zmq.SocketType }{
		{zmq.PULL, zmq.PUSH}, {zmq.PAIR, zmq.PAIR}, {zmq.ROUTER, zmq.DEALER}, {zmq.REP, zmq.REQ},
	} {
		t.Run(row.frontend.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				r, bound, _, _ := withPutBack(t, c, endpoint, row.frontend, row.peer)
				r.stop()
				r.end(t)
				if err := r.Frontend.Disconnect(bound); err != nil {
					t.Fatal(err)
				}
				if n := r.Frontend.Stats().RecvQueue; n != 0 {
					t.Errorf("%d messages wait", n)
				}
				nothing(t, r.Frontend)
				comes(t, c, r.Frontend, row.peer, another(endpoint))
				if got := string(recv(t, r.Frontend).Bytes()); got != "late" {
					t.Errorf("received %q", got)
				}
			})
		})
	}
}

func TestDisconnectDiscardsWhatARunningProxyPutBack(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		r, bound, sub, full := withPutBack(t, c, endpoint, zmq.PULL, zmq.PUSH)
		if err := r.Frontend.Disconnect(bound); err != nil {
			t.Fatal(err)
		}
		for range full {
			want(t, sub, "full")
		}
		comes(t, c, r.Frontend, zmq.PUSH, another(endpoint))
		want(t, sub, "late")
	})
}

// A message to somebody who is not there, or that the type cannot send, ends no
// proxy.
func TestWhatCannotBeSentDoesNotEndAProxy(t *testing.T) {
	c := newContext(t)
	push, dealer, p := between(t, c, "tcp://127.0.0.1:*", side{zmq.PUSH, nil}, side{zmq.PULL, nil},
		side{zmq.ROUTER, &zmq.Config{Router: zmq.Router{Mandatory: true}}}, side{zmq.DEALER, &zmq.Config{RoutingID: "here"}})
	run(t, p)
	send(t, push, "not here", "x")
	send(t, push, "no body")
	send(t, push, "here", "x")
	want(t, dealer, "x")
	if n := p.Backend.Stats().DroppedUnroutable; n != 1 {
		t.Errorf("%d messages count as unroutable", n)
	}
}

func TestCaptureGetsACopyOfEveryMessage(t *testing.T) {
	for _, row := range []struct{ capture, listener zmq.SocketType }{
		{zmq.PUB, zmq.SUB}, {zmq.PUSH, zmq.PULL}, {zmq.DEALER, zmq.DEALER}, {zmq.PAIR, zmq.PAIR},
	} {
		t.Run(row.capture.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				left, right, p := between(t, c, endpoint, side{zmq.REQ, nil}, side{zmq.REP, nil}, side{zmq.REQ, nil}, side{zmq.REP, nil})
				capture, listener := join(t, c, another(another(endpoint)), side{row.capture, nil}, side{row.listener, nil})
				p.Capture = capture
				run(t, p)
				subscribed(t, capture, listener)
				for _, size := range []int{0, 100, 1000, 20 << 10} {
					question, answer := string(pattern(1, size)), string(pattern(2, size))
					send(t, left, "q", question)
					want(t, right, "q", question)
					want(t, listener, "q", question)
					send(t, right, answer)
					want(t, left, answer)
					want(t, listener, answer)
				}
				nothing(t, listener)
			})
		})
	}
}

// Nobody misses a copy: the proxy waits until there is room for it.
func TestAProxyWaitsForItsCaptureSocket(t *testing.T) {
	const n = 100
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push, pull, p := between(t, c, endpoint, side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil})
		p.Capture = newSocket(t, c, zmq.PUSH, bounded(1))
		r := run(t, p)
		for i := range n {
			send(t, push, strconv.Itoa(i))
		}
		eventually(t, "everything has arrived", func() bool { return p.Frontend.Stats().Received == n })
		if st := r.Stats(); st.Frontend.ReceivedFrames != 0 {
			t.Errorf("without anybody who captures, %d frames went on", st.Frontend.ReceivedFrames)
		}
		listener := newSocket(t, c, zmq.PULL, bounded(1))
		connect(t, listener, bind(t, p.Capture, another(another(endpoint))))
		for i := range n {
			want(t, listener, strconv.Itoa(i))
			want(t, pull, strconv.Itoa(i))
		}
	})
}

// Bodies of every size, alone and with others, come through as they are, though
// large ones are passed on in the memory that they arrived in.
func TestBodiesOfEverySizeGoThroughAProxy(t *testing.T) {
	for _, row := range []struct {
		name                           string
		left, frontend, backend, right side
		listeners                      int
	}{
		{"PULL to PUSH", side{zmq.PUSH, nil}, side{zmq.PULL, nil}, side{zmq.PUSH, nil}, side{zmq.PULL, nil}, 1},
		{"ROUTER to DEALER", side{zmq.DEALER, nil}, side{zmq.ROUTER, nil}, side{zmq.DEALER, nil}, side{zmq.DEALER, nil}, 1},
		{"XSUB to XPUB for one", side{zmq.PUB, boundedNoDrop(100)}, side{zmq.XSUB, nil}, side{zmq.XPUB, boundedNoDrop(10)}, side{zmq.SUB, nil}, 1},
		{"XSUB to XPUB for three", side{zmq.PUB, boundedNoDrop(100)}, side{zmq.XSUB, nil}, side{zmq.XPUB, boundedNoDrop(10)}, side{zmq.SUB, nil}, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				left, right, p := between(t, c, endpoint, row.left, row.frontend, row.backend, row.right)
				listeners := []*zmq.Socket{right}
				for range row.listeners - 1 {
					s := newSocket(t, c, row.right.typ, nil)
					connect(t, s, p.Backend.LastEndpoint())
					listeners = append(listeners, s)
				}
				run(t, p)
				for _, s := range listeners {
					if s.Type() == zmq.SUB {
						if err := s.Subscribe(""); err != nil {
							t.Fatal(err)
						}
					}
				}
				if left.Type() == zmq.PUB {
					if err := p.Backend.WaitSubscribers(within(t), "", row.listeners); err != nil {
						t.Fatal(err)
					}
					subscribed(t, left, right)
				}
				messages := make([][][]byte, 0, 4*len(sizes))
				for round := range 4 {
					for i, size := range sizes {
						m := [][]byte{pattern(i+round, size)}
						for k := range round {
							m = append(m, pattern(i+k, sizes[(i+k*5)%len(sizes)]))
						}
						messages = append(messages, m)
					}
				}
				go func() {
					for _, m := range messages {
						if left.SendFrames(context.Background(), m...) != nil {
							return
						}
					}
				}()
				for i, sent := range messages {
					for _, s := range listeners {
						got := recv(t, s).Frames
						if row.frontend.typ == zmq.ROUTER {
							got = got[1:]
						}
						if len(got) != len(sent) {
							t.Fatalf("message %d has %d frames, want %d", i, len(got), len(sent))
						}
						for k := range sent {
							if !bytes.Equal(got[k], sent[k]) {
								t.Fatalf("frame %d of message %d, of %d octets, has changed", k, i, len(sent[k]))
							}
						}
					}
				}
			})
		})
	}
}

func TestAMessageOfAThousandFramesGoesThroughAProxy(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		req, rep, p := between(t, c, endpoint, side{zmq.REQ, nil}, side{zmq.ROUTER, nil}, side{zmq.DEALER, nil}, side{zmq.REP, nil})
		r := run(t, p)
		frames := make([]string, 1000)
		for i := range frames {
			frames[i] = strings.Repeat("x", i%7) + fmt.Sprint(i)
		}
		frames[500] = strings.Repeat("y", 100<<10)
		send(t, req, frames...)
		want(t, rep, frames...)
		send(t, rep, frames...)
		want(t, req, frames...)
		if st := r.Stats(); st.Backend.ReceivedFrames != 1002 {
			t.Errorf("%d frames came back, want 1002", st.Backend.ReceivedFrames)
		}
	})
}

// Recv gives the memory away that a message lies in. The next message may lie in it
// too, and then nothing of that can be lent.
func TestAProxyGoesOnWhereRecvEnded(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://in", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	sink, out := join(t, c, "inproc://out", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	large := strings.Repeat("large", 20_000)
	send(t, push, "first")
	send(t, push, "second", large, "end")
	want(t, pull, "first")
	run(t, &zmq.Proxy{Frontend: pull, Backend: out})
	want(t, sink, "second", large, "end")
}
