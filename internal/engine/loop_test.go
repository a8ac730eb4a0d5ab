//go:build unix

package engine

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/internal/message"
	"zeromux/iomux"
)

// eachBackend runs a test in loops of every back end.
func eachBackend(t *testing.T, f func(t *testing.T, backend iomux.Backend)) {
	t.Helper()
	for _, backend := range iomux.Available() {
		t.Run(string(backend), func(t *testing.T) { f(t, backend) })
	}
}

// isEmpty reports whether nothing is there to be read.
func isEmpty(fd int) bool {
	_, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == unix.EAGAIN
}

// A loop that is busy while a peer sends its last message and hangs up finds both at
// once: the message that it reads is not all that there is.
func TestAHangUpRightBehindAMessageIsSeen(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend iomux.Backend) {
		for _, network := range []string{"tcp", "unix"} {
			s := newSocket(t, "PULL", "PUSH")
			s.env.Multiplexer = string(backend)
			busy, first := s.meet(network, "PUSH")
			<-say(first, dialects[0].encode("hello"))
			s.await(1, nil) // the loop has it
			for range 10 {
				session, peer := s.meet(network, "PUSH")
				c := busy.current.Load()
				c.inMu.Lock() // the loop stays with the first connection
				<-say(first, dialects[0].encode("first"))
				soon(t, "the message to the loop", func() bool { return isEmpty(c.driver.(*looped).fd) })
				<-say(peer, dialects[0].encode("last"))
				_ = peer.(interface{ CloseWrite() error }).CloseWrite() // what follows shows whether it did
				c.inMu.Unlock()
				ended(t, session)
				_ = peer.Close()
			}
			_ = first.Close()
			ended(t, busy)
			s.close(0)
		}
	})
}

// aLoopByHand is a loop whose rounds the test makes itself, and which goes on by itself
// when the test is over.
func aLoopByHand(t *testing.T, env *Env, backend iomux.Backend, budget int) *loop {
	t.Helper()
	mux, err := iomux.New(backend)
	if err != nil {
		t.Fatal(err)
	}
	l := makeLoop(env.Pool, mux, budget)
	env.Multiplexer, env.Loops, env.loops.list = string(backend), 1, []*loop{l}
	return l
}

// A peer that floods is read from so far in one round and no further, and its
// neighbour in the same round.
func TestAFloodLeavesTimeForItsNeighbour(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend iomux.Backend) {
		flooded, quiet := newSocket(t, "PULL", "PUSH"), newSocket(t, "PULL", "PUSH")
		quiet.env = flooded.env
		const budget = message.LargeChunk
		l := aLoopByHand(t, flooded.env, backend, budget)
		session, flood := flooded.meet("tcp", "PUSH")
		other, neighbour := quiet.meet("tcp", "PUSH")

		octets := bytes.Repeat(dialects[0].encode(numbered(0, 1000)), 8<<10)
		over := say(flood, octets)
		<-say(neighbour, dialects[0].encode("hello"))
		raw, _ := descriptorOf(flood)
		soon(t, "more than one round may take", func() (full bool) {
			if err := raw.Control(func(fd uintptr) { full = isFull(int(fd)) }); err != nil {
				t.Fatal(err)
			}
			return full
		})

		l.round(0)
		_, read := flooded.arrived()
		if n, _ := quiet.arrived(); n != 1 {
			t.Errorf("%d messages of the neighbour came in the first round", n)
		}
		if read < budget/2 || read > 2*budget || !l.again {
			t.Errorf("%d octets were read of a flood, with a budget of %d, and it looks again: %v", read, budget, l.again)
		}

		go l.writer.run()
		go l.run()
		_ = flood.Close()
		_ = neighbour.Close()
		<-over
		ended(t, session)
		ended(t, other)
		flooded.close(0)
	})
}

// What the writer of a loop has on its list is not written any more when the loop
// has given the connection up, though the peer would take it all.
func TestTheWriterLeavesOutWhoWasGivenUp(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend iomux.Backend) {
		s := newSocket(t, "PUSH", "PULL")
		l := aLoopByHand(t, s.env, backend, loopBudget)
		session, peer := s.meet("tcp", "PULL")
		l.round(0) // it starts
		s.send(numbered(0, 1<<20))
		d := session.current.Load().driver.(*looped)
		soon(t, "something to do for the writer", func() bool {
			l.writer.mu.Lock()
			defer l.writer.mu.Unlock()
			return len(l.writer.list) == 1
		})
		d.abort(errKicked)
		d.end()
		go l.writer.run()
		if octets, _ := io.Copy(io.Discard, peer); octets > 0 {
			t.Errorf("%d octets came", octets)
		}
		go l.run()
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// A hesitant is a socket that lets a connection start when the test says so.
type hesitant struct {
	*socket
	asked, goOn chan struct{}
}

// Alone is asked between the choice of a driver and its start.
func (h hesitant) Alone(*Session) bool {
	close(h.asked)
	<-h.goOn
	return true
}

// Room that is announced before a connection starts, for what came over the last one or
// before it moved, does not start it: what it read too early would be lost.
func TestRoomThatIsAnnouncedBeforeTheStart(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend iomux.Backend) {
		s := newSocket(t, "STREAM")
		s.cfg.Raw = true
		s.pipe.RecvMark = 1
		l := aLoopByHand(t, s.env, backend, loopBudget)
		host := hesitant{s, make(chan struct{}), make(chan struct{})}
		ours, theirs := pairOf(t, "tcp")
		session := Attach(s.env, host, &s.cfg, ours, "tcp://", "")
		<-host.asked
		d := session.current.Load().driver.(*looped)
		session.InRoom()
		for _, octets := range []string{"one ", "two"} {
			empty := isEmpty(d.fd)
			<-say(theirs, []byte(octets))
			soon(t, "what was said", func() bool { return !empty || !isEmpty(d.fd) })
			l.round(0)
		}
		close(host.goOn)
		soon(t, "the start", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return d.wants&wantStart != 0
		})
		go l.writer.run()
		go l.run()
		got := ""
		soon(t, "all that was said", func() bool {
			for _, m := range s.recv() {
				got += m[0]
			}
			return len(got) >= len("one two")
		})
		if got != "one two" {
			t.Errorf("got %q", got)
		}
		_ = theirs.Close()
		ended(t, session)
		s.close(0)
	})
}

// arrived is how many messages and octets have come over the newest pipe.
func (s *socket) arrived() (messages, octets uint64) {
	t := s.end().Arrived()
	return t.Messages, t.Octets
}

// The system may refuse to let a loop wait any longer. Its connections end then, and
// those that come get another loop.
func TestALoopThatCannotWaitGivesItsConnectionsUp(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend iomux.Backend) {
		s := newSocket(t, "PULL", "PUSH")
		s.env.Multiplexer = string(backend)
		session, peer := s.meet("tcp", "PUSH")
		<-say(peer, dialects[0].encode("hello"))
		s.await(1, nil) // the loop has it
		l := session.current.Load().driver.(*looped).loop
		_ = l.mux.Close()
		<-say(peer, dialects[0].encode("hello")) // the loop looks
		ended(t, session)
		_ = peer.Close()

		session, peer = s.meet("tcp", "PUSH")
		<-say(peer, dialects[0].encode("hello"))
		s.await(1, nil)
		if other := session.current.Load().driver.(*looped).loop; other == l {
			t.Error("the connection is in the loop that has ended")
		}
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}

// A connection that has come to a loop, and has not started, ends when it does.
func TestALoopDiesUnderAConnectionThatIsAboutToStart(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend iomux.Backend) {
		s := newSocket(t, "PULL", "PUSH")
		l := aLoopByHand(t, s.env, backend, loopBudget)
		session, peer := s.meet("tcp", "PUSH")
		d := session.current.Load().driver.(*looped)
		_ = l.mux.Close()
		l.die(errors.New("no memory"))
		if d.stopped {
			t.Error("it has ended before it has started")
		}
		go l.writer.run()
		go l.run()
		ended(t, session)
		_ = peer.Close()
		s.close(0)
	})
}

// A descriptor that a back end refuses is waited for otherwise.
func TestWhatALoopRefusesIsParked(t *testing.T) {
	s := newSocket(t, "PULL", "PUSH")
	s.env.Multiplexer = string(iomux.Select)
	limit := fill(t, 1024)
	session, peer := s.meet("tcp", "PUSH")
	<-say(peer, dialects[0].encode("hello"))
	s.await(1, nil)
	if _, ok := session.current.Load().driver.(*parked); !ok {
		t.Errorf("the driver of a descriptor above %d is a %T", limit, session.current.Load().driver)
	}
	_ = peer.Close()
	ended(t, session)
	s.close(0)
}

// fill takes the numbers of descriptors below n, until the end of the test.
func fill(t *testing.T, n int) int {
	t.Helper()
	var pair [2]int
	if err := unix.Pipe(pair[:]); err != nil {
		t.Fatal(err)
	}
	taken := pair[:]
	t.Cleanup(func() {
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
	})
	for taken[len(taken)-1] < n {
		fd, err := duplicate(pair[0])
		if err != nil {
			t.Skipf("this process may not have %d descriptors: %v", n, err)
		}
		taken = append(taken, fd)
	}
	return n
}

// A connection that was given up is not written to any more, however much waits for a
// peer that takes it all.
func TestWhoIsGivenUpIsNotServedAnyMore(t *testing.T) {
	eachDriver(t, func(t *testing.T, newSocket func(string, ...string) *socket, network string) {
		const n, size = 64, 1 << 20
		s := newSocket("PUSH", "PULL")
		session, peer := s.meet(network, "PULL")
		body := numbered(0, size)
		for range n {
			s.send(body)
		}
		readAll(peer, size)
		session.interrupt(errKicked)
		octets, _ := io.Copy(io.Discard, peer)
		if octets > n/2*size {
			t.Errorf("%d octets came behind the end, of %d that waited", octets, (n-1)*size)
		}
		_ = peer.Close()
		ended(t, session)
		s.close(0)
	})
}
