package main

import (
	"context"
	"errors"
	"fmt"

	"zeromux/zmq"
)

type pullCmd struct {
	socketFlags `group:"where"`
	outputFlags `group:"output"`
}

type subCmd struct {
	socketFlags `group:"where"`
	outputFlags `group:"output"`
	Subscribe   []string `short:"s" sep:"none" group:"where" placeholder:"PREFIX" help:"Receive messages that begin with this. May be repeated. Default: all messages."`
}

// Run implements the command.
func (c *pullCmd) Run(ctx context.Context) error {
	to, err := c.printer(false)
	if err != nil {
		return err
	}
	return c.use(ctx, zmq.PULL, nil, func(s *zmq.Socket) error { return c.receiveAll(ctx, s, to) })
}

// Run implements the command.
func (c *subCmd) Run(ctx context.Context) error {
	to, err := c.printer(false)
	if err != nil {
		return err
	}
	if len(c.Subscribe) == 0 {
		c.Subscribe = []string{""}
	}
	return c.use(ctx, zmq.SUB, nil, func(s *zmq.Socket) error {
		for _, prefix := range c.Subscribe {
			if err := s.Subscribe(prefix); err != nil {
				return err
			}
		}
		return c.receiveAll(ctx, s, to)
	})
}

// batchSize is the most messages between two writes of what was received.
const batchSize = 256

// receiveAll prints what arrives, until --count is reached.
func (f *socketFlags) receiveAll(ctx context.Context, s *zmq.Socket, to *printer) error {
	batch := make([]zmq.Message, batchSize)
	for got := 0; f.Count == 0 || got < f.Count; {
		room := batch
		if f.Count > 0 {
			room = batch[:min(batchSize, f.Count-got)]
		}
		n, err := s.RecvBatch(ctx, room)
		if err != nil {
			return f.nothing(ctx, s, err, got)
		}
		for _, m := range room[:n] {
			if err := to.print(m.Frames); err != nil {
				return err
			}
		}
		if err := to.flush(); err != nil {
			return err
		}
		clear(room[:n])
		got += n
	}
	return nil
}

// nothing tells why a receive that failed with err brought nothing, got messages
// having arrived before. It is nil when the program was only waiting to be ended.
func (f *socketFlags) nothing(ctx context.Context, s *zmq.Socket, err error, got int) error {
	switch {
	case errors.Is(err, zmq.ErrTimeout):
		return timeoutf("%v: nothing arrived for %v", s.Type(), f.Timeout)
	case ctx.Err() == nil:
		return err
	case f.Count > 0:
		return fmt.Errorf("%v: interrupted after %d of %d messages", s.Type(), got, f.Count)
	}
	return nil
}
