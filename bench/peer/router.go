package main

import (
	"context"
	"errors"

	"zeromux/zmq"
)

var errReplyOrder = errors.New("a reply was lost or came out of order")

// router sends every message back to whom it came from.
func (p *peer) router(s *zmq.Socket) error {
	ctx := context.Background()
	var m zmq.Message
	for n := int64(1); ; n++ {
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		if len(m.Frames) != 2 || len(m.Frames[1]) != p.size {
			return errSize
		}
		if err := s.Send(ctx, m); err != nil {
			return err
		}
		p.passed.Store(n)
	}
}

// dealer keeps depth requests on the way.
func (p *peer) dealer(c *counter) error {
	s, err := p.dial(zmq.DEALER, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	var m zmq.Message
	out, sent := make([]byte, p.size), uint64(0)
	for range p.depth {
		setSequence(out, sent)
		if err := s.SendBytes(ctx, out); err != nil {
			return err
		}
		sent++
	}
	for next := uint64(0); ; next++ {
		in, err := p.receive(s, &m)
		switch {
		case err != nil:
			return err
		case sequence(in) != next:
			return errReplyOrder
		}
		setSequence(out, sent)
		if err := s.SendBytes(ctx, out); err != nil {
			return err
		}
		sent++
		c.n.Store(int64(next) + 1)
		c.ready.Store(true)
	}
}

// visitor comes, asks once and goes, again and again.
func (p *peer) visitor(c *counter) error {
	ctx := context.Background()
	config := p.with(&zmq.Config{Linger: zmq.NoLinger})
	out := make([]byte, p.size)
	for seq := uint64(0); ; seq++ {
		s, err := p.dial(zmq.DEALER, config)
		if err != nil {
			return err
		}
		setSequence(out, seq)
		if err := s.SendBytes(ctx, out); err != nil {
			return err
		}
		var m zmq.Message
		in, err := p.receive(s, &m)
		switch {
		case err != nil:
			return err
		case sequence(in) != seq:
			return errReply
		}
		if err := s.Close(); err != nil {
			return err
		}
		c.n.Store(int64(seq) + 1)
		c.ready.Store(true)
	}
}
