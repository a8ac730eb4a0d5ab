package pattern

import "zeromux/internal/pipe"

// standing is how a pipe stands with a pattern that keeps nothing else of it;
// it is the State of its end. Announcements may be late or concern a pipe that
// was refused, and this tells them apart. Written under sendMu and recvMu.
type standing uint8

const (
	stranger standing = iota // never taken, or given up
	served                   // read and written
	leaving                  // detached: what it sent may still be read
)

func standingOf(e *pipe.End) standing {
	s, _ := e.State.(standing)
	return s
}

// empty is the delimiter of an envelope and the body of a notice.
var empty = []byte{}

// cleared returns an empty slice that keeps nothing of what b held.
func cleared(b [][]byte) [][]byte {
	clear(b)
	return b[:0]
}
