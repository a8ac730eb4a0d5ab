package main

import (
	"context"
	"errors"

	"zeromux/zmq"
)

var errIdle = errors.New("a socket that nobody writes to is ready")

// pollRep sends each request back, and waits for it in a poller over many sockets, of
// which all but the last are idle.
func (p *peer) pollRep(s *zmq.Socket) error {
	poller := zmq.NewPoller()
	for range p.peers - 1 {
		idle, err := zmq.NewSocket(zmq.REP, nil)
		if err != nil {
			return err
		}
		if err := poller.Add(idle, zmq.PollIn, nil); err != nil {
			return err
		}
	}
	if err := poller.Add(s, zmq.PollIn, nil); err != nil {
		return err
	}
	ctx := context.Background()
	ready := make([]zmq.PollEvent, 16)
	var m zmq.Message
	for n := int64(1); ; n++ {
		k, err := poller.Wait(ctx, ready)
		switch {
		case err != nil:
			return err
		case k != 1 || ready[0].Socket != s:
			return errIdle
		}
		body, err := p.receive(s, &m)
		if err != nil {
			return err
		}
		if err := s.SendBytes(ctx, body); err != nil {
			return err
		}
		p.passed.Store(n)
	}
}
