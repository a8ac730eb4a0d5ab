package zmq

import (
	"context"
	"fmt"

	"zeromux/internal/pattern"
)

// WaitSubscribers waits until a message that begins with topic would go to at least
// n peers of a PUB or XPUB. It ends the guessing when a publisher starts: what it
// sends after that is lost to none of them for want of a subscription.
//
// What counts is what they subscribe to: a peer that asked for "a", or for
// everything, counts for the topic "ab", and with PubSub.InvertMatching those count
// that did not ask. The error wraps ErrUnsupported for other types, ErrInvalid when
// n is below zero, ErrClosed, ErrTerminated or ctx's own.
func (s *Socket) WaitSubscribers(ctx context.Context, topic string, n int) error {
	const op = "wait for subscribers"
	p, ok := s.pattern.(pattern.Matcher)
	switch {
	case !ok:
		return s.fail(op, "", pattern.ErrUnsupported)
	case n < 0:
		return s.fail(op, "", fmt.Errorf("%w: %d subscribers", ErrInvalid, n))
	}
	for {
		s.mu.Lock()
		peers := s.changed // also when the socket comes to its end, or counts in another way
		s.mu.Unlock()
		var count int
		var changed <-chan struct{}
		if !s.both(func() { count, changed = p.Matching([]byte(topic)) }) {
			return s.fail(op, "", s.death())
		}
		if count >= n {
			return nil
		}
		select {
		case <-changed:
		case <-peers:
		case <-ctx.Done():
			return s.fail(op, "", ctx.Err())
		}
	}
}
