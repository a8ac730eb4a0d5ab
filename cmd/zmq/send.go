package main

import (
	"context"
	"errors"
	"fmt"

	"zeromux/zmq"
)

type pushCmd struct {
	socketFlags `group:"where"`
	inputFlags  `group:"input"`
	paceFlags   `group:"pace"`
}

type pubCmd struct {
	socketFlags `group:"where"`
	inputFlags  `group:"input"`
	paceFlags   `group:"pace"`
}

// Run implements the command.
func (c *pushCmd) Run(ctx context.Context) error {
	from, err := c.source(ctx, false, &c.paceFlags)
	if err != nil {
		return err
	}
	return c.use(ctx, zmq.PUSH, nil, func(s *zmq.Socket) error {
		if err := c.awaitPeers(ctx, s, c.Wait); err != nil {
			return err
		}
		return c.sendAll(ctx, s, from)
	})
}

// Help is what --help adds.
func (c *pubCmd) Help() string {
	return "A publisher sends to whoever has subscribed so far, and to nobody else: use --wait N to begin " +
		"when N have. The socket is an XPUB then, which hears of subscriptions."
}

// Run implements the command.
func (c *pubCmd) Run(ctx context.Context) error {
	from, err := c.source(ctx, false, &c.paceFlags)
	if err != nil {
		return err
	}
	if c.Wait == 0 {
		return c.use(ctx, zmq.PUB, nil, func(s *zmq.Socket) error { return c.sendAll(ctx, s, from) })
	}
	verbose := func(config *zmq.Config) {
		config.PubSub.Verbose = true // every peer's subscription counts
		config.RecvTimeout = 0
	}
	return c.use(ctx, zmq.XPUB, verbose, func(s *zmq.Socket) error {
		heard := make(chan struct{})
		defer func() { <-heard }()
		listening, enough := context.WithCancel(ctx)
		defer enough()
		subscribers := newCensus()
		go func() {
			defer close(heard)
			subscribers.take(listening, s)
		}()
		if err := c.await(ctx, c.Wait, subscribers.await); err != nil {
			return err
		}
		return c.sendAll(ctx, s, from)
	})
}

// sendAll sends what from yields, until it ends or --count is reached.
func (f *socketFlags) sendAll(ctx context.Context, s *zmq.Socket, from *source) error {
	for sent := 0; f.Count == 0 || sent < f.Count; sent++ {
		frames, err := from.next(ctx)
		switch {
		case errors.Is(err, errInputEnded), ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := f.send(ctx, s, frames); err != nil {
			return err
		}
	}
	return nil
}

// send sends a message; the error says what kept it.
func (f *socketFlags) send(ctx context.Context, s *zmq.Socket, frames [][]byte) error {
	err := s.SendFrames(ctx, frames...)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zmq.ErrTimeout):
		return timeoutf("%v: nothing could be sent for %v: no peer, or none with room", s.Type(), f.Timeout)
	case ctx.Err() != nil:
		return fmt.Errorf("%v: interrupted: a message was not sent", s.Type())
	}
	return err
}
