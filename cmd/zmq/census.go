package main

import (
	"context"
	"sync"

	"zeromux/zmq"
)

// A census counts the peers that have subscribed to something.
type census struct {
	mu    sync.Mutex // guards all below
	peers map[*zmq.PeerInfo]struct{}
	more  chan struct{} // closed and made anew when peers grows
}

func newCensus() *census {
	return &census{peers: make(map[*zmq.PeerInfo]struct{}), more: make(chan struct{})}
}

// take receives the subscriptions that an XPUB socket hears of, until ctx ends.
func (c *census) take(ctx context.Context, s *zmq.Socket) {
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return
		}
		if peer := m.Peer(); peer != nil && isSubscription(m) {
			c.add(peer)
		}
	}
}

// isSubscription reports whether an XPUB received that somebody subscribes.
func isSubscription(m zmq.Message) bool {
	return len(m.Frames) == 1 && len(m.Frames[0]) > 0 && m.Frames[0][0] == 1
}

func (c *census) add(peer *zmq.PeerInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers[peer] = struct{}{}
	close(c.more)
	c.more = make(chan struct{})
}

// await waits until n peers have subscribed.
func (c *census) await(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		enough, more := len(c.peers) >= n, c.more
		c.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
