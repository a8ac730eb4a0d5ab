package zmq_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"zeromux/zmq"
)

// pattern fills a body by a number, so that memory that is used twice shows.
func pattern(i, size int) []byte {
	b := make([]byte, size)
	for k := range b {
		b[k] = byte(i + k*7)
	}
	return b
}

// sizes stand on both sides of every border: copied and swapped, in a chunk and
// in a block of its own, small and pooled and beyond the pool.
var sizes = []int{0, 1, 255, 256, 1000, 1024, 1025, 4000, 16<<10 - 1, 16 << 10, 40 << 10, 70 << 10, 300 << 10}

func TestAReceivedMessageIsTheCallersForGood(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		const rounds = 30
		go func() {
			for i := range rounds * len(sizes) {
				size := sizes[i%len(sizes)]
				if push.SendFrames(context.Background(), pattern(i, size), pattern(i+1, size/2)) != nil {
					return
				}
			}
		}()
		var kept []zmq.Message
		var into zmq.Message
		for i := range rounds * len(sizes) {
			if i%3 == 0 { // memory goes round between the two forms
				if err := pull.RecvInto(within(t), &into); err != nil {
					t.Fatal(err)
				}
				kept = append(kept, into.Clone())
				continue
			}
			m := recv(t, pull)
			kept = append(kept, m)
		}
		for i, m := range kept {
			size := sizes[i%len(sizes)]
			if len(m.Frames) != 2 || !bytes.Equal(m.Frames[0], pattern(i, size)) || !bytes.Equal(m.Frames[1], pattern(i+1, size/2)) {
				t.Fatalf("message %d of %d octets has changed", i, size)
			}
			for _, f := range m.Frames { // appending must not write into a neighbour
				_ = append(f, 0xEE)
			}
		}
		for i, m := range kept {
			if !bytes.Equal(m.Frames[0], pattern(i, sizes[i%len(sizes)])) {
				t.Fatalf("message %d was written over by a neighbour", i)
			}
		}
	})
}

func TestRecvIntoUsesItsOwnMemoryAgainAndNoOther(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://x", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	// Frames that came from elsewhere are let go untouched.
	mine := []byte("mine")
	m := zmq.NewMessage(mine)
	frames := m.Frames
	send(t, push, "theirs")
	if err := pull.RecvInto(within(t), &m); err != nil {
		t.Fatal(err)
	}
	if string(mine) != "mine" || string(frames[0]) != "mine" || m.String() != "theirs" {
		t.Errorf("mine is %q, got %q", mine, m)
	}
	// A copy of the message has no claim on its memory.
	copied := m
	send(t, push, "second")
	if err := pull.RecvInto(within(t), &copied); err != nil {
		t.Fatal(err)
	}
	if m.String() != "theirs" || copied.String() != "second" {
		t.Errorf("got %q and %q", m, copied)
	}
	// A plain Recv between two RecvInto has memory of its own.
	for i, size := range sizes {
		for range 3 {
			if err := push.SendBytes(within(t), pattern(i, size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := pull.RecvInto(within(t), &m); err != nil {
			t.Fatal(err)
		}
		kept := recv(t, pull)
		if !bytes.Equal(m.Bytes(), pattern(i, size)) {
			t.Errorf("%d octets died before the next RecvInto", size)
		}
		if err := pull.RecvInto(within(t), &m); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept.Bytes(), pattern(i, size)) || !bytes.Equal(m.Bytes(), pattern(i, size)) {
			t.Errorf("%d octets have changed", size)
		}
	}
}

func TestACloneSurvivesTheNextRecvInto(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://x", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	var m zmq.Message
	var clones []zmq.Message
	for i, size := range sizes {
		if err := push.SendFrames(within(t), nil, pattern(i, size), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := pull.RecvInto(within(t), &m); err != nil {
			t.Fatal(err)
		}
		clones = append(clones, m.Clone())
	}
	for i, size := range sizes {
		if got := clones[i]; got.Size() != size+1 || !bytes.Equal(got.Frames[1], pattern(i, size)) || got.Peer() == nil {
			t.Errorf("the clone of %d octets has changed", size)
		}
	}
}

func TestSendCopies(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		for i, size := range sizes {
			b := pattern(i, size)
			if err := push.SendFrames(within(t), b, b); err != nil {
				t.Fatal(err)
			}
			clear(b)
		}
		for i, size := range sizes {
			m := recv(t, pull)
			if !bytes.Equal(m.Frames[0], pattern(i, size)) || !bytes.Equal(m.Frames[1], pattern(i, size)) {
				t.Errorf("%d octets have changed with the sender's", size)
			}
		}
	})
}

func TestOwnedMemoryIsReleasedExactlyOnce(t *testing.T) {
	for _, row := range []struct{ from, to zmq.SocketType }{{zmq.PUSH, zmq.PULL}, {zmq.PUB, zmq.SUB}, {zmq.DEALER, zmq.ROUTER}} {
		t.Run(row.from.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				from := newSocket(t, c, row.from, nil)
				bound := bind(t, from, endpoint)
				var to []*zmq.Socket
				receivers := 1
				if row.from == zmq.PUB {
					receivers = 3
				}
				for i := range receivers {
					s := newSocket(t, c, row.to, nil)
					if row.to == zmq.SUB {
						subscribe(t, s, "", fmt.Sprint(i))
					}
					connect(t, s, bound)
					peers(t, s, 1)
					to = append(to, s)
				}
				peers(t, from, receivers)
				if row.to == zmq.SUB {
					topics(t, from, 1+receivers)
				}
				for i, size := range sizes {
					head, body := pattern(i, size), pattern(i+1, size)
					var released atomic.Int32
					var once sync.WaitGroup
					once.Add(1)
					err := from.SendOwned(within(t), zmq.NewMessage(head, body), func() {
						if released.Add(1) == 1 {
							once.Done()
						}
						// Under no lock: the socket can be used.
						_ = from.Stats()
						_ = from.CanSend()
						clear(head)
						clear(body)
					})
					if err != nil {
						t.Fatal(err)
					}
					for _, s := range to {
						m := recv(t, s)
						frames := m.Frames[len(m.Frames)-2:]
						if !bytes.Equal(frames[0], pattern(i, size)) || !bytes.Equal(frames[1], pattern(i+1, size)) {
							t.Fatalf("%d octets have changed", size)
						}
						nothing(t, s) // lets go of the last message
					}
					once.Wait()
					if n := released.Load(); n != 1 {
						t.Errorf("%d octets: released %d times", size, n)
					}
				}
			})
		})
	}
}

func TestOwnedMemoryThatIsNotSentStaysWithTheCaller(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PUSH, &zmq.Config{SendTimeout: zmq.NoWait})
	released := func() { t.Error("released") }
	if err := s.SendOwned(within(t), zmq.NewMessage(make([]byte, 1<<20)), released); !is(err, zmq.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if err := s.SendOwned(within(t), zmq.Message{}, released); !is(err, zmq.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestOwnedMemoryIsReleasedWhenItsMessageIsDropped(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, &zmq.Config{Linger: zmq.NoLinger})
		connect(t, push, endpoint)
		released := make(chan struct{}, 2)
		if err := push.SendOwned(within(t), zmq.NewMessage(make([]byte, 1<<20)), func() { released <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
		term(t, c)
		<-released
		if len(released) > 0 {
			t.Error("released twice")
		}
	})
	c := newContext(t)
	pub := newSocket(t, c, zmq.PUB, nil)
	released := make(chan struct{}, 2)
	if err := pub.SendOwned(within(t), zmq.NewMessage(make([]byte, 1<<20)), func() { released <- struct{}{} }); err != nil {
		t.Fatalf("to nobody: %v", err)
	}
	<-released
	if len(released) > 0 {
		t.Error("released twice")
	}
}

// In steady state neither Send nor RecvInto allocates; a call that waits does
// neither.
func TestNothingIsAllocatedForEachMessage(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, row := range []struct{ a, b zmq.SocketType }{
		{zmq.PUSH, zmq.PULL}, {zmq.PAIR, zmq.PAIR}, {zmq.DEALER, zmq.DEALER}, {zmq.PUB, zmq.SUB}, {zmq.REQ, zmq.REP},
	} {
		for _, size := range []int{1, 64, 1000, 4000, 20 << 10, 100 << 10} {
			t.Run(fmt.Sprintf("%v %d", row.a, size), func(t *testing.T) {
				c := newContext(t)
				b := newSocket(t, c, row.b, nil)
				a := newSocket(t, c, row.a, nil)
				if row.b == zmq.SUB {
					subscribe(t, b, "")
				}
				bind(t, b, "inproc://x")
				connect(t, a, "inproc://x")
				body := make([]byte, size)
				m := zmq.NewMessage(body[:size/2], body[size/2:])
				var got zmq.Message
				var failed error
				note := func(err error) {
					if err != nil {
						failed = err
					}
				}
				n := testing.AllocsPerRun(500, func() {
					note(a.Send(ctx, m))
					note(b.RecvInto(cancellable, &got))
					if row.a == zmq.REQ {
						note(b.SendBytes(ctx, body))
						note(a.RecvInto(ctx, &got))
					}
				})
				if failed != nil {
					t.Fatal(failed)
				}
				if n != 0 {
					t.Errorf("%v allocations a message", n)
				}
			})
		}
	}
}

// What goes through a proxy costs no allocation either.
func TestAProxyAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	for _, frontend := range []zmq.SocketType{zmq.DEALER, zmq.ROUTER} {
		for _, size := range []int{100, 1000, 20 << 10} {
			t.Run(fmt.Sprint(frontend, " ", size), func(t *testing.T) {
				c := newContext(t)
				left, right, p := between(t, c, "inproc://x", side{zmq.DEALER, nil}, side{frontend, nil}, side{zmq.DEALER, nil}, side{zmq.DEALER, nil})
				p.Capture = newSocket(t, c, zmq.PUB, nil)
				run(t, p)
				m := zmq.NewMessage(make([]byte, size))
				var got zmq.Message
				round := func() {
					for range 100 {
						if left.Send(ctx, m) != nil || right.RecvInto(ctx, &got) != nil {
							t.Error("a message was lost")
						}
					}
				}
				round()
				if n := testing.AllocsPerRun(20, round); n > 5 {
					t.Errorf("%v allocations for 100 messages", n)
				}
			})
		}
	}
}

// Recv carves what it hands out from slabs.
func TestRecvAllocatesFarLessThanOnceAMessage(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	c := newContext(t)
	pull, push := join(t, c, "inproc://x", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	body := make([]byte, 16)
	n := testing.AllocsPerRun(50, func() {
		for range 200 {
			if push.SendBytes(ctx, body) != nil {
				t.Fatal("send")
			}
		}
		for range 200 {
			if _, err := pull.Recv(ctx); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n > 20 {
		t.Errorf("%v allocations for 200 messages", n)
	}
}

// What an application has received and let go of is garbage, whatever the socket and
// the connection that it came over do next.
func TestLargeMessagesThatWereLetGoOfAreGarbage(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		pull, push := join(t, newContext(t), endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		var bodies []weak.Pointer[byte]
		for range 5 {
			if err := push.SendBytes(within(t), make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, weak.Make(&recv(t, pull).Frames[0][0]))
		}
		send(t, push, "small")
		want(t, pull, "small")
		for i, body := range bodies {
			eventually(t, fmt.Sprintf("message %d is collected", i), func() bool {
				runtime.GC()
				return body.Value() == nil
			})
		}
		runtime.KeepAlive(pull)
	})
}

// Each message has a frame less than the one before, so that no frame takes the place
// of the large one in whatever list the socket keeps.
func TestLargeFramesThatWereLetGoOfAreGarbage(t *testing.T) {
	for _, typ := range []side{{zmq.PULL, nil}, {zmq.REP, nil}, {zmq.ROUTER, nil}} {
		t.Run(typ.typ.String(), func(t *testing.T) {
			from := map[zmq.SocketType]zmq.SocketType{zmq.PULL: zmq.PUSH, zmq.REP: zmq.DEALER, zmq.ROUTER: zmq.DEALER}[typ.typ]
			s, peer := join(t, newContext(t), "tcp://127.0.0.1:*", typ, side{from, nil})
			received := func() zmq.Message {
				m := recv(t, s)
				if typ.typ == zmq.REP {
					send(t, s, "next")
				}
				return m
			}
			var bodies []weak.Pointer[byte]
			for n := range 5 {
				frames := make([][]byte, 7-n)
				frames[len(frames)-1] = make([]byte, 1<<20)
				if err := peer.SendFrames(within(t), frames...); err != nil {
					t.Fatal(err)
				}
				m := received()
				bodies = append(bodies, weak.Make(&m.Frames[len(m.Frames)-1][0]))
			}
			send(t, peer, "", "small")
			received()
			for i, body := range bodies {
				eventually(t, fmt.Sprintf("message %d is collected", i), func() bool {
					runtime.GC()
					return body.Value() == nil
				})
			}
			runtime.KeepAlive(s)
		})
	}
}
