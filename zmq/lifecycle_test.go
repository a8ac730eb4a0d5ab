package zmq_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// How the attempts to connect go on, and what ends them: the events of libzmq's
// test_reconnect_options.
func TestWhatEndsTheAttempts(t *testing.T) {
	const again = time.Millisecond
	refused := []zmq.EventKind{zmq.EventConnectDelayed, zmq.EventClosed}
	failed := []zmq.EventKind{
		zmq.EventConnectDelayed, zmq.EventConnected, zmq.EventHandshakeFailedNoDetail, zmq.EventDisconnected,
	}
	lost := []zmq.EventKind{
		zmq.EventConnectDelayed, zmq.EventConnected, zmq.EventHandshakeSucceeded, zmq.EventDisconnected,
	}
	for name, row := range map[string]struct {
		reconnect zmq.Reconnect
		peer      string // who is there: nobody, mute, or another socket that leaves
		first     []zmq.EventKind
		retries   bool
	}{
		"nobody there":                         {zmq.Reconnect{Interval: again}, "nobody", refused, true},
		"nobody there, one attempt":            {zmq.Reconnect{Interval: zmq.Never}, "nobody", refused, false},
		"nobody there, stop when refused":      {zmq.Reconnect{Interval: again, StopRefused: true}, "nobody", refused, false},
		"nobody there, stop when failed":       {zmq.Reconnect{Interval: again, StopHandshake: true}, "nobody", refused, true},
		"nobody there, stop when disconnected": {zmq.Reconnect{Interval: again, StopDisconnect: true}, "nobody", refused, true},
		"a mute peer":                          {zmq.Reconnect{Interval: again, HandshakeTimeout: again}, "mute", failed, true},
		"a mute peer, one attempt":             {zmq.Reconnect{Interval: zmq.Never, HandshakeTimeout: again}, "mute", failed, false},
		"a mute peer, stop when refused":       {zmq.Reconnect{Interval: again, HandshakeTimeout: again, StopRefused: true}, "mute", failed, true},
		"a mute peer, stop when failed":        {zmq.Reconnect{Interval: again, HandshakeTimeout: again, StopHandshake: true}, "mute", failed, false},
		"a peer that leaves":                   {zmq.Reconnect{Interval: again}, "leaves", lost, true},
		"a peer that leaves, one attempt":      {zmq.Reconnect{Interval: zmq.Never}, "leaves", lost, false},
		"a peer that leaves, stop when failed": {zmq.Reconnect{Interval: again, StopHandshake: true}, "leaves", lost, true},
		// The connection that follows is refused.
		"a peer that leaves, stop when refused": {
			zmq.Reconnect{Interval: again, StopRefused: true},
			"leaves",
			slices.Concat(lost, []zmq.EventKind{zmq.EventConnectRetried}, refused), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, zmq.DEALER, &zmq.Config{Reconnect: row.reconnect})
			happens := watch(t, s)
			endpoint := "tcp://" + freeAddress(t)
			leave := func() {}
			switch row.peer {
			case "mute":
				l, err := net.Listen("tcp", strings.TrimPrefix(endpoint, "tcp://"))
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
			case "leaves":
				peer := newSocket(t, c, zmq.DEALER, nil)
				bind(t, peer, endpoint)
				leave = func() { _ = peer.Close() }
			}
			connect(t, s, endpoint)
			for _, kind := range row.first {
				e, ok := happens.next()
				if !ok || e.Kind != kind {
					t.Fatalf("told %v, want %v of %v", e.Kind, kind, row.first)
				}
				if kind == zmq.EventHandshakeSucceeded {
					leave()
				}
			}
			if row.retries {
				for _, kind := range []zmq.EventKind{zmq.EventConnectRetried, zmq.EventConnectDelayed} {
					if e, _ := happens.next(); e.Kind != kind {
						t.Fatalf("told %v, want %v", e.Kind, kind)
					}
				}
				return
			}
			eventually(t, "the endpoint is forgotten", func() bool { return is(s.Disconnect(endpoint), zmq.ErrNotFound) })
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if e, _ := happens.next(); e.Kind != zmq.EventMonitorStopped {
				t.Errorf("then %v is told", e.Kind)
			}
		})
	}
}

// What waits for an endpoint that was disconnected is brought to who comes there
// within the linger time, unless disconnecting is to end the attempts.
func TestWhatWaitsAfterDisconnectDependsOnTheStop(t *testing.T) {
	for _, stop := range []bool{false, true} {
		over(t, unbound, func(t *testing.T, endpoint string) {
			if strings.HasPrefix(endpoint, "inproc") {
				return
			}
			c := newContext(t)
			config := lingering()
			config.Reconnect.StopDisconnect = stop
			config.Reconnect.Interval = time.Millisecond
			push := newSocket(t, c, zmq.PUSH, config)
			happens := watch(t, push)
			connect(t, push, endpoint)
			send(t, push, "waits")
			happens.await(zmq.EventClosed)
			if err := push.Disconnect(endpoint); err != nil {
				t.Fatal(err)
			}
			if stop {
				if err := push.CloseContext(within(t)); err != nil { // nothing is tried any more
					t.Fatal(err)
				}
				happens.await(zmq.EventMonitorStopped)
				return
			}
			pull := newSocket(t, c, zmq.PULL, nil)
			bind(t, pull, endpoint)
			want(t, pull, "waits")
		})
	}
}

// numberedMessage is a message of several frames that all tell its number, some of
// them large.
func numberedMessage(n int) [][]byte {
	frames := make([][]byte, 1+n%4)
	for i := range frames {
		frames[i] = binary.BigEndian.AppendUint32(make([]byte, 0, 4), uint32(n))
	}
	if n%50 == 0 {
		frames[0] = append(frames[0], make([]byte, 200<<10)...)
	}
	return frames
}

// number is that of a message, which is whole.
func number(t *testing.T, m zmq.Message) int {
	t.Helper()
	n := int(binary.BigEndian.Uint32(m.Frames[0]))
	want := numberedMessage(n)
	if len(m.Frames) != len(want) {
		t.Fatalf("message %d has %d frames, want %d", n, len(m.Frames), len(want))
	}
	for i, f := range m.Frames {
		if string(f) != string(want[i]) {
			t.Fatalf("frame %d of message %d has %d octets, want %d", i, n, len(f), len(want[i]))
		}
	}
	return n
}

// Disconnecting while messages are under way loses none of them: they go out for as
// long as Linger says.
func TestDisconnectWithMessagesInFlightLosesNone(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const lives, each = 20, 100
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		push := newSocket(t, c, zmq.PUSH, lingering())
		bound := bind(t, pull, endpoint)
		go func() {
			for life := range lives {
				if err := push.Connect(bound); err != nil {
					t.Error(err)
				}
				for i := range each {
					if err := push.SendFrames(context.Background(), numberedMessage(life*each+i)...); err != nil {
						t.Error(err)
					}
				}
				if err := push.Disconnect(bound); err != nil {
					t.Error(err)
				}
			}
		}()
		seen := make([]bool, lives*each)
		last := make([]int, lives) // of each life, which come in order
		for range lives * each {
			n := number(t, recv(t, pull))
			if seen[n] {
				t.Fatalf("message %d comes twice", n)
			}
			seen[n] = true
			if at := n % each; at > 0 && at != last[n/each]+1 {
				t.Fatalf("message %d comes after %d of its connection", at, last[n/each])
			} else {
				last[n/each] = at
			}
		}
		nothing(t, pull)
	})
}

// Unbinding while messages are under way tears none of them: what arrives is whole and
// comes once, and the sender goes on when the endpoint is there again. What an earlier
// connection has brought is received in turn with what the next one brings.
func TestUnbindWithMessagesInFlightTearsNone(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		const lives = 20
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		push := newSocket(t, c, zmq.PUSH, soon())
		bound := bind(t, pull, endpoint)
		connect(t, push, bound)
		ctx, stop := context.WithCancel(context.Background())
		var sending sync.WaitGroup
		sending.Go(func() {
			for n := 0; push.SendFrames(ctx, numberedMessage(n)...) == nil; n++ {
			}
		})
		seen := make(map[int]bool)
		for range lives {
			for range 100 {
				n := number(t, recv(t, pull))
				if seen[n] {
					t.Fatalf("message %d comes twice", n)
				}
				seen[n] = true
			}
			if err := pull.Unbind(bound); err != nil {
				t.Fatal(err)
			}
			bind(t, pull, bound)
		}
		stop()
		sending.Wait()
	})
}

// Term and Shutdown end every kind of call that waits, on every type of socket.
func TestTheEndOfAContextEndsEveryCallThatWaits(t *testing.T) {
	for how, end := range map[string]func(*zmq.Context) error{
		"Shutdown": func(c *zmq.Context) error { c.Shutdown(); return nil },
		"Term": func(c *zmq.Context) error {
			ctx, cancel := patience()
			defer cancel()
			return c.Term(ctx)
		},
	} {
		t.Run(how, func(t *testing.T) {
			c := newContext(t)
			ctx := within(t)
			results := make(chan error, 100)
			var begun sync.WaitGroup
			waits := 0
			wait := func(what string, call func() error) {
				waits++
				begun.Add(1)
				go func() {
					begun.Done()
					err := call()
					if !is(err, zmq.ErrTerminated) || zmq.Errno(err) != eterm {
						err = fmt.Errorf("%s: %w", what, err)
					} else {
						err = nil
					}
					results <- err
				}()
			}
			one := zmq.NewStringMessage("x")
			for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
				s := newSocket(t, c, typ, nil)
				wait(typ.String()+" waits for peers", func() error { return s.WaitPeers(ctx, 1) })
				switch typ {
				case zmq.PUB, zmq.PUSH, zmq.REQ: // REQ must send first
				default:
					wait(typ.String()+" receives", func() error { _, err := s.Recv(ctx); return err })
					wait(typ.String()+" receives into", func() error { var m zmq.Message; return s.RecvInto(ctx, &m) })
					wait(typ.String()+" receives a batch", func() error {
						_, err := s.RecvBatch(ctx, make([]zmq.Message, 2))
						return err
					})
				}
				switch typ {
				case zmq.PAIR, zmq.REQ, zmq.DEALER, zmq.PUSH:
					wait(typ.String()+" sends", func() error { return s.Send(ctx, one) })
					wait(typ.String()+" sends octets", func() error { return s.SendBytes(ctx, []byte("x")) })
					wait(typ.String()+" sends a batch", func() error { _, err := s.SendBatch(ctx, []zmq.Message{one}); return err })
					wait(typ.String()+" sends what it owns", func() error { return s.SendOwned(ctx, one, nil) })
				}
			}
			mandatory := newSocket(t, c, zmq.ROUTER, &zmq.Config{Router: zmq.Router{Mandatory: true}, HighWater: zmq.HighWater{Send: 1}})
			full := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "full", HighWater: zmq.HighWater{Recv: 1}})
			connect(t, full, bind(t, mandatory, "inproc://mandatory"))
			peers(t, mandatory, 1)
			send(t, mandatory, "full", "x")
			send(t, mandatory, "full", "x")
			wait("ROUTER waits for room", func() error { return mandatory.SendString(ctx, "full", "x") })
			begun.Wait()
			if err := end(c); err != nil {
				t.Fatal(err)
			}
			for range waits {
				if err := <-results; err != nil {
					t.Error(err)
				}
			}
		})
	}
}
