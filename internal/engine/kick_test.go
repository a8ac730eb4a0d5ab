package engine

import (
	"testing"
	"time"

	"zeromux/internal/message"
)

// A pattern may be rid of a peer in the moment in which it hears of it, before the
// driver has the connection.
func TestAKickThatComesWithThePeerCounts(t *testing.T) {
	for _, multiplexer := range []string{"", Stream, Runtime, "epoll", "poll", "select"} {
		if CheckMultiplexer(multiplexer) != nil {
			continue
		}
		t.Run(multiplexer, func(t *testing.T) {
			ours, theirs := unixPair(t)
			defer theirs.Close()
			s := newSocket(t, "PULL", "PUSH")
			s.env.Multiplexer = multiplexer
			session := make(chan *Session, 1)
			s.turnAway = func(*message.Peer) bool {
				(<-session).interrupt(errKicked)
				return false
			}
			session <- Attach(s.env, s, &s.cfg, ours, "ipc://", "")
			kicked := make(chan error, 1)
			go func() {
				_, err := theirs.Write(dialects[0].opening("PUSH", ""))
				for b := make([]byte, 100); err == nil; {
					_, err = theirs.Read(b)
				}
				kicked <- err
			}()
			select {
			case <-kicked:
			case <-time.After(10 * time.Second):
				t.Error("the connection is kept")
			}
			s.close(0)
			s.env.Wait()
		})
	}
}
