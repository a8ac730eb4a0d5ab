package engine

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/transport"
	"zeromux/zmtp"
)

func TestAListIsShortenedToSoManyOctets(t *testing.T) {
	for most, want := range map[int32]string{
		1: "a", 2: "ab", 3: "abc", 4: "abc|d", 5: "abc|de", 6: "abc|de|f", 7: "abc|de|f",
	} {
		list := atMost([][]byte{[]byte("abc"), []byte("de"), []byte("f")}, most)
		words := make([]string, len(list))
		for i, b := range list {
			words[i] = string(b)
		}
		if got := strings.Join(words, "|"); got != want {
			t.Errorf("%d: %q, want %q", most, got, want)
		}
	}
}

// measured is a connection that notes how much is read and written at once.
type measured struct {
	net.Conn
	mu            sync.Mutex // guards what follows
	reads, writes []int      // the room of each read, the octets of each write
}

func (m *measured) Read(b []byte) (int, error) {
	m.mu.Lock()
	m.reads = append(m.reads, len(b))
	m.mu.Unlock()
	return m.Conn.Read(b)
}

func (m *measured) Write(b []byte) (int, error) {
	m.mu.Lock()
	m.writes = append(m.writes, len(b))
	m.mu.Unlock()
	return m.Conn.Write(b)
}

func (m *measured) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads, m.writes = nil, nil
}

func (m *measured) most() (read, write int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Max(append(m.reads, 0)), slices.Max(append(m.writes, 0))
}

// TestReadsAndWritesHaveABound looks at the calls of a driver for any connection.
func TestReadsAndWritesHaveABound(t *testing.T) {
	for _, most := range []int{0, 1, 100} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			s := newSocket(t, "PAIR", "PAIR")
			s.cfg.ReadMost, s.cfg.WriteMost = most, most
			ours, theirs := net.Pipe()
			conn := &measured{Conn: ours}
			session := Attach(s.env, s, &s.cfg, conn, "pipe://", "")
			said := say(theirs, dialects[0].opening("PAIR", ""))
			readAll(theirs, len(dialects[0].opening("PAIR", "")))
			<-said
			wait(t, "the connection", func() bool { return session.current.Load() != nil })
			conn.begin()
			const n = 20
			var stream []byte
			for i := range n {
				stream = append(stream, dialects[0].encode(numbered(i, 1+i*50))...)
			}
			said = say(theirs, stream)
			var got [][]string
			wait(t, "all messages", func() bool { got = append(got, s.recv()...); return len(got) == n })
			<-said
			inOrderOf(t, got, n)
			for i := range n {
				s.send(numbered(i, 1+i*50))
			}
			if octets := readAll(theirs, len(stream)); string(octets) != string(stream) {
				t.Error("other octets were written")
			}
			_ = theirs.Close()
			<-session.Done()
			s.close(0)
			read, write := conn.most()
			switch {
			case most == 0 && (read < 4<<10 || write < 900):
				t.Errorf("without a bound at most %d octets are read and %d written at once", read, write)
			case most > 0 && (read > most || write > most):
				t.Errorf("%d octets are read and %d written at once, want at most %d", read, write, most)
			}
		})
	}
}

// inOrderOf checks what numbered made.
func inOrderOf(t *testing.T, got [][]string, n int) {
	t.Helper()
	for i := range n {
		if want := numbered(i, 1+i*50); len(got[i]) != 1 || got[i][0] != want {
			t.Errorf("message %d is %.40q", i, got[i])
		}
	}
}

// TestTheSpaceOfAReadHasABound looks at every receiving half.
func TestTheSpaceOfAReadHasABound(t *testing.T) {
	pool := new(message.Pool)
	_, end := pipe.New(pipe.Config{Pool: pool})
	for _, most := range []int{1, 77, 4000} {
		cfg := &Config{MaxMessageSize: -1, ReadMost: most}
		z := newZMTPIn(end, pool, nil, cfg, nil)
		large := newZMTPIn(end, pool, nil, cfg, nil)
		large.preload(zmtp.AppendHeader(nil, 0, 1<<20)) // a frame that gets memory of its own
		if err := large.received(0); err != nil || large.block == nil {
			t.Fatalf("no block: %v", err)
		}
		for name, in := range map[string]inbound{
			"3.1":           z,
			"a large frame": large,
			"1.0":           &v1In{zmtpIn: z, decoder: zmtp.NewDecoder(zmtp.V10, -1)},
			"raw":           &rawIn{end: end, pool: pool, most: cfg.rawMost()},
		} {
			if n := len(in.space()); n != most {
				t.Errorf("%s: %d octets, want %d", name, n, most)
			}
			in.rest()
		}
	}
}

// scale is a sink that notes how much is written at once.
type scale struct{ writes []int }

func (s *scale) write(list [][]byte, _ bool) (int, error) {
	n := sizeOf(list)
	s.writes = append(s.writes, n)
	return n, nil
}

func (*scale) lookout()         {}
func (*scale) handOver()        {}
func (*scale) halfClose() error { return nil }
func (*scale) rested()          {}
func (*scale) over()            {}

// TestAFlusherWritesNoMoreAtOnce looks at what descriptors are given.
func TestAFlusherWritesNoMoreAtOnce(t *testing.T) {
	for _, most := range []int32{0, 1, 100, 1000} {
		app, end := pipe.New(pipe.Config{Pool: new(message.Pool)})
		app.Join(new(pipe.Hub))
		out := pipe.NewOutgoing(end)
		to := new(scale)
		f := &flusher{c: &connection{out: zmtpOut{out}, writeMost: most}, to: to, state: busy}
		for range 10 {
			app.Write(&message.Message{Frames: [][]byte{make([]byte, 98)}})
		}
		if w := f.work(0); w != wroteAll {
			t.Errorf("%d: it has come to %d", most, w)
		}
		want := []int{1000}
		if most > 0 {
			want = slices.Repeat([]int{int(most)}, 1000/int(most))
		}
		if !slices.Equal(to.writes, want) {
			t.Errorf("%d: it writes %v", most, to.writes)
		}
	}
}

// turnstile is a transport's listener that turns so many away, and then has no
// more.
type turnstile struct {
	left int
	over chan struct{}
}

func (l *turnstile) Accept() (net.Conn, error) {
	if l.left--; l.left >= 0 {
		return nil, fmt.Errorf("no: %w", transport.ErrTurnedAway)
	}
	<-l.over
	return nil, net.ErrClosed
}

func (l *turnstile) Close() error    { close(l.over); return nil }
func (l *turnstile) Address() string { return "" }

// TestWhoIsTurnedAwayHoldsNobodyUp runs on a clock that nobody turns: a pause
// would never end.
func TestWhoIsTurnedAwayHoldsNobodyUp(t *testing.T) {
	s := newSocket(t, "PULL", "PUSH")
	const n = 100
	l := serve(&origin{env: s.env, host: s, cfg: &s.cfg}, nil, &turnstile{left: n, over: make(chan struct{})})
	refused := func() (k int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.events {
			if e.Kind == EventAcceptFailed && errors.Is(e.Err, transport.ErrTurnedAway) {
				k++
			}
		}
		return k
	}
	wait(t, "everybody", func() bool { return refused() == n })
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	s.close(0)
}
