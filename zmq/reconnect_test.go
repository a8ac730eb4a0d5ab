package zmq_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestAConnectingSocketKeepsItsQueueWhenTheConnectionIsLost(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull, push := join(t, c, endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, soon()})
		bound := pull.LastEndpoint()
		if err := pull.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the connection is lost", func() bool { return len(push.Peers()) == 0 })
		for i := range 10 {
			send(t, push, fmt.Sprint(i), "second frame")
		}
		pull = newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, bound)
		for i := range 10 {
			want(t, pull, fmt.Sprint(i), "second frame")
		}
	})
}

func TestABindingSocketDropsTheQueueOfAPeerThatLeft(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		router := newSocket(t, c, zmq.ROUTER, nil)
		endpoint = bind(t, router, endpoint)
		config := marks(0, 1)
		config.RoutingID = "you"
		dealer := newSocket(t, c, zmq.DEALER, config)
		connect(t, dealer, endpoint)
		peers(t, router, 1)
		send(t, router, "you", "old")
		send(t, router, "you", "old")
		if err := dealer.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the peer is gone", func() bool { return len(router.Peers()) == 0 })
		dealer = newSocket(t, c, zmq.DEALER, config)
		connect(t, dealer, endpoint)
		peers(t, router, 1)
		send(t, router, "you", "new")
		want(t, dealer, "new")
	})
}

func TestWithImmediateOnlyAConnectionTakesMessages(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		if strings.HasPrefix(endpoint, "tcp") {
			endpoint = "tcp://" + freeAddress(t)
		}
		c := newContext(t)
		config := soon()
		config.Reconnect.Immediate = true
		config.HighWater.Send = zmq.Unlimited // or the queue of a connection that is about to be lost could be full
		push := newSocket(t, c, zmq.PUSH, config)
		connect(t, push, endpoint)
		if err := push.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrWouldBlock) {
			t.Errorf("without a connection: %v", err)
		}
		for round := range 3 {
			pull := newSocket(t, c, zmq.PULL, nil)
			bind(t, pull, endpoint)
			send(t, push, fmt.Sprint(round)) // waits for the connection
			want(t, pull, fmt.Sprint(round))
			if err := pull.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the connection is lost", func() bool {
				return len(push.Peers()) == 0 && is(push.TrySend(zmq.NewStringMessage("lost")), zmq.ErrWouldBlock)
			})
		}
	})
}

func TestAnEndpointThatIsTriedOnceIsForgotten(t *testing.T) {
	for name, row := range map[string]struct {
		reconnect zmq.Reconnect
	}{
		"never reconnect": {zmq.Reconnect{Interval: zmq.Never}},
		"stop if refused": {zmq.Reconnect{Interval: time.Millisecond, StopRefused: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, zmq.PUSH, &zmq.Config{Reconnect: row.reconnect})
			happens := watch(t, s)
			endpoint := "tcp://" + freeAddress(t)
			connect(t, s, endpoint)
			if e := happens.await(zmq.EventClosed); !errors.Is(e.Err, syscall.ECONNREFUSED) || e.Endpoint != endpoint {
				t.Errorf("got %+v", e)
			}
			eventually(t, "the endpoint is forgotten", func() bool {
				return is(s.TrySend(zmq.NewStringMessage("x")), zmq.ErrWouldBlock) && is(s.Disconnect(endpoint), zmq.ErrNotFound)
			})
			pull := newSocket(t, c, zmq.PULL, nil)
			bind(t, pull, endpoint)
			connect(t, s, endpoint)
			send(t, s, "y")
			want(t, pull, "y")
		})
	}
}

// A peer that is not wanted, or breaks the protocol, would be the same again; one
// that just goes away may do better next time.
func TestWhatEndsAHandshakeDecidesWhetherItIsTriedAgain(t *testing.T) {
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f" + "\x03\x00" + "NULL" + strings.Repeat("\x00", 16+32)
	for name, row := range map[string]struct {
		says  string
		stop  bool
		again bool
	}{
		"a socket type that does not fit":  {greeting + "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB", false, false},
		"a breach of the protocol":         {greeting + "\x04\x06\x05HELLO", false, false},
		"the end":                          {greeting, false, true},
		"the end, where any failure stops": {greeting, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			config := soon()
			config.Reconnect.StopHandshake = row.stop
			s := newSocket(t, newContext(t), zmq.PUSH, config)
			happens := watch(t, s)
			endpoint := "tcp://" + l.Addr().String()
			connect(t, s, endpoint)
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, row.says) // it may be gone by now
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
			happens.await(zmq.EventDisconnected)
			if row.again {
				happens.await(zmq.EventConnected)
				return
			}
			eventually(t, "the endpoint is forgotten", func() bool { return is(s.Disconnect(endpoint), zmq.ErrNotFound) })
		})
	}
}

func TestDisconnectStopsTryingWhenItIsTold(t *testing.T) {
	c := zmq.NewContext(nil)
	defer term(t, c)
	config := lingering()
	config.Reconnect.StopDisconnect = true
	push := newSocket(t, c, zmq.PUSH, config)
	endpoint := "tcp://" + freeAddress(t)
	happens := watch(t, push)
	connect(t, push, endpoint)
	send(t, push, "lost")
	happens.await(zmq.EventClosed)
	if err := push.Disconnect(endpoint); err != nil {
		t.Fatal(err)
	}
	// With its linger without end, the socket would keep Term waiting otherwise.
}

func TestEventsTellTheLifeOfAConnection(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		server := newSocket(t, c, zmq.PULL, nil)
		client := newSocket(t, c, zmq.PUSH, soon())
		s, cl := watch(t, server), watch(t, client)
		endpoint = bind(t, server, endpoint)
		connect(t, client, endpoint)

		order := func(name string, w *events, kinds ...zmq.EventKind) {
			t.Helper()
			for _, kind := range kinds {
				e, ok := w.next()
				if !ok || e.Kind != kind || kind != zmq.EventMonitorStopped && e.Endpoint != endpoint || e.Time.IsZero() {
					t.Fatalf("%s: got %q %+v, want %q", name, e.Kind, e, kind)
				}
				if kind == zmq.EventHandshakeSucceeded && (e.Peer == nil || e.Peer.Version != "3.1" || e.Peer.Mechanism != "NULL") {
					t.Errorf("%s: peer is %+v", name, e.Peer)
				}
			}
		}
		order("server", s, zmq.EventListening, zmq.EventAccepted, zmq.EventHandshakeSucceeded)
		var delayed []zmq.EventKind // only tcp has to wait for an answer
		if strings.HasPrefix(endpoint, "tcp") {
			delayed = append(delayed, zmq.EventConnectDelayed)
		}
		order("client", cl, append(delayed, zmq.EventConnected, zmq.EventHandshakeSucceeded)...)
		if err := server.Unbind(endpoint); err != nil {
			t.Fatal(err)
		}
		order("server", s, zmq.EventClosed)
		order("client", cl, zmq.EventDisconnected, zmq.EventConnectRetried)
		order("client", cl, append(delayed, zmq.EventClosed)...)
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		order("server", s, zmq.EventMonitorStopped)
		for e, ok := s.next(); ok; e, ok = s.next() {
			t.Errorf("after Close: %+v", e)
		}
	})
}

func TestAReaderOfEventsThatSleepsHoldsNobodyUp(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	_ = s.Events(within(t)) // nobody iterates
	for range 600 {         // two events each
		if err := s.Unbind(bind(t, s, "ipc://"+socketPath(t))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnIllegalPairIsRefusedByTheHandshake(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		pub := newSocket(t, c, zmq.PUB, soon())
		happens := watch(t, pub)
		connect(t, pub, bind(t, pull, endpoint))
		e := happens.await(zmq.EventDisconnected)
		var failed *zmq.HandshakeError
		if !errors.As(e.Err, &failed) {
			t.Fatalf("got %v", e.Err)
		}
		// Whose refusal is first is open: ours, or the end that the peer makes.
		if failed.Phase != zmq.PhaseMechanism || failed.Peer != e.Remote || failed.Status != 0 {
			t.Errorf("got %+v", failed)
		}
		if len(pull.Peers())+len(pub.Peers()) > 0 {
			t.Error("they are peers")
		}
	})
}

func TestInprocJoinsAnyTwoTypes(t *testing.T) {
	c := newContext(t)
	push, sub := join(t, c, "inproc://x", side{zmq.PUSH, nil}, side{zmq.SUB, nil})
	subscribe(t, sub, "")
	send(t, push, "x")
	want(t, sub, "x")
}

func TestAFailedHandshakeSaysHowFarItCame(t *testing.T) {
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f" + "\x03\x00" + "NULL" + strings.Repeat("\x00", 16+32)
	for name, row := range map[string]struct {
		sends string
		phase zmq.HandshakePhase
		kind  zmq.EventKind
		is    error
	}{
		"the end":              {"", zmq.PhaseGreeting, zmq.EventHandshakeFailedNoDetail, io.ErrUnexpectedEOF},
		"another mechanism":    {strings.Replace(greeting, "NULL", "NONE", 1), zmq.PhaseGreeting, zmq.EventHandshakeFailedProtocol, nil},
		"the end, half way":    {greeting, zmq.PhaseMechanism, zmq.EventHandshakeFailedNoDetail, io.ErrUnexpectedEOF},
		"another socket type":  {greeting + "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB", zmq.PhaseMechanism, 0, zmq.ErrIncompatible},
		"an unexpected answer": {greeting + "\x04\x06\x05HELLO", zmq.PhaseMechanism, zmq.EventHandshakeFailedProtocol, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, newContext(t), zmq.PULL, nil)
			happens := watch(t, s)
			bound := bind(t, s, "tcp://127.0.0.1:*")
			conn, err := net.Dial("tcp", strings.TrimPrefix(bound, "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() {
				_, _ = io.WriteString(conn, row.sends) // the other side may have gone
				_ = conn.(*net.TCPConn).CloseWrite()
			}()
			happens.await(zmq.EventAccepted)
			kind := row.kind
			if kind == 0 {
				kind = zmq.EventDisconnected
			}
			e := happens.await(kind)
			var failed *zmq.HandshakeError
			if !errors.As(e.Err, &failed) || failed.Phase != row.phase || failed.Peer != conn.LocalAddr().String() {
				t.Fatalf("got %q: %v", e.Kind, e.Err)
			}
			if row.is != nil && !is(e.Err, row.is) {
				t.Errorf("%v is not %v", e.Err, row.is)
			}
			if text := fmt.Sprintf("handshake with %s, %s: ", failed.Peer, row.phase); !strings.HasPrefix(e.Err.Error(), text) {
				t.Errorf("%v does not begin with %q", e.Err, text)
			}
			// Nobody else suffers.
			push := newSocket(t, newContext(t), zmq.PUSH, nil)
			connect(t, push, bound)
			send(t, push, "x")
			want(t, s, "x")
		})
	}
}

func TestAMessageBeyondTheLimitEndsItsConnectionOnly(t *testing.T) {
	for name, row := range map[string]struct {
		limits  zmq.Limits
		frames  [][]byte
		is      error
		fitting [][]byte
	}{
		"a frame too large":         {zmq.Limits{MessageSize: 100}, [][]byte{make([]byte, 101)}, zmq.ErrTooLarge, [][]byte{make([]byte, 100), make([]byte, 100)}},
		"a much too large frame":    {zmq.Limits{MessageSize: 100}, [][]byte{nil, make([]byte, 10<<20)}, zmq.ErrTooLarge, [][]byte{nil}},
		"too many frames":           {zmq.Limits{Frames: 3}, make([][]byte, 4), nil, make([][]byte, 3)},
		"too many frames at a time": {zmq.Limits{Frames: 3}, make([][]byte, 10000), nil, make([][]byte, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, network, func(t *testing.T, endpoint string) {
				c := newContext(t)
				pull := newSocket(t, c, zmq.PULL, &zmq.Config{Limits: row.limits})
				happens := watch(t, pull)
				bound := bind(t, pull, endpoint)
				good := newSocket(t, c, zmq.PUSH, nil)
				bad := newSocket(t, c, zmq.PUSH, &zmq.Config{Reconnect: zmq.Reconnect{Interval: zmq.Never}})
				connect(t, good, bound)
				connect(t, bad, bound)
				if err := bad.SendFrames(within(t), row.fitting...); err != nil {
					t.Fatal(err)
				}
				if m := recv(t, pull); len(m.Frames) != len(row.fitting) {
					t.Fatalf("got %d frames", len(m.Frames))
				}
				if err := bad.SendFrames(within(t), row.frames...); err != nil {
					t.Fatal(err)
				}
				e := happens.await(zmq.EventDisconnected)
				if e.Err == nil || row.is != nil && !is(e.Err, row.is) {
					t.Errorf("the event says %v", e.Err)
				}
				if e.Peer == nil || e.Peer.Type != "PUSH" {
					t.Errorf("the event names %+v", e.Peer)
				}
				send(t, good, "x")
				want(t, pull, "x")
				nothing(t, pull)
			})
		})
	}
}

func TestConflateKeepsTheNewestMessageAlone(t *testing.T) {
	for _, row := range []struct{ from, to zmq.SocketType }{
		{zmq.PUSH, zmq.PULL}, {zmq.DEALER, zmq.DEALER}, {zmq.PUB, zmq.SUB},
	} {
		t.Run(row.from.String(), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				config := marks(1, 1)
				config.Conflate = true
				from := newSocket(t, c, row.from, config)
				to := newSocket(t, c, row.to, config)
				if row.to == zmq.SUB {
					subscribe(t, to, "")
				}
				connect(t, to, bind(t, from, endpoint))
				peers(t, from, 1)
				peers(t, to, 1)
				if row.to == zmq.SUB {
					topics(t, from, 1)
				}
				const n = 500
				for i := range n {
					send(t, from, "first", fmt.Sprint(i)) // never full
				}
				got := recv(t, to)
				for string(got.Bytes()) != fmt.Sprint(n-1) { // what was under way comes before
					if len(got.Frames) != 1 {
						t.Fatalf("got %q", got.Frames)
					}
					got = recv(t, to)
				}
				nothing(t, to)
			})
		})
	}
}
