package zmq_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"zeromux/zmq"
)

func marks(send, recv int) *zmq.Config {
	return &zmq.Config{HighWater: zmq.HighWater{Send: send, Recv: recv}}
}

func TestAnInprocPipeHoldsTheSumOfBothMarks(t *testing.T) {
	const lots = 2500
	for _, row := range []struct{ send, recv, want int }{
		{0, 0, 2000},
		{1, 1, 2},
		{2, 3, 5},
		{3, 2, 5},
		{0, 5, 1005},
		{zmq.Unlimited, 1, lots},
		{1, zmq.Unlimited, lots},
	} {
		for _, first := range []string{"bind", "connect"} {
			for _, who := range []string{"sender", "receiver"} {
				t.Run(fmt.Sprintf("%d and %d, %s first, %s binds", row.send, row.recv, first, who), func(t *testing.T) {
					c := newContext(t)
					push := newSocket(t, c, zmq.PUSH, marks(row.send, 7))
					pull := newSocket(t, c, zmq.PULL, marks(7, row.recv))
					binder, connecter := push, pull
					if who == "receiver" {
						binder, connecter = pull, push
					}
					if first == "bind" {
						bind(t, binder, "inproc://x")
						connect(t, connecter, "inproc://x")
					} else {
						connect(t, connecter, "inproc://x")
						bind(t, binder, "inproc://x")
					}
					if got := fill(t, push, lots); got != row.want {
						t.Fatalf("holds %d, want %d", got, row.want)
					}
					for i := range row.want {
						want(t, pull, fmt.Sprint(i))
					}
					nothing(t, pull)
					if got := fill(t, push, lots); got != row.want {
						t.Errorf("holds %d after it was emptied, want %d", got, row.want)
					}
				})
			}
		}
	}
}

func TestBeforeTheBindTheConnectersMarkCounts(t *testing.T) {
	c := newContext(t)
	push := newSocket(t, c, zmq.PUSH, marks(3, 0))
	connect(t, push, "inproc://x")
	if got := fill(t, push, 100); got != 3 {
		t.Errorf("holds %d, want 3", got)
	}
	pull := newSocket(t, c, zmq.PULL, marks(0, 4))
	bind(t, pull, "inproc://x")
	if got := fill(t, push, 100); got != 4 {
		t.Errorf("holds %d more, want 4", got)
	}
}

func TestAMarkCountsWholeMessages(t *testing.T) {
	c := newContext(t)
	push, _ := join(t, c, "inproc://x", side{zmq.PUSH, marks(2, 0)}, side{zmq.PULL, marks(0, 1)})
	big := make([]byte, 1<<20)
	for range 3 {
		if err := push.TrySend(zmq.NewMessage(big, nil, big, []byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := push.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrWouldBlock) {
		t.Errorf("got %v", err)
	}
}

func TestAFullPipeHasRoomAgainWhenHalfIsRead(t *testing.T) {
	c := newContext(t)
	push, pull := join(t, c, "inproc://x", side{zmq.PUSH, marks(5, 0)}, side{zmq.PULL, marks(0, 5)})
	if got := fill(t, push, 100); got != 10 {
		t.Fatalf("holds %d", got)
	}
	for i := range 4 {
		want(t, pull, fmt.Sprint(i))
		if push.CanSend() {
			t.Fatalf("room after %d of 10 were read", i+1)
		}
	}
	sent := make(chan error)
	go func() { sent <- push.SendString(within(t), "more") }()
	want(t, pull, "4")
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if got := fill(t, push, 100); got != 4 {
		t.Errorf("%d more, want 4", got)
	}
}

// Over a connection each side holds its own mark, and the system some more in
// between; what nobody reads stops there.
func TestAConnectionHoldsBothMarksAndNotWithoutEnd(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := marks(10, 0)
		config.SendTimeout = 100 * time.Millisecond
		push, pull := join(t, c, endpoint, side{zmq.PUSH, config}, side{zmq.PULL, marks(0, 10)})
		body := make([]byte, 64<<10)
		n := 0
		for stuck := 0; stuck < 2; {
			err := push.SendBytes(within(t), body)
			switch {
			case err == nil:
				n, stuck = n+1, 0
			case !is(err, zmq.ErrTimeout):
				t.Fatal(err)
			case pull.Stats().RecvQueue == 10:
				stuck++ // twice: the first time something may have been on its way
			}
			if n > 1000 {
				t.Fatal("the sender is never stopped")
			}
		}
		// 10 at the receiver, more than half of 10 at the sender. The stream driver
		// counts what it is writing until all of it is written, so that some of the
		// receiver's may still be the sender's as well.
		least := 16
		if os.Getenv("ZEROMUX_MULTIPLEXER") == "stream" {
			least = 11
		}
		if n < least {
			t.Errorf("%d messages in all, want at least %d", n, least)
		}
		for range n {
			recv(t, pull)
		}
		nothing(t, pull)
	})
}

func TestAPublisherDropsTheSurplusOfTheSlowSubscriberAlone(t *testing.T) {
	c := newContext(t)
	pub := newSocket(t, c, zmq.PUB, marks(2, 0))
	bind(t, pub, "inproc://x")
	slow := newSocket(t, c, zmq.SUB, marks(0, 3))
	fast := newSocket(t, c, zmq.SUB, marks(0, zmq.Unlimited))
	for _, sub := range []*zmq.Socket{slow, fast} {
		if err := sub.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		connect(t, sub, "inproc://x")
	}
	for i := range 20 {
		send(t, pub, fmt.Sprint(i), "body")
	}
	for i := range 20 {
		want(t, fast, fmt.Sprint(i), "body")
	}
	for i := range 5 {
		want(t, slow, fmt.Sprint(i), "body")
	}
	nothing(t, slow)
	if got := pub.Stats().DroppedFull; got != 15 {
		t.Errorf("%d dropped, want 15", got)
	}
	send(t, pub, "again")
	want(t, slow, "again")
}

func TestAPublisherThatMayNotDropWaitsForEveryMatchingSubscriber(t *testing.T) {
	for _, typ := range []zmq.SocketType{zmq.PUB, zmq.XPUB} {
		t.Run(typ.String(), func(t *testing.T) {
			c := newContext(t)
			config := marks(2, 0)
			config.PubSub.NoDrop = true
			pub := newSocket(t, c, typ, config)
			bind(t, pub, "inproc://x")
			var subs []*zmq.Socket
			for _, row := range []struct {
				topic string
				mark  int
			}{{"", 1}, {"", 5}, {"other", 1}} {
				sub := newSocket(t, c, zmq.SUB, marks(0, row.mark))
				if err := sub.Subscribe(row.topic); err != nil {
					t.Fatal(err)
				}
				connect(t, sub, "inproc://x")
				subs = append(subs, sub)
			}
			if got := fill(t, pub, 100); got != 3 {
				t.Fatalf("%d messages, want 3", got)
			}
			nothing(t, subs[2])
			if !pub.CanSend() {
				t.Error("it may send nothing at all when one topic must wait")
			}
			for i := range 3 { // nobody has got what was refused
				want(t, subs[1], fmt.Sprint(i))
			}
			nothing(t, subs[1])
			sent := make(chan error)
			go func() { sent <- pub.SendString(within(t), "more") }()
			for i := range 3 {
				want(t, subs[0], fmt.Sprint(i))
			}
			want(t, subs[0], "more")
			want(t, subs[1], "more")
			if err := <-sent; err != nil {
				t.Error(err)
			}
			if got := pub.Stats().DroppedFull; got != 0 {
				t.Errorf("%d dropped", got)
			}
		})
	}
}

func TestARouterDropsOrReportsWhatAPeerHasNoRoomFor(t *testing.T) {
	for _, mandatory := range []bool{false, true} {
		t.Run(fmt.Sprintf("mandatory %v", mandatory), func(t *testing.T) {
			c := newContext(t)
			config := marks(2, 0)
			config.Router.Mandatory = mandatory
			peer := marks(0, 3)
			peer.RoutingID = "slow"
			router, slow := join(t, c, "inproc://x", side{zmq.ROUTER, config}, side{zmq.DEALER, peer})
			fast := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "fast"})
			connect(t, fast, "inproc://x")
			for i := range 8 {
				err := router.TrySend(zmq.NewStringMessage("slow", fmt.Sprint(i)))
				if blocked := mandatory && i >= 5; blocked != is(err, zmq.ErrWouldBlock) || !blocked && err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
			}
			send(t, router, "fast", "x") // one full peer stops nobody else
			want(t, fast, "x")
			for i := range 5 {
				want(t, slow, fmt.Sprint(i))
			}
			nothing(t, slow)
			if got := router.Stats().DroppedFull; (got == 3) == mandatory {
				t.Errorf("%d dropped", got)
			}
		})
	}
}

func TestAMandatoryRouterWaitsForRoom(t *testing.T) {
	c := newContext(t)
	config := marks(1, 0)
	config.Router.Mandatory = true
	peer := marks(0, 1)
	peer.RoutingID = "you"
	router, dealer := join(t, c, "inproc://x", side{zmq.ROUTER, config}, side{zmq.DEALER, peer})
	send(t, router, "you", "1")
	send(t, router, "you", "2")
	sent := make(chan error)
	go func() { sent <- router.SendString(within(t), "you", "3") }()
	for i := range 3 {
		want(t, dealer, fmt.Sprint(i+1))
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestAReplyThatHasNoRoomIsDropped(t *testing.T) {
	c := newContext(t)
	rep, dealer := join(t, c, "inproc://x", side{zmq.REP, marks(1, 0)}, side{zmq.DEALER, marks(0, 1)})
	for i := range 4 {
		send(t, dealer, "", fmt.Sprint(i))
		want(t, rep, fmt.Sprint(i))
		send(t, rep, fmt.Sprint(i))
	}
	want(t, dealer, "", "0")
	want(t, dealer, "", "1")
	nothing(t, dealer)
	if got := rep.Stats().DroppedFull; got != 2 {
		t.Errorf("%d dropped, want 2", got)
	}
}

func TestAStreamReportsAPeerThatHasNoRoom(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.STREAM, marks(4, 0))
	connect(t, s, "tcp://"+freeAddress(t))
	id := s.LastID()
	for i := range 6 {
		err := s.TrySend(zmq.NewStringMessage(id, "x"))
		if blocked := i >= 4; blocked != is(err, zmq.ErrWouldBlock) || !blocked && err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}
