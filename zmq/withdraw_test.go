package zmq_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// attached has a DEALER connect to sockets by address, for as long as they are there.
func attached(servers map[string]*zmq.Socket) *zmq.Config {
	return &zmq.Config{Network: zmq.Network{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		if err := servers[address].Attach(theirs); err != nil {
			_ = theirs.Close()
			return nil, err
		}
		return ours, nil
	}}}
}

const first, second = "192.0.2.1:5", "192.0.2.2:5"

// stuck is a requester whose server takes no more than one request and a bit, and how to
// ask it.
func stuck(t *testing.T, c *zmq.Context, retry zmq.Retry, others ...string) (r *zmq.Requester, dealer *zmq.Socket, servers map[string]*zmq.Socket) {
	t.Helper()
	servers = map[string]*zmq.Socket{first: newSocket(t, c, zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger, HighWater: zmq.HighWater{Recv: 1}})}
	for _, address := range others {
		servers[address] = newSocket(t, c, zmq.ROUTER, nil)
	}
	r, dealer = asker(t, c, retry, attached(servers))
	return r, dealer, servers
}

// asker is a requester that is connected to the first server.
func asker(t *testing.T, c *zmq.Context, retry zmq.Retry, config *zmq.Config) (*zmq.Requester, *zmq.Socket) {
	t.Helper()
	dealer := newSocket(t, c, zmq.DEALER, config)
	r, err := zmq.NewRequester(dealer, retry)
	if err != nil {
		t.Fatal(err)
	}
	connect(t, dealer, "tcp://"+first)
	if err := dealer.WaitPeers(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	return r, dealer
}

// endsSoon closes a socket that has nothing left to be sent.
func endsSoon(t *testing.T, s *zmq.Socket) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.CloseContext(ctx); err != nil {
		t.Error(err)
	}
}

// large is a question that fits no buffer on the way.
var large = strings.Repeat("?", 300<<10)

// What is queued for a peer that does not take it is forgotten with the call, also when
// it was on its way, so that nobody lingers for it.
func TestNobodyLingersForARequestThatWasGivenUp(t *testing.T) {
	const n = 5
	for name, row := range map[string]struct {
		giveUp func(cancel func(), server *zmq.Socket)
		want   error
	}{
		"when its connection is lost":            {func(_ func(), server *zmq.Socket) { server.Close() }, zmq.ErrHostUnreachable},
		"by its context, and then by its server": {func(cancel func(), server *zmq.Socket) { cancel(); synctest.Wait(); server.Close() }, context.Canceled},
		"by its context, with its server there":  {func(cancel func(), _ *zmq.Socket) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *zmq.Context) {
				r, dealer, servers := stuck(t, c, zmq.Retry{})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var calls []*asked
				for range n {
					calls = append(calls, ask(ctx, t, r, large))
					synctest.Wait()
				}
				if got := dealer.Stats().SendQueue; got < 2 {
					t.Errorf("%d requests wait", got)
				}
				row.giveUp(cancel, servers[first])
				for _, call := range calls {
					call.fails(row.want)
				}
				<-time.After(time.Second)
				synctest.Wait()
				if got := dealer.Stats().SendQueue; got > 1 {
					t.Errorf("%d requests wait that nobody wants", got)
				}
				_ = servers[first].Close() // what was cut in two waits no more
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				endsSoon(t, dealer)
			})
		})
	}
}

// A request that was answered elsewhere leaves nothing behind where it was not taken.
func TestARequestThatWasAnsweredElsewhereWaitsNowhere(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		r, dealer, servers := stuck(t, c, zmq.Retry{Attempts: 2, Timeout: time.Minute}, second)
		fillers := []*asked{ask(context.Background(), t, r, large), ask(context.Background(), t, r, large)}
		synctest.Wait()
		before := dealer.Stats().SendQueue // they are on their way
		connect(t, dealer, "tcp://"+second)
		if err := dealer.WaitPeers(context.Background(), 2); err != nil {
			t.Fatal(err)
		}
		calls := []*asked{ask(context.Background(), t, r, "1"), ask(context.Background(), t, r, "2")}
		synctest.Wait()
		if got := dealer.Stats().SendQueue; got != before+1 {
			t.Errorf("%d requests wait when one more is to go where nothing goes, %d before", got, before)
		}
		for range 4 { // both questions, and the fillers in their second attempt
			m, err := servers[second].Recv(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if err := servers[second].SendString(context.Background(), string(m.Frames[0]), string(m.Frames[1]), "", "!"); err != nil {
				t.Fatal(err)
			}
		}
		for _, call := range append(calls, fillers...) {
			call.want("!")
		}
		synctest.Wait()
		if got := dealer.Stats().SendQueue; got != before {
			t.Errorf("%d requests wait when all are answered, %d before", got, before)
		}
		_ = servers[first].Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		endsSoon(t, dealer)
	})
}

// Nor does one come back that was on its way, however many were delivered before and
// given up, too, without an answer.
func TestNothingThatWasGivenUpComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		r, dealer, servers := stuck(t, c, zmq.Retry{})
		var calls []*asked
		var cancels []func()
		question := func(text string) {
			ctx, cancel := context.WithCancel(context.Background())
			cancels = append(cancels, cancel)
			calls = append(calls, ask(ctx, t, r, text))
			synctest.Wait()
		}
		take := func() {
			if _, err := servers[first].Recv(context.Background()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		const delivered = 5
		for range delivered {
			question("?")
			take()
		}
		question(large)
		for range 20 { // of which a few are taken at a time
			question(large[:20<<10])
		}
		take() // so that the others are written, one behind the other
		for i, cancel := range cancels {
			cancel()
			calls[i].fails(context.Canceled)
		}
		if got := dealer.Stats().SendQueue; got < 2 || got > 5 {
			t.Errorf("%d requests are on their way", got)
		}
		_ = servers[first].Close()
		synctest.Wait()
		if got := dealer.Stats().SendQueue; got != 0 {
			t.Errorf("%d requests wait that nobody wants", got)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		endsSoon(t, dealer)
	})
}

// comeback is stuck, with a server that can be lost: another one, which takes everything,
// is there in its place at once.
func comeback(t *testing.T, c *zmq.Context, retry zmq.Retry, config func(*zmq.Config)) (r *zmq.Requester, lose func() *zmq.Socket) {
	t.Helper()
	servers := map[string]*zmq.Socket{first: newSocket(t, c, zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger, HighWater: zmq.HighWater{Recv: 1}})}
	cfg := attached(servers)
	config(cfg)
	r, _ = asker(t, c, retry, cfg)
	return r, func() *zmq.Socket {
		old := servers[first]
		servers[first] = newSocket(t, c, zmq.ROUTER, nil)
		_ = old.Close()
		return servers[first]
	}
}

// What had not gone out when a connection was lost does not go out by the next one,
// however soon that comes: its calls are told that it was lost.
func TestNothingThatWasLostGoesOutByTheNextConnection(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		r, lose := comeback(t, c, zmq.Retry{}, func(cfg *zmq.Config) { cfg.Reconnect.Interval = 1 })
		var calls []*asked
		for range 5 {
			calls = append(calls, ask(context.Background(), t, r, large))
			synctest.Wait()
		}
		next := lose()
		for _, call := range calls {
			call.fails(zmq.ErrHostUnreachable)
		}
		<-time.After(time.Second)
		if m, err := next.TryRecv(); err == nil {
			t.Errorf("the next server got %d octets of a call that has failed", len(m.Frames[len(m.Frames)-1]))
		}
		if len(next.Peers()) != 1 {
			t.Error("the connection did not come back")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A request that waits for room in its second attempt is sent once when the connection is
// lost meanwhile, and not by the first as well.
func TestARequestIsNotSentAgainByAnEarlierAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		r, lose := comeback(t, c, zmq.Retry{Attempts: 2, Timeout: time.Second}, func(cfg *zmq.Config) { cfg.HighWater.Send = 2 })
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		var fillers []*asked
		for range 2 { // one that is taken, and one that is not
			fillers = append(fillers, ask(ctx, t, r, large))
			synctest.Wait()
		}
		call := ask(context.Background(), t, r, "question")
		for _, filler := range fillers {
			filler.fails(context.DeadlineExceeded)
		}
		<-time.After(time.Second) // the second attempt has begun, and there is no room
		next := lose()
		m, err := next.Recv(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(100 * time.Millisecond)
		if _, err := next.TryRecv(); err == nil {
			t.Error("it came twice")
		}
		if err := next.SendString(context.Background(), string(m.Frames[0]), string(m.Frames[1]), "", "answer"); err != nil {
			t.Fatal(err)
		}
		call.want("answer")
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
