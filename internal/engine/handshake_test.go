package engine

import (
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// goneConn is a connection that takes no deadline any more once it is read, as
// net.Pipe does when the peer has closed it.
type goneConn struct{ net.Conn }

func (c goneConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		return errors.New("the peer is gone")
	}
	return c.Conn.SetDeadline(t)
}

// What a peer has said counts, though it may have left by then.
func TestWhatCameWithTheHandshakeIsReceivedFromAPeerThatHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newSocket(t, "PULL", "PUSH"), dialects[0]
		ours, theirs := net.Pipe()
		go Attach(s.env, s, &s.cfg, goneConn{ours}, "mem://", "")
		go readAll(theirs, -1)
		<-say(theirs, append(d.opening("PUSH", ""), d.encode("hello")...))
		synctest.Wait()
		if got := s.recv(); !slices.EqualFunc(got, [][]string{{"hello"}}, slices.Equal) {
			t.Errorf("got %q", got)
		}
		_ = theirs.Close()
		s.close(0)
	})
}

// A peer that breaks the protocol is let go at once, even if it reads nothing of what
// we were about to say.
func TestAFailedHandshakeDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "PULL", "PUSH")
		s.cfg.HandshakeInterval = 0
		ours, theirs := net.Pipe()
		began := time.Now()
		session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
		<-say(theirs, []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01GET / HTTP/1.1 is no mechanism of any kind at all ..."))
		<-session.Done()
		if took := time.Since(began); took > farewell {
			t.Errorf("the connection was kept for %v", took)
		}
		s.close(0)
	})
}
