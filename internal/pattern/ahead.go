package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// ahead is a message that was read because somebody asked whether there is one,
// and that the next Recv yields: for patterns that throw messages away and must
// not promise one before they have seen it. Guarded by recvMu.
type ahead struct {
	m    message.Message
	from *pipe.End // nil: nothing was read ahead
}

// take moves what was read ahead to m and returns where it came from, or nil.
func (a *ahead) take(m *message.Message) *pipe.End {
	if a.from == nil {
		return nil
	}
	m.Empty()
	m.Frames = append(m.Frames, a.m.Frames...)
	m.Kind, m.Peer = a.m.Kind, a.m.Peer
	e := a.from
	a.from = nil
	return e
}

// discard forgets what was read ahead, if it came from e.
func (a *ahead) discard(e *pipe.End) {
	if a.from == e {
		a.from = nil
	}
}
