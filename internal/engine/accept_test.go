package engine

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A listener that cannot accept tries again; what it says is heard.
func TestErrorsOfAcceptPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PULL", "PUSH"), newNetwork()
		listener, _ := Listen(s.env, s, &s.cfg, n, "address", "mem://")
		began := time.Now()
		for range 3 {
			n.accept <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
		}
		ours, theirs := net.Pipe()
		n.accept <- ours
		l := listen(theirs)
		<-say(l, dialects[0].opening("PUSH", ""))
		synctest.Wait()
		if took := time.Since(began); took < 3*acceptPause || took > 4*acceptPause {
			t.Errorf("three errors took %v", took)
		}
		failed := fmt.Sprintf("accept failed %d, ", int(syscall.EMFILE))
		if got, want := told(s.heard()), "listening, "+strings.Repeat(failed, 3)+"accepted, handshake succeeded"; got != want {
			t.Errorf("events:\n%s, want\n%s", got, want)
		}
		n.accept <- errors.New("once more")
		synctest.Wait()
		if err := listener.Close(); err != nil { // during the pause
			t.Error(err)
		}
		if time.Since(began) > 5*acceptPause {
			t.Error("Close waited for the pause")
		}
		s.close(0)
		_ = l.Close()
	})
}

// Peers that say nothing keep nobody out, and are let go in time.
func TestAThousandSilentPeersKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newSocket(t, "PULL", "PUSH"), newNetwork()
		listener, _ := Listen(s.env, s, &s.cfg, n, "address", "mem://")
		began := time.Now()
		var silent []net.Conn
		for range 1000 {
			ours, theirs := net.Pipe()
			n.accept <- ours
			silent = append(silent, theirs)
		}
		ours, theirs := net.Pipe()
		n.accept <- ours
		l := listen(theirs)
		<-say(l, append(dialects[0].opening("PUSH", ""), dialects[0].encode("hello")...))
		synctest.Wait()
		if got := s.recv(); len(got) != 1 || time.Since(began) > 0 {
			t.Errorf("got %q after %v", got, time.Since(began))
		}
		s.heard()
		pass(31 * time.Second)
		synctest.Wait()
		events := s.heard()
		if len(events) != 2000 || events[0].Value != int(syscall.EAGAIN) {
			t.Errorf("%d events, the first %v %d", len(events), events[0].Kind, events[0].Value)
		}
		for _, c := range silent {
			_ = c.Close()
		}
		_ = listener.Close()
		s.close(0)
		_ = l.Close()
	})
}
