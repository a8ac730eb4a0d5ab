package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// These tests run in fake time: nothing in them waits, and durations are exact.
// Connections are those of net.Pipe, which has no descriptor.

// bubble runs f with a context of fake time.
func bubble(t *testing.T, f func(t *testing.T, c *zmq.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := zmq.NewContext(nil)
		f(t, c)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := c.Term(ctx); err != nil {
			t.Errorf("term: %v", err)
		}
	})
}

// took checks how much time has passed since a moment.
func took(t *testing.T, began time.Time, least, most time.Duration) {
	t.Helper()
	if d := time.Since(began); d < least || d > most {
		t.Errorf("took %v, want %v to %v", d, least, most)
	}
}

// tick is the accuracy of the wheel that keeps a context's timers.
const tick = 2 * time.Millisecond

func TestATimeoutIsExact(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		s := newSocket(t, c, zmq.DEALER, &zmq.Config{SendTimeout: time.Hour, RecvTimeout: 90 * time.Minute, Linger: zmq.NoLinger})
		began := time.Now()
		if err := s.SendString(context.Background(), "x"); !is(err, zmq.ErrTimeout) {
			t.Errorf("send: %v", err)
		}
		took(t, began, time.Hour, time.Hour)
		began = time.Now()
		if _, err := s.Recv(context.Background()); !is(err, zmq.ErrTimeout) {
			t.Errorf("receive: %v", err)
		}
		took(t, began, 90*time.Minute, 90*time.Minute)
		// The earlier of context and timeout ends the call, by its own name.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		began = time.Now()
		if _, err := s.Recv(ctx); !is(err, context.DeadlineExceeded) || is(err, zmq.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		took(t, began, time.Minute, time.Minute)
	})
}

// A timeout is for the whole call, whatever it is woken by meanwhile.
func TestATimeoutIsForTheWholeCall(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		sub := newSocket(t, c, zmq.SUB, &zmq.Config{RecvTimeout: time.Minute})
		pub := newSocket(t, c, zmq.XPUB, nil)
		bind(t, sub, "inproc://x")
		connect(t, pub, "inproc://x")
		subscribe(t, sub, "a")
		want(t, pub, "\x01a")
		began := time.Now()
		go func() {
			for time.Since(began) < 50*time.Second {
				_ = sub.Configure(func(c *zmq.Config) { c.HighWater.Recv = 5 }) // wakes the receiver
				<-time.After(7 * time.Second)
			}
		}()
		if _, err := sub.Recv(context.Background()); !is(err, zmq.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		took(t, began, time.Minute, time.Minute)
	})
}

func TestInprocWaitsInFakeTime(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		pull, push := join(t, c, "inproc://x", side{zmq.PULL, nil}, side{zmq.PUSH, marks(1, 1)})
		go func() {
			for i := range 3000 {
				<-time.After(time.Second)
				if err := push.SendString(context.Background(), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			}
		}()
		began := time.Now()
		for i := range 3000 {
			m, err := pull.Recv(context.Background())
			if err != nil || m.String() != fmt.Sprint(i) {
				t.Fatalf("got %q, %v", m, err)
			}
		}
		took(t, began, 3000*time.Second, 3000*time.Second)
	})
}

func TestLingerIsExact(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		refused := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody there") }
		s := newSocket(t, c, zmq.PUSH, &zmq.Config{Linger: 10 * time.Minute, Network: zmq.Network{Dial: refused}})
		connect(t, s, "tcp://192.0.2.1:5")
		if err := s.SendString(context.Background(), "x"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Term(context.Background()); err != nil {
			t.Fatal(err)
		}
		took(t, began, 10*time.Minute, 10*time.Minute+tick)
	})
}

func TestLingerCountsForAPeerThatDoesNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		a, b := net.Pipe()
		defer b.Close()
		push := newSocket(t, c, zmq.PUSH, &zmq.Config{Linger: time.Minute})
		pull := newSocket(t, c, zmq.PULL, &zmq.Config{HighWater: zmq.HighWater{Recv: 1}})
		if push.Attach(a) != nil || pull.Attach(b) != nil {
			t.Fatal("attach")
		}
		peers(t, push, 1)
		for range 50 {
			if err := push.SendBytes(context.Background(), make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		began := time.Now()
		if err := push.CloseContext(context.Background()); err != nil {
			t.Fatal(err)
		}
		took(t, began, time.Minute, time.Minute+tick)
	})
}

// dials is a Config.Network.Dial that notes when it was called, and opens
// connections to a socket once it is let.
type dials struct {
	mu   sync.Mutex // guards all below
	when []time.Time
	open func(net.Conn) error // nil: nobody is there
}

func (d *dials) dial(context.Context, string, string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.when = append(d.when, time.Now())
	if d.open == nil {
		return nil, errors.New("nobody there")
	}
	a, b := net.Pipe()
	return a, d.open(b)
}

// let opens connections from now on, or refuses them again, and returns how
// many attempts there were.
func (d *dials) let(open func(net.Conn) error) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = open
	return len(d.when)
}

// pauses are the times between the dials.
func (d *dials) pauses() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var p []time.Duration
	for i := range d.when[1:] {
		p = append(p, d.when[i+1].Sub(d.when[i]))
	}
	return p
}

func TestAConnectionIsTriedAgainAtIntervals(t *testing.T) {
	for name, row := range map[string]struct {
		reconnect zmq.Reconnect
		// least and most of the pauses, the last for all that follow
		least, most []time.Duration
	}{
		"by default after 100 to 200 ms": {
			zmq.Reconnect{}, []time.Duration{100 * time.Millisecond}, []time.Duration{200 * time.Millisecond},
		},
		"with an interval of one second": {
			zmq.Reconnect{Interval: time.Second}, []time.Duration{time.Second}, []time.Duration{2 * time.Second},
		},
		"doubling up to a maximum": {
			zmq.Reconnect{Interval: time.Second, Max: 7 * time.Second},
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 7 * time.Second},
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 7 * time.Second},
		},
		"a maximum below the interval shortens it": {
			zmq.Reconnect{Interval: time.Second, Max: 300 * time.Millisecond},
			[]time.Duration{300 * time.Millisecond},
			[]time.Duration{300 * time.Millisecond},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *zmq.Context) {
				var d dials
				s := newSocket(t, c, zmq.PUSH, &zmq.Config{Reconnect: row.reconnect, Network: zmq.Network{Dial: d.dial}})
				connect(t, s, "tcp://192.0.2.1:5")
				<-time.After(time.Minute)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				for i, p := range d.pauses() {
					k := min(i, len(row.least)-1)
					if p < row.least[k] || p > row.most[k]+tick {
						t.Fatalf("pause %d is %v, want %v to %v", i, p, row.least[k], row.most[k])
					}
				}
				if n := d.let(nil); n < 8 {
					t.Errorf("%d attempts in a minute", n)
				}
			})
		})
	}
}

func TestAfterAConnectionTheIntervalsBeginAnew(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		d := new(dials)
		push := newSocket(t, c, zmq.PUSH, &zmq.Config{
			Reconnect: zmq.Reconnect{Interval: time.Second, Max: time.Hour}, Network: zmq.Network{Dial: d.dial},
		})
		connect(t, push, "tcp://192.0.2.1:5")
		<-time.After(20 * time.Second) // 1 + 2 + 4 + 8; the next attempt is at 31
		pull := newSocket(t, c, zmq.PULL, nil)
		d.let(pull.Attach)
		if err := push.WaitPeers(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		began := d.let(nil)
		lost := time.Now()
		if err := pull.Close(); err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Second)
		synctest.Wait()
		if d.let(nil) == began {
			t.Fatal("no further attempt")
		}
		if p := d.when[began].Sub(lost); p < time.Second || p > time.Second+tick {
			t.Errorf("the first pause is %v", p)
		}
	})
}

func TestAHandshakeHasItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		for _, row := range []struct{ timeout, want time.Duration }{{0, 30 * time.Second}, {time.Minute, time.Minute}} {
			a, b := net.Pipe()
			s := newSocket(t, c, zmq.PULL, &zmq.Config{Reconnect: zmq.Reconnect{HandshakeTimeout: row.timeout}})
			happens := watchFor(context.Background(), t, s)
			began := time.Now()
			if err := s.Attach(a); err != nil {
				t.Fatal(err)
			}
			e := happens.await(zmq.EventHandshakeFailedNoDetail)
			var failed *zmq.HandshakeError
			if !errors.As(e.Err, &failed) || failed.Phase != zmq.PhaseGreeting {
				t.Errorf("got %v", e.Err)
			}
			took(t, began, row.want, row.want+tick)
			b.Close()
		}
	})
}

// muteConn swallows what is written to it once it is told to.
type muteConn struct {
	net.Conn
	mute atomic.Bool
}

func (c *muteConn) Write(b []byte) (int, error) {
	if c.mute.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func TestHeartbeatsFindAPeerThatIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		a, b := net.Pipe()
		mute := &muteConn{Conn: b}
		s := newSocket(t, c, zmq.DEALER, &zmq.Config{Heartbeat: zmq.Heartbeat{Interval: 10 * time.Second, Timeout: 3 * time.Second}})
		peer := newSocket(t, c, zmq.DEALER, nil)
		happens := watchFor(context.Background(), t, s)
		if s.Attach(a) != nil || peer.Attach(mute) != nil {
			t.Fatal("attach")
		}
		peers(t, s, 1)
		peers(t, peer, 1)
		<-time.After(10 * time.Minute) // PINGs are answered, and all is well
		synctest.Wait()
		if len(s.Peers()) != 1 {
			t.Fatal("a peer that answers was given up")
		}
		mute.mute.Store(true)
		began := time.Now()
		e := happens.await(zmq.EventDisconnected)
		if e.Err == nil {
			t.Error("the event does not say why")
		}
		took(t, began, 3*time.Second, 13*time.Second+2*tick)
	})
}

func TestATimeToLiveEndsAConnectionThatHasNoHeartbeatOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		a, b := net.Pipe()
		mute := &muteConn{Conn: a}
		s := newSocket(t, c, zmq.DEALER, &zmq.Config{Heartbeat: zmq.Heartbeat{
			Interval: 10 * time.Second, Timeout: zmq.NoTimeout, TTL: 15 * time.Second,
		}})
		peer := newSocket(t, c, zmq.DEALER, nil)
		happens := watchFor(context.Background(), t, peer)
		if s.Attach(mute) != nil || peer.Attach(b) != nil {
			t.Fatal("attach")
		}
		peers(t, s, 1)
		peers(t, peer, 1)
		<-time.After(time.Minute + time.Second)
		mute.mute.Store(true)
		began := time.Now()
		happens.await(zmq.EventDisconnected)
		took(t, began, 5*time.Second, 15*time.Second+2*tick)
	})
}
