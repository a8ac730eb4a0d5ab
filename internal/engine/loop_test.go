//go:build unix

package engine

import (
	"testing"

	"golang.org/x/sys/unix"

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
