package main

import (
	"context"
	"errors"
	"os"

	"zeromux/zmq"
)

// talkFlags are those of the types that send and receive in no order.
type talkFlags struct {
	socketFlags `group:"where"`
	inputFlags  `group:"input"`
	paceFlags   `group:"pace"`
	outputFlags `group:"output"`
	SendOnly    bool `group:"output" help:"End when all is sent, and print nothing. Otherwise the command goes on printing until --count, --timeout or a signal."`
}

type (
	dealerCmd struct{ talkFlags }
	routerCmd struct{ talkFlags }
	pairCmd   struct{ talkFlags }
	xpubCmd   struct{ talkFlags }
	xsubCmd   struct{ talkFlags }
	streamCmd struct{ talkFlags }
)

// Run implements the command.
func (c *dealerCmd) Run(ctx context.Context) error { return c.talk(ctx, zmq.DEALER, nil) }

// Help is what --help adds.
func (c *routerCmd) Help() string {
	return "The first frame of a message is the routing id of the peer. In text it stands before a tab, as 0x " +
		"and hexadecimal digits where it cannot be printed, and is read in the same way. A message to a peer " +
		"that is not there is an error, which is told, and makes the exit code 1 in the end."
}

// Run implements the command.
func (c *routerCmd) Run(ctx context.Context) error {
	return c.talk(ctx, zmq.ROUTER, func(config *zmq.Config) { config.Router.Mandatory = true })
}

// Run implements the command.
func (c *pairCmd) Run(ctx context.Context) error { return c.talk(ctx, zmq.PAIR, nil) }

// Help is what --help adds.
func (c *xpubCmd) Help() string {
	return "A subscription is printed as the octet 1 and its prefix, the end of one as the octet 0 and its " +
		"prefix: --format quoted shows them."
}

// Run implements the command.
func (c *xpubCmd) Run(ctx context.Context) error { return c.talk(ctx, zmq.XPUB, nil) }

// Help is what --help adds.
func (c *xsubCmd) Help() string {
	return `A message of the octet 1 and a prefix subscribes, one of the octet 0 and a prefix ends that: ` +
		`--input quoted --message '"\x01news"'.`
}

// Run implements the command.
func (c *xsubCmd) Run(ctx context.Context) error { return c.talk(ctx, zmq.XSUB, nil) }

// Help is what --help adds.
func (c *streamCmd) Help() string {
	return "The first frame names the connection, as with router. A message without octets tells of one that " +
		"has come or gone; sent, it closes one."
}

// Run implements the command.
func (c *streamCmd) Run(ctx context.Context) error { return c.talk(ctx, zmq.STREAM, nil) }

// talk sends and prints at once.
func (c *talkFlags) talk(ctx context.Context, t zmq.SocketType, adjust func(*zmq.Config)) error {
	ids := t == zmq.ROUTER || t == zmq.STREAM
	from, err := c.source(ctx, ids, &c.paceFlags)
	if err != nil {
		return err
	}
	to, err := c.printer(ids)
	if err != nil {
		return err
	}
	if c.SendOnly && c.Count > 0 {
		return usagef("--count counts what is received, and --send-only receives nothing")
	}
	return c.use(ctx, t, adjust, func(s *zmq.Socket) error {
		if err := c.awaitPeers(ctx, s, c.Wait); err != nil {
			return err
		}
		if c.SendOnly {
			return c.sendEach(ctx, s, from)
		}
		return c.both(ctx, s, from, to)
	})
}

// both sends and prints at once. It ends when sending or receiving fails, or when
// --count messages have arrived and the input is sent; input that somebody may
// still be typing is not waited for.
func (c *talkFlags) both(ctx context.Context, s *zmq.Socket, from *source, to *printer) error {
	talking, end := context.WithCancel(ctx)
	defer end()
	sent := make(chan error, 1)
	go func() {
		err := c.sendEach(talking, s, from)
		if err != nil && !errors.Is(err, errUnsent) {
			end()
		}
		sent <- err
	}()
	err := c.receiveAll(talking, s, to)
	senderFailed := talking.Err() != nil && ctx.Err() == nil
	if err != nil || c.typed() {
		end()
	}
	failed := <-sent
	if err != nil && !senderFailed {
		return err
	}
	return failed
}

// typed reports whether what is sent comes from a terminal.
func (f *inputFlags) typed() bool { return len(f.Message)+len(f.File) == 0 && isTerminal(os.Stdin) }

// errUnsent says that there were messages for peers that are not there.
var errUnsent = errors.New("not all messages were sent")

// sendEach sends what from yields until it ends. --count is about receiving. It
// goes on when a message has nobody to go to.
func (c *talkFlags) sendEach(ctx context.Context, s *zmq.Socket, from *source) error {
	var result error
	for {
		frames, err := from.next(ctx)
		switch {
		case errors.Is(err, errInputEnded), ctx.Err() != nil:
			return result
		case err != nil:
			return err
		}
		err = c.send(ctx, s, frames)
		switch {
		case errors.Is(err, zmq.ErrHostUnreachable):
			say("%v: no peer has the routing id %s", s.Type(), showID(frames[0]))
			result = errUnsent
		case err != nil:
			return err
		}
	}
}
