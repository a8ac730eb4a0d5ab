package main

import (
	"context"
	"errors"
	"time"

	"zeromux/zmq"
)

// warmupMessages are more than the two high-water marks: with them the queues
// are as full as they get.
const warmupMessages = 2500

var errOrder = errors.New("a message was lost or came out of order")

// push sends numbered messages as fast as they are taken.
func (p *peer) push() error {
	s, err := p.dial(zmq.PUSH, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	body, step := make([]byte, p.size), uint64(p.stride())
	for seq := uint64(0); ; seq++ {
		setSequence(body, seq)
		if err := s.SendBytes(ctx, body); err != nil {
			return err
		}
		if (seq+1)%step == 0 {
			p.passed.Store(int64(seq + 1))
		}
	}
}

// pull receives for the warm-up, and until the queues on the way are full. It
// learns the rate from the same time again, and then measures as many messages
// as fill the window at that rate.
func (p *peer) pull(s *zmq.Socket) error {
	ctx := context.Background()
	var m zmq.Message
	next := uint64(0)
	receive := func(n int64) error { // by itself, as the compiler inlines it in ../cpeer
		for ; n > 0; n-- {
			var err error
			if p.plain {
				m, err = s.Recv(ctx)
			} else {
				err = s.RecvInto(ctx, &m)
			}
			switch {
			case err != nil:
				return err
			case len(m.Frames) != 1 || len(m.Frames[0]) != p.size:
				return errSize
			case sequence(m.Frames[0]) != next:
				return errOrder
			}
			next++
		}
		return nil
	}
	if err := receive(1); err != nil {
		return err
	}

	begin := time.Now()
	for time.Since(begin) < p.warmup || next < warmupMessages {
		if err := receive(p.stride()); err != nil {
			return err
		}
	}
	warm, first := time.Now(), next
	for time.Since(warm) < p.warmup {
		if err := receive(p.stride()); err != nil {
			return err
		}
	}
	count := int64(float64(next-first)*float64(p.window)/float64(time.Since(warm))) + 1

	say(event{Event: "start"})
	allocs0 := allocs()
	cpu0, t0 := cpu(), time.Now()
	if err := receive(count); err != nil {
		return err
	}
	took, cpu1, allocs1 := time.Since(t0), cpu(), allocs()
	say(event{Event: "end", Messages: count, Ns: int64(took), CPUNs: cpu1 - cpu0, Allocs: allocs1 - allocs0})
	for { // the sender's own figures are read while messages still flow
		if err := receive(1); err != nil {
			return err
		}
	}
}
