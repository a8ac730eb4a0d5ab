//go:build unix

package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/iomux"
	"zeromux/zmtp"
)

// moving stands for direct mode and the move into a loop that follows at once.
const moving = "moving"

// eachDriver runs a test under every driver, over every kind of connection, and with
// frames that travel as they are and sealed.
func eachDriver(t *testing.T, f func(t *testing.T, s func(socketType string, peers ...string) *socket, network string)) {
	t.Helper()
	drivers := []string{"", moving, Stream, Runtime}
	for _, backend := range iomux.Available() {
		drivers = append(drivers, string(backend))
	}
	for _, driver := range drivers {
		for _, way := range []struct {
			name, network string
			speaks        dialect
		}{{"tcp", "tcp", dialects[0]}, {"unix", "unix", dialects[0]}, {"tcp, sealed", "tcp", dialects[5]}} {
			name := driver
			if driver == "" {
				name = "direct"
			}
			t.Run(name+"/"+way.name, func(t *testing.T) {
				f(t, func(socketType string, peers ...string) *socket {
					s := way.speaks.socket(t, socketType, peers...)
					s.env.Multiplexer = driver
					if driver == moving {
						s.env.Multiplexer, s.moves = "", true
					}
					return s
				}, way.network)
			})
		}
	}
}

// pairOf returns the two ends of a connection, of which the system keeps little.
func pairOf(t testing.TB, network string) (ours, theirs net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs, err = net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{ours, theirs} {
		buffered := c.(interface {
			SetReadBuffer(int) error
			SetWriteBuffer(int) error
		})
		if err := errors.Join(buffered.SetReadBuffer(32<<10), buffered.SetWriteBuffer(32<<10)); err != nil {
			t.Fatal(err)
		}
	}
	return ours, theirs
}

// meet gives a socket a connection to a peer that the test plays, and shakes hands.
func (s *socket) meet(network, peerType string) (*Session, net.Conn) {
	s.Helper()
	ours, theirs := pairOf(s, network)
	session := Attach(s.env, s, &s.cfg, ours, network+"://", "")
	said := say(theirs, s.speaks.opening(peerType, ""))
	readAll(theirs, len(s.speaks.opening(s.cfg.SocketType, "")))
	<-said
	soon(s, "the connection", func() bool { return session.current.Load() != nil })
	return session, theirs
}

// soon waits until something is so.
func soon(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	over := time.Now().Add(20 * time.Second)
	for !so() {
		if time.Now().After(over) {
			tb.Fatalf("%s did not come", what)
		}
		<-tick.C
	}
}

// ended waits for the end of a session.
func ended(tb testing.TB, session *Session) {
	tb.Helper()
	select {
	case <-session.Done():
	case <-time.After(20 * time.Second):
		tb.Fatal("the session does not end")
	}
}

// await receives n messages over the newest pipe, and waits as a socket does. With a
// session it reads the connection by itself if that is possible.
func (s *socket) await(n int, session *Session) (all [][]string) {
	s.Helper()
	w := pipe.NewWaiter()
	until := time.Now().Add(20 * time.Second)
	for {
		count := s.hub.RecvCount()
		s.hub.Readable(func(*pipe.End) {})
		if all = append(all, s.recv()...); len(all) >= n {
			return all
		}
		if !s.hub.AwaitReceive(w, count) {
			continue
		}
		if session != nil {
			switch ok, err := session.Lead(s.Context(), w, until); {
			case err != nil:
				s.Errorf("%d of %d messages came: %v", len(all), n, err)
				return all
			case ok:
				<-w.C
				continue
			}
		}
		select {
		case <-w.C:
		case <-time.After(time.Until(until)):
			s.Errorf("%d of %d messages came", len(all), n)
			return all
		}
	}
}

// inOrder checks that messages of one frame made by numbered are the first so many.
func inOrder(tb testing.TB, got [][]string, n int, size func(i int) int) {
	tb.Helper()
	if len(got) != n {
		tb.Errorf("%d messages came, want %d", len(got), n)
		return
	}
	for i, m := range got {
		if want := numbered(i, size(i)); len(m) != 1 || m[0] != want {
			tb.Errorf("message %d is %.40q, want %.40q", i, m, want)
			return
		}
	}
}

func TestLargeMessagesBothWaysAtOnce(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n = 12
		size := func(i int) int { return []int{1 << 20, 3, 300 << 10, 20 << 10}[i%4] }
		ours, theirs := pairOf(t, network)
		var sides [2]*socket
		var all [2][][]string
		var wg sync.WaitGroup
		for k, nc := range []net.Conn{ours, theirs} {
			s := newSocket("DEALER", "DEALER")
			s.pipe.RecvMark = 3
			sides[k] = s
			session := Attach(s.env, s, &s.cfg, nc, network+"://", "")
			wg.Go(func() {
				soon(t, "the connection", func() bool { return session.current.Load() != nil })
				for i := range n {
					s.send(numbered(i, size(i)))
				}
				all[k] = s.await(n, session)
			})
		}
		wg.Wait()
		for k, s := range sides {
			inOrder(t, all[k], n, size)
			s.close(0)
		}
	})
}

// Reading stops at the mark, goes on when there is room, and stops again.
func TestReadingPausesAtTheMarkAndGoesOn(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n, mark = 400, 10
		size := func(i int) int { return 1 + i*37%9000 }
		s := newSocket("PULL", "PUSH")
		s.pipe.RecvMark = mark
		session, peer := s.meet(network, "PUSH")
		var stream []byte
		for i := range n {
			stream = append(stream, s.speaks.encode(numbered(i, size(i)))...)
		}
		said := say(peer, stream)
		var got [][]string
		for k := range 3 {
			soon(t, "the pause", func() bool { return session.end.Room() == 0 })
			var m message.Message
			for range mark * (k + 1) / 2 {
				if s.end().Read(&m) != pipe.OK {
					break
				}
				got = append(got, textOf(&m))
			}
			if in := session.end.Unsent(); in > mark {
				t.Errorf("%d messages wait behind a mark of %d", in, mark)
			}
		}
		got = append(got, s.await(n-len(got), session)...)
		inOrder(t, got, n, size)
		<-said
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// A peer that says no more, but still hears, is heard to the end.
func TestAPeerThatHasSaidAllIsHeardToTheEnd(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n = 100
		size := func(i int) int { return 1 + i*997%30000 }
		s := newSocket("PULL", "PUSH")
		s.pipe.RecvMark = 7
		session, peer := s.meet(network, "PUSH")
		var stream []byte
		for i := range n {
			stream = append(stream, s.speaks.encode(numbered(i, size(i)))...)
		}
		said := say(peer, stream)
		go func() {
			<-said
			_ = peer.(interface{ CloseWrite() error }).CloseWrite() // what follows shows whether it did
		}()
		inOrder(t, s.await(n, session), n, size)
		ended(t, session)
		if _, err := io.Copy(io.Discard, peer); err != nil {
			t.Errorf("our side ended with %v", err)
		}
		_ = peer.Close()
		s.close(0)
	})
}

// A socket that closes says all before, though the peer reads late and never stops
// talking: a connection that were simply closed would be reset, and the rest be lost.
func TestAllIsSaidToAPeerThatKeepsTalking(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n = 24
		size := func(int) int { return 100 << 10 }
		s := newSocket("PUSH", "PULL")
		session, peer := s.meet(network, "PULL")
		talks := make(chan struct{})
		go func() {
			defer close(talks)
			for {
				var chatter []byte
				for range 100 {
					chatter = append(chatter, s.speaks.encode("do you hear me")...)
				}
				if _, err := peer.Write(chatter); err != nil {
					return
				}
			}
		}()
		for i := range n {
			s.send(numbered(i, size(i)))
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			s.close(-1)
		}()
		octets, err := io.ReadAll(peer)
		if err != nil {
			t.Errorf("after %d octets: %v", len(octets), err)
		}
		all, rest, err := s.speaks.decode(append(s.speaks.opening("PUSH", ""), octets...))
		if rest > 0 || err != nil {
			t.Errorf("%d octets are no message: %v", rest, err)
		}
		inOrder(t, all, n, size)
		_ = peer.Close()
		<-talks
		<-closed
		ended(t, session)
	})
}

// writesNoMore reports whether the system takes no more of what is to be written, so
// that writing waits for the peer to read.
func writesNoMore(t *testing.T, session *Session) (full bool) {
	t.Helper()
	poll := func(fd uintptr) { full = isFull(int(fd)) }
	c := session.current.Load()
	d, loops := c.driver.(*looped)
	if p, ok := c.driver.(*parked); ok {
		if d = p.moved.Load(); d == nil {
			_ = p.raw.Control(poll) // it fails when the connection is just moving
			return full
		}
		loops = true
	}
	if loops {
		poll(uintptr(d.fd))
		return full
	}
	raw, ok := descriptorOf(c.net)
	if !ok {
		t.Fatalf("a %T has no descriptor", c.net)
	}
	if err := raw.Control(poll); err != nil {
		t.Fatal(err)
	}
	return full
}

// isFull reports whether the system takes no more to be written.
func isFull(fd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	return n == 0 && err == nil
}

// large is a message of which a few are more than the system takes.
var large = numbered(0, 512<<10)

func TestThePeerGoesWhileWritingWaits(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		s := newSocket("PUSH", "PULL")
		session, peer := s.meet(network, "PULL")
		for range 4 {
			s.send(large)
		}
		soon(t, "the pause", func() bool { return writesNoMore(t, session) })
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

func TestTheSocketIsClosedWhileWritingWaits(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		s := newSocket("PUSH", "PULL")
		session, peer := s.meet(network, "PULL")
		for range 4 {
			s.send(large)
		}
		soon(t, "the pause", func() bool { return writesNoMore(t, session) })
		s.close(0)
		ended(t, session)
		_, _ = io.Copy(io.Discard, peer) // until the end, which is what is waited for
		_ = peer.Close()
	})
}

// A peer that reads in fits and starts gets everything: writing waits and goes on.
func TestWritingGoesOnWhenThePeerReads(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n = 30
		size := func(i int) int { return 1 + i*7919%(150<<10) }
		s := newSocket("PUSH", "PULL")
		session, peer := s.meet(network, "PULL")
		total := 0
		for i := range n {
			s.send(numbered(i, size(i)))
			total += len(s.speaks.encode(numbered(i, size(i))))
		}
		octets := s.speaks.opening("PUSH", "")
		for _, part := range []int{1, 200_000, total / 2} {
			soon(t, "the pause", func() bool { return writesNoMore(t, session) })
			octets = append(octets, readAll(peer, part)...)
		}
		octets = append(octets, readAll(peer, total-1-200_000-total/2)...)
		all, rest, err := s.speaks.decode(octets)
		if rest > 0 || err != nil {
			t.Errorf("%d octets are no message: %v", rest, err)
		}
		inOrder(t, all, n, size)
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// Messages of several senders come whole, each sender's in order.
func TestManySendersShareOneConnection(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const senders, each = 4, 500
		s := newSocket("PUSH", "PULL")
		session, peer := s.meet(network, "PULL")
		for i := range senders {
			go func() {
				for k := range each {
					s.send(fmt.Sprint(i), fmt.Sprint(k))
				}
			}()
		}
		var octets []byte
		last := make([]int, senders)
		all := [][]string(nil)
		for len(all) < senders*each {
			b := make([]byte, 64<<10)
			n, err := peer.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			octets = append(octets, b[:n]...)
			if all, _, err = s.speaks.decode(slices.Concat(s.speaks.opening("PUSH", ""), octets)); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range all {
			var i, k int
			if _, err := fmt.Sscan(m[0]+" "+m[1], &i, &k); err != nil || k != last[i] {
				t.Fatalf("message %q comes after %d", m, last[i])
			}
			last[i]++
		}
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// A peer whom the pattern does not serve is not welcomed before it is shown the door.
func TestAPeerThatIsNotServedGetsNoHello(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		for _, served := range []bool{true, false} {
			s := newSocket("PAIR", "PAIR")
			s.cfg.Hello = []byte("hello")
			s.turnAway = func(*message.Peer) bool { return !served }
			ours, theirs := pairOf(t, network)
			session := Attach(s.env, s, &s.cfg, ours, network+"://", "")
			said := say(theirs, s.speaks.opening("PAIR", ""))
			readAll(theirs, len(s.speaks.opening("PAIR", "")))
			<-said
			if served {
				octets := readAll(theirs, len(s.speaks.encode("hello")))
				all, _, err := s.speaks.decode(append(s.speaks.opening("PAIR", ""), octets...))
				if err != nil || len(all) != 1 || all[0][0] != "hello" {
					t.Errorf("the peer gets %q: %q, %v", octets, all, err)
				}
			} else if got, err := io.ReadAll(theirs); len(got) > 0 || err != nil {
				t.Errorf("the peer that is not served gets %q, %v", got, err)
			}
			_ = theirs.Close()
			ended(t, session)
			s.close(0)
		}
	})
}

// Our own commands are sealed in the order in which they leave, between messages and
// never within one.
func TestCommandsAreSealedInTheirTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n = 300
		s := newSocket("PAIR", "PAIR")
		session, peer := s.meet(network, "PAIR")
		go func() {
			for i := range n {
				s.send(numbered(i, i*50), numbered(i, 3))
			}
		}()
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			for i := range n {
				<-say(peer, s.speaks.frame(zmtp.FlagCommand, zmtp.AppendPing(nil, 0, []byte(fmt.Sprint(i)))))
			}
		}()
		octets := s.speaks.opening("PAIR", "")
		messages, pongs, number := 0, 0, uint64(0)
		at := len(octets)
		for messages < n || pongs < n {
			b := make([]byte, 64<<10)
			_ = peer.SetReadDeadline(time.Now().Add(20 * time.Second))
			k, err := peer.Read(b)
			if err != nil {
				t.Fatalf("after %d messages and %d answers: %v", messages, pongs, err)
			}
			octets = append(octets, b[:k]...)
			for {
				h, k, err := zmtp.ParseHeader(octets[at:])
				if err != nil || int(h.Size) > len(octets)-at-k {
					break
				}
				flags, body := h.Flags, octets[at+k:at+k+int(h.Size)]
				if s.speaks.sealed {
					f, last, plain, ok := openSealed(body)
					if !ok || last <= number {
						t.Fatalf("number %d after %d, ok %v", last, number, ok)
					}
					flags, body, number = f, plain, last
				}
				switch {
				case flags == zmtp.FlagCommand && strings.HasPrefix(string(body), "\x04PONG"):
					pongs++
				case flags == 0:
					messages++
				}
				at += k + int(h.Size)
			}
		}
		<-asked
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// Whoever carries a connection, nobody seals or opens any more when its mechanism is
// closed, though both sides talk to the last.
func TestADriverIsThroughWhenTheMechanismIsClosed(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		var made tally
		s := newSocket("PAIR", "PAIR")
		name := "NULL"
		if s.speaks.sealed {
			name = "SEAL"
		}
		s.cfg.Mechanism = made.of(guard(name, false, s.speaks.sealed))
		session, peer := s.meet(network, "PAIR")
		var stream []byte
		for i := range 1000 {
			stream = append(stream, s.speaks.encode(numbered(i, 1000))...)
			s.send(numbered(i, 1000))
		}
		said := say(peer, stream)
		readAll(peer, 100<<10)
		_ = peer.Close()
		<-said
		ended(t, session)
		if got := made.closes(); !slices.Equal(got, []int{1}) {
			t.Errorf("the mechanisms were closed %v times, want 1 and once", got)
		}
		s.close(0)
	})
}
