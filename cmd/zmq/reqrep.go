package main

import (
	"context"
	"errors"
	"fmt"

	"zeromux/zmq"
)

type reqCmd struct {
	socketFlags `group:"where"`
	inputFlags  `group:"input"`
	paceFlags   `group:"pace"`
	outputFlags `group:"output"`
}

type repCmd struct {
	socketFlags `group:"where"`
	inputFlags  `group:"input"`
	Echo        bool    `xor:"source" group:"input" help:"Reply with the request."`
	Reply       *string `xor:"source" group:"input" placeholder:"TEXT" help:"Reply with this, each time."`
	Exec        *string `xor:"source" group:"input" placeholder:"COMMAND" help:"Reply with what this command of the shell prints, less its last line end; it reads the request as --format writes it."`
	outputFlags `group:"output"`
}

// Run implements the command.
func (c *reqCmd) Run(ctx context.Context) error {
	from, err := c.source(ctx, false, &c.paceFlags)
	if err != nil {
		return err
	}
	to, err := c.printer(false)
	if err != nil {
		return err
	}
	return c.use(ctx, zmq.REQ, nil, func(s *zmq.Socket) error {
		if err := c.awaitPeers(ctx, s, c.Wait); err != nil {
			return err
		}
		for n := 0; c.Count == 0 || n < c.Count; n++ {
			request, err := from.next(ctx)
			switch {
			case errors.Is(err, errInputEnded), ctx.Err() != nil:
				return nil
			case err != nil:
				return err
			}
			if err := c.ask(ctx, s, request, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// ask sends a request and prints the reply.
func (c *reqCmd) ask(ctx context.Context, s *zmq.Socket, request [][]byte, to *printer) error {
	if err := c.send(ctx, s, request); err != nil {
		return err
	}
	reply, err := s.Recv(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%v: interrupted: a request was not answered", s.Type())
	case errors.Is(err, zmq.ErrTimeout):
		return timeoutf("%v: no reply for %v", s.Type(), c.Timeout)
	case err != nil:
		return err
	}
	if err := to.print(reply.Frames); err != nil {
		return err
	}
	return to.flush()
}

// Help is what --help adds.
func (c *repCmd) Help() string {
	return "Without --echo, --reply or --exec each reply is a --message, a --file or a line of standard input; " +
		"the command ends when there are no more."
}

// Run implements the command.
func (c *repCmd) Run(ctx context.Context) error {
	to, err := c.printer(false)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	begin, answer, err := c.answerer(ctx, cancel)
	if err != nil {
		return err
	}
	return c.use(ctx, zmq.REP, nil, func(s *zmq.Socket) error {
		begin()
		for n := 0; c.Count == 0 || n < c.Count; n++ {
			request, err := s.Recv(waiting)
			switch {
			case err != nil && waiting.Err() != nil && ctx.Err() == nil:
				return nil // no more replies
			case err != nil:
				return c.nothing(ctx, s, err, n)
			}
			if err := to.print(request.Frames); err != nil {
				return err
			}
			if err := to.flush(); err != nil {
				return err
			}
			reply, err := answer(request.Frames)
			if err != nil {
				return err
			}
			if err := c.send(ctx, s, reply); err != nil {
				return err
			}
		}
		return nil
	})
}

// An answerer is what replies to requests.
type answerer func(request [][]byte) ([][]byte, error)

// answerer is the one that the flags ask for. Where replies can run out it calls over
// when they have, from begin on.
func (c *repCmd) answerer(ctx context.Context, over func()) (begin func(), answer answerer, err error) {
	if !c.Echo && c.Reply == nil && c.Exec == nil {
		return c.fromInput(ctx, over)
	}
	answer, err = c.withoutInput(ctx)
	return func() {}, answer, err
}

// withoutInput is an answerer that needs none of what is to be sent otherwise.
func (c *repCmd) withoutInput(ctx context.Context) (answerer, error) {
	how, err := newFormat(c.Input, false, nil, c.Split)
	switch {
	case err != nil:
		return nil, err
	case c.Frames:
		return nil, usagef("--frames needs --message or --file")
	case c.Echo && (c.Input != formatText || c.Split != nil):
		return nil, usagef("--echo sends the request back: --input and --split do not go with it")
	case c.Echo:
		return func(request [][]byte) ([][]byte, error) { return request, nil }, nil
	case c.Exec != nil:
		return c.fromCommand(ctx, how)
	}
	reply, err := how.parse([]byte(*c.Reply))
	if err != nil {
		return nil, usagef("--reply: %w", err)
	}
	return func([][]byte) ([][]byte, error) { return reply, nil }, nil
}

// errUnanswered: a signal came between a request and its reply.
var errUnanswered = errors.New("REP: interrupted: a request was not answered")

// fromInput replies with what is to be sent, one after the other.
func (c *repCmd) fromInput(ctx context.Context, over func()) (func(), answerer, error) {
	from, err := c.source(ctx, false, &paceFlags{Repeat: 1})
	if err != nil {
		return nil, nil, err
	}
	begin := func() {
		from.begin()
		go func() {
			<-from.ended
			if errors.Is(from.err, errInputEnded) {
				over()
			}
		}()
	}
	return begin, func([][]byte) ([][]byte, error) {
		reply, err := from.next(ctx)
		switch {
		case errors.Is(err, errInputEnded):
			return nil, errors.New("REP: a request was not answered: no reply left")
		case err != nil && ctx.Err() != nil:
			return nil, errUnanswered
		}
		return reply, err
	}, nil
}
