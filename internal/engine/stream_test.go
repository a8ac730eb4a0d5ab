package engine

import (
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"zeromux/zmtp"
)

// unixPair returns the two ends of a connection of the system, in which a peer can
// end its reading alone.
func unixPair(t *testing.T) (ours, theirs *net.UnixConn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return a.(*net.UnixConn), c.(*net.UnixConn)
}

// A peer that reads no more is given up, though it keeps the connection: what is
// sent to it would wait for ever.
func TestAPeerThatReadsNoMoreIsGivenUp(t *testing.T) {
	ours, theirs := unixPair(t)
	s := newSocket(t, "PUSH", "PULL")
	session := Attach(s.env, s, &s.cfg, ours, "ipc://", "")
	if _, err := theirs.Write(dialects[0].opening("PULL", "")); err != nil {
		t.Fatal(err)
	}
	readAll(theirs, len(dialects[0].opening("PUSH", "")))
	if err := theirs.CloseRead(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the pipe", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ends) > 0 })
	s.send("hello")
	select {
	case <-session.Done():
	case <-time.After(10 * time.Second):
		t.Error("the connection is kept")
	}
	_ = theirs.Close()
	s.close(0)
}

// What a peer sent before it went is received, even if it went long before the
// socket had room, and though writing to it failed meanwhile.
func TestWhatAPeerSentBeforeItWentIsReceived(t *testing.T) {
	ours, theirs := unixPair(t)
	s := newSocket(t, "DEALER", "DEALER")
	s.pipe.RecvMark = 1
	session := Attach(s.env, s, &s.cfg, ours, "ipc://", "")
	const n = 100
	stream := dialects[0].opening("DEALER", "")
	for i := range n {
		stream = append(stream, zmtp.AppendFrame(nil, 0, []byte(numbered(i, 1000)))...)
	}
	if _, err := theirs.Write(stream); err != nil {
		t.Fatal(err)
	}
	readAll(theirs, zmtp.GreetingSize+2)
	wait(t, "the pipe", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ends) > 0 })
	_ = theirs.Close()
	s.send("nobody reads this")
	time.AfterFunc(farewell+farewell/5, func() { s.note("late") })
	wait(t, "more than a farewell", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.calls[len(s.calls)-1] == "late" })
	got := 0
	wait(t, "all messages", func() bool { got += len(s.recv()); return got == n })
	<-session.Done()
	s.close(0)
}

// wait waits until something is so.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	over := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("%s did not come", what)
		}
	}
}

// A connection of the application that has no half to close ends at once when all is
// said, and what was said has arrived.
func TestAConnectionWithoutHalvesSaysAllBeforeItEnds(t *testing.T) {
	ours, theirs := net.Pipe()
	s := newSocket(t, "PUSH", "PULL")
	Attach(s.env, s, &s.cfg, ours, "mem://", "")
	said := say(theirs, dialects[0].opening("PULL", ""))
	readAll(theirs, len(dialects[0].opening("PUSH", "")))
	<-said
	wait(t, "the pipe", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ends) > 0 })
	s.send("hello")
	s.send(numbered(2, 300<<10))
	go s.close(-1)
	octets, err := io.ReadAll(theirs)
	if want := len("00hello") + zmtp.MaxHeader + 300<<10; len(octets) != want || err != nil {
		t.Errorf("%d octets came, want %d: %v", len(octets), want, err)
	}
	s.env.Wait()
	_ = theirs.Close()
}
