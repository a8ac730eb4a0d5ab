package zmq_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"zeromux/zmq"
)

func TestMessagesAreTakenFromEachPeerInTurn(t *testing.T) {
	for _, row := range []struct{ from, to zmq.SocketType }{
		{zmq.PUSH, zmq.PULL},
		{zmq.DEALER, zmq.DEALER},
		{zmq.DEALER, zmq.ROUTER},
		{zmq.PUB, zmq.SUB},
		{zmq.PUB, zmq.XSUB},
	} {
		t.Run(fmt.Sprintf("%v %v", row.from, row.to), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				const senders, each = 4, 25
				c := newContext(t)
				s := newSocket(t, c, row.to, nil)
				switch row.to {
				case zmq.SUB:
					if err := s.Subscribe(""); err != nil {
						t.Fatal(err)
					}
				case zmq.XSUB:
					send(t, s, "\x01")
				}
				bound := bind(t, s, endpoint)
				for i := range senders {
					from := newSocket(t, c, row.from, nil)
					connect(t, from, bound)
					peers(t, from, 1)
					if row.from == zmq.PUB {
						eventually(t, "the subscription is there", func() bool { return from.TopicsCount() == 1 })
					}
					for range each - i { // the later ones have less
						send(t, from, fmt.Sprint(i), "second frame")
					}
				}
				total := senders*each - 6
				eventually(t, "everything has arrived", func() bool { return s.Stats().Received == uint64(total) })
				var got []int
				for range total {
					m := recv(t, s)
					f := m.Frames[len(m.Frames)-2]
					got = append(got, int(f[0]-'0'))
				}
				left := make([]int, senders)
				for i := range left {
					left[i] = each - i
				}
				at := 0
				for round := 0; at < total; round++ {
					seen := make(map[int]bool)
					for range active(left) {
						if i := got[at]; seen[i] || left[i] == 0 {
							t.Fatalf("round %d is not fair: %v", round, got[at-len(seen):at+1])
						}
						seen[got[at]] = true
						at++
					}
					for i := range seen {
						left[i]--
					}
				}
			})
		})
	}
}

// active is how many have something left.
func active(left []int) int {
	n := 0
	for _, k := range left {
		if k > 0 {
			n++
		}
	}
	return n
}

func TestMessagesGoToEachPeerInTurn(t *testing.T) {
	for _, row := range []struct{ from, to zmq.SocketType }{
		{zmq.PUSH, zmq.PULL},
		{zmq.DEALER, zmq.DEALER},
	} {
		t.Run(fmt.Sprintf("%v %v", row.from, row.to), func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				c := newContext(t)
				s := newSocket(t, c, row.from, nil)
				bound := bind(t, s, endpoint)
				var to []*zmq.Socket
				for i := range 4 {
					peer := newSocket(t, c, row.to, nil)
					connect(t, peer, bound)
					peers(t, s, i+1)
					to = append(to, peer)
				}
				for i := range 40 {
					send(t, s, fmt.Sprint(i), "second frame")
				}
				for i := range 40 {
					want(t, to[i%4], fmt.Sprint(i), "second frame")
				}
			})
		})
	}
}

func TestRequestsGoToEachPeerInTurn(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		req := newSocket(t, c, zmq.REQ, nil)
		bound := bind(t, req, endpoint)
		var to []*zmq.Socket
		for i := range 3 {
			rep := newSocket(t, c, zmq.REP, nil)
			connect(t, rep, bound)
			peers(t, req, i+1)
			to = append(to, rep)
		}
		for i := range 12 {
			send(t, req, fmt.Sprint(i))
			want(t, to[i%3], fmt.Sprint(i))
			send(t, to[i%3], "reply")
			want(t, req, "reply")
		}
	})
}

func TestAPeerWithoutRoomIsLeftOutUntilItHasSome(t *testing.T) {
	c := newContext(t)
	push := newSocket(t, c, zmq.PUSH, marks(1, 0))
	bind(t, push, "inproc://x")
	small := newSocket(t, c, zmq.PULL, marks(0, 1))
	large := newSocket(t, c, zmq.PULL, marks(0, 9))
	connect(t, small, "inproc://x")
	connect(t, large, "inproc://x")
	if n := fill(t, push, 100); n != 12 {
		t.Fatalf("2 and 10 hold %d", n)
	}
	for _, m := range []string{"0", "2"} {
		want(t, small, m)
	}
	nothing(t, small)
	for _, m := range []string{"1", "3", "4", "5", "6", "7", "8", "9", "10", "11"} {
		want(t, large, m)
	}
	nothing(t, large)
	if n := fill(t, push, 100); n != 12 {
		t.Errorf("2 and 10 hold %d when they are empty again", n)
	}
}

func TestAMessageIsWholeWhoeverGetsIt(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const senders, each = 8, 40
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, nil)
		bound := bind(t, push, endpoint)
		got := make(chan zmq.Message, senders*each)
		for range 3 {
			pull := newSocket(t, c, zmq.PULL, nil)
			connect(t, pull, bound)
			go func() {
				for m, err := range pull.Messages(context.Background()) {
					if err != nil {
						t.Error(err)
						return
					}
					got <- m
				}
			}()
		}
		peers(t, push, 3)
		for i := range senders {
			go func() {
				for k := range each {
					frames := make([][]byte, k%5+1)
					for j := range frames {
						frames[j] = fmt.Appendf(nil, "%d %d %d", i, k, len(frames))
					}
					if err := push.SendFrames(within(t), slices.Concat(frames, [][]byte{make([]byte, k*500)})...); err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
		seen := make(map[string]bool)
		for range senders * each {
			m := <-got
			var i, k, n int
			if _, err := fmt.Sscan(string(m.Frames[0]), &i, &k, &n); err != nil || n != len(m.Frames)-1 || len(m.Frames[n]) != k*500 {
				t.Fatalf("%v: %q", err, m.Frames[:len(m.Frames)-1])
			}
			for _, f := range m.Frames[:n] {
				if string(f) != string(m.Frames[0]) {
					t.Fatalf("frames of two messages in one: %q", m.Frames[:n])
				}
			}
			seen[string(m.Frames[0])] = true
		}
		if len(seen) != senders*each {
			t.Errorf("%d different messages of %d", len(seen), senders*each)
		}
	})
}
