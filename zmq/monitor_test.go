package zmq_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestAReaderOfEventsLearnsWhatItLost(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	happens := watch(t, s)
	flood(t, c, s, 2000)
	var got, lost uint64
	for range 1024 { // the buffer
		e, ok := happens.next()
		if !ok {
			t.Fatal("no more events")
		}
		got++
		lost += e.Lost
	}
	if lost != 0 {
		t.Errorf("the first events tell that %d were lost", lost)
	}
	bind(t, s, "tcp://127.0.0.1:*")
	if e, _ := happens.next(); e.Kind != zmq.EventListening || e.Lost != 2000-1024 {
		t.Errorf("the next event is %v, after %d that were lost", e.Kind, e.Lost)
	}
	if n := s.Stats().EventsLost; n != 2000-1024 {
		t.Errorf("Stats tells of %d", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []zmq.EventKind{zmq.EventClosed, zmq.EventMonitorStopped} {
		if e, ok := happens.next(); !ok || e.Kind != kind || e.Lost != 0 {
			t.Errorf("in the end: %+v, want %v", e, kind)
		}
	}
	if e, ok := happens.next(); ok {
		t.Errorf("after the end: %+v", e)
	}
}

// However far a reader is behind, the last event reaches it.
func TestTheEndReachesAReaderThatIsBehind(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PULL, nil)
	happens := watch(t, s)
	flood(t, c, s, 1100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 1024 {
		happens.next()
	}
	if e, _ := happens.next(); e.Kind != zmq.EventMonitorStopped || e.Lost != 1100-1024 {
		t.Errorf("the last event is %v, after %d that were lost", e.Kind, e.Lost)
	}
}

// While messages linger there is something to tell.
func TestEventsGoOnWhileMessagesLinger(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		endpoint = unbound(t)[strings.SplitN(endpoint, ":", 2)[0]]
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, lingering())
		happens := watch(t, push)
		connect(t, push, endpoint)
		send(t, push, "late")
		happens.await(zmq.EventClosed)
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, endpoint)
		happens.await(zmq.EventConnected)
		happens.await(zmq.EventHandshakeSucceeded)
		want(t, pull, "late")
		happens.await(zmq.EventMonitorStopped)
	})
}

// An attempt to connect that is under way ends with the endpoint, or the socket, and
// that is told.
func TestAnAttemptThatIsGivenUpIsClosed(t *testing.T) {
	for name, giveUp := range map[string]func(*zmq.Socket, string) error{
		"disconnect": func(s *zmq.Socket, endpoint string) error { return s.Disconnect(endpoint) },
		"close":      func(s *zmq.Socket, _ string) error { return s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			asked := make(chan struct{})
			config := soon()
			config.Network.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				close(asked)
				<-ctx.Done() // as when nobody answers
				return nil, ctx.Err()
			}
			s := newSocket(t, c, zmq.PUSH, config)
			happens := watch(t, s)
			connect(t, s, "tcp://192.0.2.1:5")
			<-asked
			if err := giveUp(s, "tcp://192.0.2.1:5"); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []zmq.EventKind{zmq.EventConnectDelayed, zmq.EventClosed} {
				if e, _ := happens.next(); e.Kind != kind {
					t.Errorf("told %v, want %v", e.Kind, kind)
				}
			}
			_ = s.Close()
			if e, _ := happens.next(); e.Kind != zmq.EventMonitorStopped {
				t.Errorf("in the end %v", e.Kind)
			}
		})
	}
}

// A timeout of connecting is followed by another attempt.
func TestAnAttemptThatTakesTooLongIsFollowedByAnother(t *testing.T) {
	c := newContext(t)
	config := soon()
	config.Reconnect.ConnectTimeout = 20 * time.Millisecond
	config.Network.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s := newSocket(t, c, zmq.PUSH, config)
	happens := watch(t, s)
	connect(t, s, "tcp://192.0.2.1:5")
	for _, kind := range []zmq.EventKind{
		zmq.EventConnectDelayed, zmq.EventClosed, zmq.EventConnectRetried, zmq.EventConnectDelayed,
	} {
		if e, _ := happens.next(); e.Kind != kind {
			t.Fatalf("told %v, want %v", e.Kind, kind)
		}
	}
}

// A name that means nothing is looked up again, and nothing else happens; it is told why.
func TestANameThatMeansNothingIsRetried(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PUSH, soon())
	happens := watch(t, s)
	connect(t, s, "tcp://nobody.invalid:5")
	for range 3 {
		if e, _ := happens.next(); e.Kind != zmq.EventConnectRetried || !errors.As(e.Err, new(*net.DNSError)) {
			t.Fatalf("told %v, because of %v", e.Kind, e.Err)
		}
	}
}

// What others put into the directory of a wildcard keeps it from going.
func TestADirectoryThatIsInUseIsTold(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	happens := watch(t, s)
	bound := bind(t, s, "ipc://*")
	writeFile(t, strings.TrimPrefix(bound, "ipc://")+".other")
	err := s.Unbind(bound)
	e := happens.await(zmq.EventCloseFailed)
	if err == nil || e.Err == nil || e.Value == 0 || e.Endpoint != bound {
		t.Errorf("unbind: %v; event %+v", err, e)
	}
	if err := s.Unbind(bound); !is(err, zmq.ErrNotFound) {
		t.Errorf("unbound twice: %v", err)
	}
}

// Two descriptors tell two connections of one endpoint apart.
func TestDescriptorsTellConnectionsApart(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	happens := watch(t, s)
	address := strings.TrimPrefix(bind(t, s, "tcp://127.0.0.1:*"), "tcp://")
	var conns [2]net.Conn
	var numbers [2]int
	for i := range conns {
		var err error
		if conns[i], err = net.Dial("tcp", address); err != nil {
			t.Fatal(err)
		}
		numbers[i] = happens.await(zmq.EventAccepted).Value
	}
	if numbers[0] == numbers[1] {
		t.Errorf("both are %d", numbers[0])
	}
	for i := range conns {
		conns[1-i].Close()
		if got := happens.await(zmq.EventDisconnected).Value; got != numbers[1-i] {
			t.Errorf("%d ends, want %d", got, numbers[1-i])
		}
	}
	_, _ = io.Copy(io.Discard, conns[0])
}

func writeFile(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A sequence of events costs what has happened since it was made, as long as somebody
// may yet range over it, and nothing afterwards.
func TestEventsThatNobodyRangesOverAreGivenUp(t *testing.T) {
	for name, ends := range map[string]bool{"when their context ends": true, "when the program lets go of them": false} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, newContext(t), zmq.PULL, nil)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			const n = 200
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			all := make([]iter.Seq[zmq.Event], n)
			for i := range all {
				all[i] = s.Events(ctx)
			}
			runtime.ReadMemStats(&after)
			if octets := (after.TotalAlloc - before.TotalAlloc) / n; octets > 4<<10 {
				t.Errorf("each takes %d octets before anything happens", octets)
			}
			if got := zmq.EventReaders(s); got != n {
				t.Errorf("%d sequences are kept, want %d", got, n)
			}
			if ends {
				cancel()
			} else {
				clear(all)
			}
			eventually(t, "all are given up", func() bool {
				if !ends {
					runtime.GC()
				}
				return zmq.EventReaders(s) == 0
			})
			runtime.KeepAlive(all)
		})
	}
}

// What happens between the call and the loop is seen, however late that is, and so is
// what happens while it runs.
func TestEventsAreSeenFromTheCallOn(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	bind(t, s, "tcp://127.0.0.1:*")
	all := s.Events(within(t))
	first := bind(t, s, "tcp://127.0.0.1:*")
	for range 3 {
		runtime.GC()
	}
	second := ""
	var got []string
	for e := range all {
		if got = append(got, e.Endpoint); len(got) == 2 {
			break
		}
		for range 3 {
			runtime.GC()
		}
		second = bind(t, s, "tcp://127.0.0.1:*")
	}
	if want := []string{first, second}; !slices.Equal(got, want) {
		t.Errorf("heard of %q, want %q", got, want)
	}
	if n := zmq.EventReaders(s); n != 0 {
		t.Errorf("%d readers are left", n)
	}
}
