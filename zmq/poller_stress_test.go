package zmq_test

import (
	"fmt"
	"sync"
	"testing"

	"zeromux/zmq"
)

// What these look for is a wake-up that is lost: a message or room that nobody was
// told of, so that a wait lasts until the test gives up.

func TestNoMessageEscapesAPoller(t *testing.T) {
	for name, peersOfEach := range map[string]int{"one peer each, in direct mode": 1, "three peers each, in a loop": 3} {
		t.Run(name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				const sockets, each = 4, 300
				c := newContext(t)
				p := newPoller(t)
				var senders sync.WaitGroup
				for i := range sockets {
					pull := newSocket(t, c, zmq.PULL, marks(5, 5))
					at := bind(t, pull, fmt.Sprint(endpoint, suffix(endpoint, i)))
					add(t, p, pull, zmq.PollIn)
					for range peersOfEach {
						push := newSocket(t, c, zmq.PUSH, marks(5, 5))
						connect(t, push, at)
						senders.Go(func() {
							for range each {
								if err := push.SendString(within(t), "x"); err != nil {
									t.Error(err)
									return
								}
							}
						})
					}
				}
				events := make([]zmq.PollEvent, sockets)
				for got := 0; got < sockets*peersOfEach*each; {
					n, err := p.Wait(within(t), events)
					if err != nil {
						t.Fatalf("after %d messages: %v", got, err)
					}
					for _, e := range events[:n] {
						if _, err := e.Socket.TryRecv(); err != nil {
							t.Fatal(err)
						}
						got++
					}
				}
				senders.Wait()
				quiet(t, p)
			})
		})
	}
}

// suffix makes several endpoints of one.
func suffix(endpoint string, i int) string {
	if endpoint[:3] == "tcp" {
		return ""
	}
	return fmt.Sprint(i)
}

// Each message is the only one, so that each needs a wake-up of its own, in both
// directions; one side polls and the other receives.
func TestNoMessageOfAConversationEscapesAPoller(t *testing.T) {
	for name, others := range map[string]int{"alone": 0, "beside another peer": 1} {
		t.Run(name, func(t *testing.T) {
			over(t, endpoints, func(t *testing.T, endpoint string) {
				const clients, rounds = 3, 400
				c := newContext(t)
				p := newPoller(t)
				var wg sync.WaitGroup
				for i := range clients {
					router := newSocket(t, c, zmq.ROUTER, nil)
					at := bind(t, router, fmt.Sprint(endpoint, suffix(endpoint, i)))
					add(t, p, router, zmq.PollIn)
					for range 1 + others {
						req := newSocket(t, c, zmq.REQ, nil)
						connect(t, req, at)
						wg.Go(func() {
							for range rounds {
								send(t, req, "x")
								want(t, req, "x")
							}
						})
					}
				}
				events := make([]zmq.PollEvent, 2)
				for left := clients * (1 + others) * rounds; left > 0; {
					n, err := p.Wait(within(t), events)
					if err != nil {
						t.Fatalf("%d rounds are left: %v", left, err)
					}
					for _, e := range events[:n] {
						m, err := e.Socket.TryRecv()
						if err != nil {
							t.Fatal(err)
						}
						if err := e.Socket.TrySend(m); err != nil {
							t.Fatal(err)
						}
						left--
					}
				}
				wg.Wait()
			})
		})
	}
}

// A socket that is received from now by waiting in Recv and now by a poller: its
// connection passes from one reader to the other.
func TestNoMessageIsLostBetweenRecvAndAPoller(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		rep, req := join(t, newContext(t), endpoint, side{zmq.REP, nil}, side{zmq.REQ, nil})
		p := newPoller(t)
		add(t, p, req, zmq.PollIn)
		const rounds = 300
		done := make(chan bool)
		go func() {
			for range rounds {
				want(t, rep, "question")
				send(t, rep, "answer")
			}
			close(done)
		}()
		for i := range rounds {
			send(t, req, "question")
			if i%2 == 0 {
				wantTold(t, p, happening{req, zmq.PollIn})
			}
			want(t, req, "answer")
		}
		<-done
	})
}

func TestNoRoomEscapesAPoller(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const pairs, each = 3, 300
		c := newContext(t)
		p := newPoller(t)
		left := make(map[*zmq.Socket]int)
		var receivers sync.WaitGroup
		for i := range pairs {
			pull, push := join(t, c, fmt.Sprint(endpoint, suffix(endpoint, i)), side{zmq.PULL, marks(1, 1)}, side{zmq.PUSH, marks(1, 1)})
			add(t, p, push, zmq.PollOut)
			left[push] = each
			receivers.Go(func() {
				for n := range each {
					want(t, pull, fmt.Sprint(each-n))
				}
			})
		}
		events := make([]zmq.PollEvent, pairs)
		for len(left) > 0 {
			n, err := p.Wait(within(t), events)
			if err != nil {
				t.Fatalf("%v are left: %v", left, err)
			}
			for _, e := range events[:n] {
				if err := e.Socket.TrySend(zmq.NewStringMessage(fmt.Sprint(left[e.Socket]))); err != nil {
					t.Fatal(err)
				}
				if left[e.Socket]--; left[e.Socket] == 0 {
					delete(left, e.Socket)
					remove(t, p, e.Socket)
				}
			}
		}
		receivers.Wait()
	})
}

// Two pollers and two goroutines in each receive from the same sockets.
func TestManyWaitForTheSameSockets(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const sockets, each = 3, 400
		c := newContext(t)
		var pollers []*zmq.Poller
		for range 2 {
			pollers = append(pollers, newPoller(t))
		}
		var senders, receivers sync.WaitGroup
		left := make(chan bool, sockets*each)
		for i := range sockets {
			pull, push := join(t, c, fmt.Sprint(endpoint, suffix(endpoint, i)), side{zmq.PULL, nil}, side{zmq.PUSH, nil})
			for _, p := range pollers {
				add(t, p, pull, zmq.PollIn)
			}
			senders.Go(func() {
				for range each {
					send(t, push, "x")
				}
			})
		}
		for _, p := range pollers {
			for range 2 {
				receivers.Go(func() {
					for events := make([]zmq.PollEvent, 2); ; {
						n, err := p.Wait(within(t), events)
						if is(err, zmq.ErrPollerClosed) {
							return
						}
						if err != nil {
							t.Errorf("after %d messages: %v", len(left), err)
							return
						}
						for _, e := range events[:n] {
							if _, err := e.Socket.TryRecv(); err == nil {
								left <- true
							} else if !is(err, zmq.ErrWouldBlock) {
								t.Error(err)
							}
						}
					}
				})
			}
		}
		senders.Wait()
		for range sockets * each {
			select {
			case <-left:
			case <-within(t).Done():
				t.Fatal("messages are missing")
			}
		}
		for _, p := range pollers {
			closePoller(t, p)
		}
		receivers.Wait()
	})
}
