package zmq_test

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// theOnly is what a socket counts with its only peer.
func theOnly(t *testing.T, s *zmq.Socket) zmq.PeerStats {
	t.Helper()
	all := s.PeerStats()
	if len(all) != 1 {
		t.Fatalf("%d peers: %+v", len(all), all)
	}
	return all[0]
}

// shared is what the counts of a socket and of its only peer must agree on.
func shared(c zmq.Counts) zmq.Counts {
	c.SendHighWater, c.RecvHighWater = 0, 0
	return c
}

func TestStatsOfAPeer(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{RoutingID: "him", HighWater: zmq.HighWater{Send: 7}})
		router := newSocket(t, c, zmq.ROUTER, &zmq.Config{HighWater: zmq.HighWater{Send: 5, Recv: zmq.Unlimited}})
		bound := bind(t, router, endpoint)
		connect(t, dealer, bound)
		peers(t, router, 1)
		peers(t, dealer, 1)
		for range 4 {
			send(t, dealer, "hello", "world")
		}
		want(t, router, "him", "hello", "world")
		send(t, router, "him", "back")
		want(t, dealer, "back")
		eventually(t, "all have arrived", func() bool { return router.Stats().Received == 4 })
		got := theOnly(t, router)
		if p := got.Peer; p.RoutingID != "him" || p.Type != "DEALER" || p.Endpoint != bound || !got.Connected {
			t.Errorf("the peer is %+v, connected: %v", p, got.Connected)
		}
		if got.Received != 4 || got.ReceivedOctets != 4*(2+5+2+5) || got.Sent != 1 || got.SentOctets != 2+4 || got.RecvQueue < 3 {
			t.Errorf("counts %+v", got.Counts)
		}
		send, recv := 5, zmq.Unlimited
		if got.Peer.Inproc {
			send = 1005 // ours and the peer's
		}
		if got.SendHighWater != send || got.RecvHighWater != recv {
			t.Errorf("marks %d and %d", got.SendHighWater, got.RecvHighWater)
		}
		all := router.Stats()
		if shared(all.Counts) != shared(got.Counts) {
			t.Errorf("the socket counts %+v,\nthe only peer %+v", all.Counts, got.Counts)
		}
		if all.SendHighWater != 5 || all.RecvHighWater != zmq.Unlimited {
			t.Errorf("the socket's marks are %d and %d", all.SendHighWater, all.RecvHighWater)
		}
	})
}

func TestAnEndpointHasStatsBeforeAnybodyIsThere(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		s := newSocket(t, newContext(t), zmq.PUSH, nil)
		connect(t, s, endpoint)
		send(t, s, "early")
		got := theOnly(t, s)
		if got.Connected || got.Peer.Endpoint != endpoint || got.Peer.Type != "" || got.SendQueue != 1 || got.Sent != 1 || got.SendHighWater != 1000 {
			t.Errorf("got %+v", got)
		}
	})
}

// What is dropped counts for the peer, by cause, and stays with the socket when the
// peer is gone.
func TestDropsCountByPeerAndCause(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.PUB, marks(1, 0))
		bound := bind(t, pub, endpoint)
		subs := map[string]*zmq.Socket{"": nil, "\x00": nil}
		for topic := range subs {
			subs[topic] = newSocket(t, c, zmq.SUB, marks(0, 1))
			subscribe(t, subs[topic], topic)
			connect(t, subs[topic], bound)
		}
		topics(t, pub, 2)
		body := make([]byte, 1<<20) // a few fill what the system keeps
		for range 40 {
			if err := pub.SendBytes(within(t), body); err != nil {
				t.Fatal(err)
			}
		}
		var sum uint64
		for _, p := range pub.PeerStats() {
			if p.DroppedFull == 0 || p.DroppedFull+p.Sent != 40 {
				t.Errorf("of 40 messages %d were sent and %d dropped", p.Sent, p.DroppedFull)
			}
			sum += p.DroppedFull
		}
		if got := pub.Stats().DroppedFull; got != sum {
			t.Errorf("both peers lost %d, the socket counts %d", sum, got)
		}
		if err := subs[""].Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "one is gone", func() bool { return pub.Stats().Peers == 1 })
		if got := pub.Stats().DroppedFull; got != sum {
			t.Errorf("%d dropped when one peer is gone, %d before", got, sum)
		}
	})
}

// What is read and thrown away when the peer has gone still counts.
func TestDropsOfAPeerThatIsGoneCount(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		rep := newSocket(t, c, zmq.REP, nil)
		dealer := newSocket(t, c, zmq.DEALER, nil)
		connect(t, dealer, bind(t, rep, endpoint))
		for i := range 3 {
			send(t, dealer, fmt.Sprint("no envelope ", i))
		}
		eventually(t, "all have arrived", func() bool { return rep.Stats().Received == 3 })
		if err := dealer.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the peer is gone", func() bool { return rep.Stats().Peers == 0 })
		nothing(t, rep)
		if got := rep.Stats().DroppedMalformed; got != 3 {
			t.Errorf("%d malformed", got)
		}
	})
}

func TestConflatedMessagesCount(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := &zmq.Config{Conflate: true}
		push, pull := newSocket(t, c, zmq.PUSH, config), newSocket(t, c, zmq.PULL, config)
		connect(t, push, bind(t, pull, endpoint))
		peers(t, push, 1)
		const n = 1000
		for i := range n {
			send(t, push, fmt.Sprint(i))
		}
		got := 0
		for last := ""; last != fmt.Sprint(n-1); got++ {
			last = recv(t, pull).String()
		}
		sent, received := push.Stats(), pull.Stats()
		if sent.Sent != n {
			t.Errorf("%d sent", sent.Sent)
		}
		if pull.Peers()[0].Inproc { // one queue between the two
			if sent.DroppedConflated != n-uint64(got) || received.DroppedConflated != sent.DroppedConflated {
				t.Errorf("%d and %d conflated; %d received of %d", sent.DroppedConflated, received.DroppedConflated, got, n)
			}
			return
		}
		if received.Received+sent.DroppedConflated != n || received.Received-received.DroppedConflated != uint64(got) {
			t.Errorf("sender %+v\nreceiver %+v\nreceived %d", sent.Counts, received.Counts, got)
		}
	})
}

func TestReconnectsAndFailedHandshakesCount(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		push := newSocket(t, c, zmq.PUSH, soon())
		bound := bind(t, pull, endpoint)
		connect(t, push, bound)
		const lives = 4
		for i := range lives {
			if i > 0 {
				if err := pull.Unbind(bound); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the connection is lost", func() bool { return len(push.Peers()) == 0 })
				bind(t, pull, bound)
			}
			peers(t, push, 1)
		}
		if got := theOnly(t, push).Reconnects; got != lives-1 {
			t.Errorf("the endpoint came up again %d times", got)
		}
		if got := push.Stats().Reconnects; got != lives-1 {
			t.Errorf("the socket counts %d", got)
		}
		if got := pull.Stats().Reconnects; got != 0 {
			t.Errorf("the socket that was bound counts %d", got)
		}
		// A peer of the wrong type.
		pub := newSocket(t, c, zmq.PUB, soon())
		happens := watch(t, pull)
		connect(t, pub, bound)
		happens.await(zmq.EventDisconnected)
		if got := pull.Stats().HandshakeFailures; got != 1 {
			t.Errorf("%d handshakes failed", got)
		}
		eventually(t, "the publisher has tried", func() bool { return pub.Stats().HandshakeFailures == 1 })
	})
}

// The endpoint at which handshakes fail tells how many.
func TestFailedHandshakesCountForTheirEndpoint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSocket(t, newContext(t), zmq.PUSH, soon())
	connect(t, s, "tcp://"+l.Addr().String())
	for range 3 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	eventually(t, "three failed", func() bool {
		return theOnly(t, s).HandshakeFailures >= 3 && s.Stats().HandshakeFailures >= 3
	})
	if n := s.Stats().Reconnects; n != 0 {
		t.Errorf("%d connections came up again", n)
	}
}

// slowConn holds back what is written for a while.
type slowConn struct {
	net.Conn
	hold atomic.Int64 // nanoseconds
}

func (c *slowConn) Write(b []byte) (int, error) {
	<-time.After(time.Duration(c.hold.Load()))
	return c.Conn.Write(b)
}

func TestHeartbeatsTellTheRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		a, b := net.Pipe()
		slow := &slowConn{Conn: b}
		s := newSocket(t, c, zmq.DEALER, &zmq.Config{Heartbeat: zmq.Heartbeat{Interval: time.Second, Timeout: zmq.NoTimeout}})
		peer := newSocket(t, c, zmq.DEALER, nil)
		if s.Attach(a) != nil || peer.Attach(slow) != nil {
			t.Fatal("attach")
		}
		peers(t, s, 1)
		peers(t, peer, 1)
		if got := theOnly(t, s); got.RoundTrip != 0 || got.SmoothedRoundTrip != 0 {
			t.Errorf("before the first PING: %v and %v", got.RoundTrip, got.SmoothedRoundTrip)
		}
		<-time.After(1500 * time.Millisecond)
		synctest.Wait()
		if got := theOnly(t, s); got.RoundTrip <= 0 || got.RoundTrip > time.Millisecond {
			t.Errorf("a peer at once at hand is %v away", got.RoundTrip)
		}
		const hold, longer = 80 * time.Millisecond, 2500 * time.Millisecond
		slow.hold.Store(int64(hold))
		<-time.After(time.Second)
		synctest.Wait()
		got := theOnly(t, s)
		if got.RoundTrip < hold || got.RoundTrip > hold+time.Millisecond {
			t.Errorf("the last round trip is %v, want %v", got.RoundTrip, hold)
		}
		if eighth := hold / 8; got.SmoothedRoundTrip < eighth || got.SmoothedRoundTrip > eighth+time.Millisecond {
			t.Errorf("the smoothed round trip is %v, want %v", got.SmoothedRoundTrip, eighth)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		all := s.Stats()
		if all.SmoothedRoundTrip < hold-time.Millisecond || all.SmoothedRoundTrip > hold+time.Millisecond {
			t.Errorf("after a minute it is %v, want %v", all.SmoothedRoundTrip, hold)
		}
		if got := theOnly(t, peer); got.RoundTrip != 0 {
			t.Errorf("who sends no PING is told of %v", got.RoundTrip)
		}
		// Longer than the interval: the next PING is on its way before the PONG.
		slow.hold.Store(int64(longer))
		<-time.After(time.Minute)
		synctest.Wait()
		if got := theOnly(t, s); got.RoundTrip < longer {
			t.Errorf("the last round trip is %v, want %v at least", got.RoundTrip, longer)
		}
	})
}
