package engine

import (
	"context"
	"time"

	"zeromux/internal/pipe"
)

// A driver moves the octets of one connection between its two halves and the
// system. There is one for any net.Conn (stream.go) and others for connections
// that are descriptors.
//
// A driver reads c.in and writes c.out, each by at most one goroutine at a time.
// It calls connection.through when a direction has come to its end, and
// Session.lost after the second.
type driver interface {
	// start begins, in both directions: what came along with the handshake is
	// handled like anything else, and something may wait to be written. Called
	// once; close may come before.
	start()
	// flush says that something waits to be written. The driver may write it
	// before it returns when alone says that an application is calling which has
	// nobody else to tell; it never waits. Called from any goroutine, with alone with
	// no lock held; without it the receiving half of the connection may be locked.
	flush(alone bool)
	// resume says that reading may go on. Called under whatever locks of the
	// socket: it only signals.
	resume()
	// unsent reports whether the peer's system has still to acknowledge something.
	unsent() bool
	// close interrupts both directions. Called once, by abort.
	close()
}

// longAgo is a deadline that makes whoever waits look at something else.
var longAgo = time.Unix(1, 0)

// A leader is a driver that an application can read for.
type leader interface {
	lead(ctx context.Context, w *pipe.Waiter, until time.Time) (ok bool, err error)
	attend()
}

// Lead lets an application that waits read the connection itself, until w is
// signalled, ctx ends or the time has come, zero for ever: the error is then ctx's
// or os.ErrDeadlineExceeded. It reports false when the application has to wait
// without reading, for somebody else reads, or nobody can.
func (s *Session) Lead(ctx context.Context, w *pipe.Waiter, until time.Time) (ok bool, err error) {
	c := s.current.Load()
	if c == nil {
		return false, nil
	}
	l, ok := c.driver.(leader)
	if !ok {
		return false, nil
	}
	return l.lead(ctx, w, until)
}

// Attend has the connection read though nobody leads: an application waits for what
// comes without reading. It only signals.
func (s *Session) Attend() {
	if c := s.current.Load(); c != nil {
		if l, ok := c.driver.(leader); ok {
			l.attend()
		}
	}
}

// A sharer is a driver that is good for the only connection of a socket.
type sharer interface {
	// share has it do as well beside others. It only signals.
	share()
}

// Share says that the socket has other peers now.
func (s *Session) Share() {
	c := s.current.Load()
	if c == nil {
		return // it asks its host when it is there
	}
	if d, ok := c.driver.(sharer); ok {
		d.share()
	}
}
