package zmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/inproc"
	"zeromux/internal/pipe"
)

// stop makes every blocked and further call fail with err. Of a socket that is
// closed after its context was shut down, the last word is the application's.
func (s *Socket) stop(err error) {
	s.sendMu.Lock()
	s.recvMu.Lock()
	if s.dead == nil || errors.Is(err, ErrClosed) {
		s.dead = err
	}
	s.solo.Store(nil)
	s.recvMu.Unlock()
	s.sendMu.Unlock()
	s.look()
	s.peersChanged()
}

// Close closes the socket and returns at once. Messages that were received are
// dropped; messages that are not sent yet go out in the background for as long
// as Linger says. Blocked calls return ErrClosed. A second Close does nothing.
func (s *Socket) Close() error { return s.close(ErrClosed) }

// close is Close; further calls fail with err.
func (s *Socket) close(err error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed, s.ended = true, err
	linger := s.config.linger(s.row, !s.ctx.config.NotBlocky)
	listeners := s.listeners
	s.listeners = nil
	names := s.names
	s.names = nil
	s.mu.Unlock()

	s.stop(err)
	var errs []error
	for _, several := range listeners {
		for _, l := range several {
			errs = append(errs, l.Close())
		}
	}
	for name, side := range names {
		s.ctx.registry.Unbind(name, side)
	}

	s.mu.Lock()
	sessions := make(map[*engine.Session]*pipe.End, len(s.sessions))
	for session, app := range s.sessions {
		sessions[session] = app
	}
	links := maps.Clone(s.links)
	s.mu.Unlock()
	for e, l := range links {
		s.retire(e)
		l.link.Close(e)
		s.dropAfter(linger, l.link)
	}
	s.mu.Lock()
	s.links = nil
	s.mu.Unlock()
	for session, app := range sessions {
		session.Part()
		if app != nil {
			app.CloseWrite()
			app.CloseRead()
		}
		session.Close(linger)
	}
	s.mu.Lock()
	s.swept = true
	s.mu.Unlock()
	s.finish()
	if err := errors.Join(errs...); err != nil {
		return s.fail("close", "", err)
	}
	return nil
}

// dropAfter throws away what was sent to an inproc name that nobody has bound
// when linger has passed; below zero it waits for ever. What has its peer stays as it is.
func (s *Socket) dropAfter(linger time.Duration, l *inproc.Link) {
	switch {
	case linger == 0:
		l.Drop()
	case linger > 0:
		l.DropLater(func(f func()) (stop func() bool) { return s.ctx.env.Wheel.After(linger, f).Stop })
	}
}

// finish lets the context forget the socket when nothing of it is left.
func (s *Socket) finish() {
	s.mu.Lock()
	last := s.swept && len(s.sessions) == 0 && !s.over
	s.over = s.over || last
	s.mu.Unlock()
	if !last {
		return
	}
	s.monitors.stop()
	close(s.gone)
	s.ctx.remove(s)
}

// CloseContext closes the socket and returns when everything that was to be
// sent is out. When ctx ends first, or Linger has passed, the rest is thrown
// away.
func (s *Socket) CloseContext(ctx context.Context) error {
	err := s.Close()
	select {
	case <-s.gone: // whatever has become of ctx
		return err
	default:
	}
	select {
	case <-s.gone:
		return err
	case <-ctx.Done():
		s.abandon()
		return s.fail("close", "", fmt.Errorf("unsent messages thrown away: %w", ctx.Err()))
	}
}

// abandon throws away what a closed socket has not sent yet.
func (s *Socket) abandon() {
	s.mu.Lock()
	sessions := make([]*engine.Session, 0, len(s.sessions))
	for session := range s.sessions {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	for _, session := range sessions {
		session.Close(0)
	}
}
