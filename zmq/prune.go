package zmq

import (
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

// prune forgets pipes of which nothing is left, and that only receiving would
// find empty: app, and those that something was announced of. Otherwise a socket
// that sends and never receives would grow with every peer that came and went.
func (s *Socket) prune(app *pipe.End) {
	p, ok := s.pattern.(pattern.Pruner)
	if !ok {
		return
	}
	s.both(func() {
		if s.hub.HasReadable() {
			s.hub.Readable(func(e *pipe.End) {
				s.pattern.Readable(e)
				p.Prune(e)
			})
		}
		p.Prune(app)
	})
}
