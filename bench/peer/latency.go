package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"zeromux/zmq"
)

// maxLatencies bounds the round trips of one run; it ends early when they are full.
const maxLatencies = 1 << 22

var errReply = errors.New("a reply to another request arrived")

// rep sends each request back.
func (p *peer) rep(s *zmq.Socket) error {
	ctx := context.Background()
	var m zmq.Message
	for n := int64(1); ; n++ {
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

// req times one round trip after another.
func (p *peer) req() error {
	s, err := p.dial(zmq.REQ, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	var m zmq.Message
	out, seq := make([]byte, p.size), uint64(0)
	roundTrip := func() error {
		setSequence(out, seq)
		if err := s.SendBytes(ctx, out); err != nil {
			return err
		}
		in, err := p.receive(s, &m)
		if err != nil {
			return err
		}
		if sequence(in) != seq {
			return errReply
		}
		seq++
		return nil
	}

	took := make([]uint32, 0, maxLatencies)
	for range maxLatencies {
		took = append(took, 1) // touch the pages beforehand
	}
	took = took[:0]
	if err := roundTrip(); err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < p.warmup; {
		if err := roundTrip(); err != nil {
			return err
		}
	}

	say(event{Event: "start"})
	allocs0 := allocs()
	cpu0, begin := cpu(), time.Now()
	var t time.Duration // since begin
	for t < p.window && len(took) < maxLatencies {
		if err := roundTrip(); err != nil {
			return err
		}
		u := time.Since(begin)
		took = append(took, uint32(min(u-t, math.MaxUint32)))
		t = u
	}
	cpu1, allocs1 := cpu(), allocs()
	slices.Sort(took)
	say(event{
		Event: "end", Messages: int64(len(took)), Ns: int64(t), CPUNs: cpu1 - cpu0, Allocs: allocs1 - allocs0,
		P50Ns: percentile(took, 500), P99Ns: percentile(took, 990), P999Ns: percentile(took, 999),
	})
	for {
		if err := roundTrip(); err != nil {
			return err
		}
	}
}

// percentile is the smallest value that permille thousandths of all do not exceed.
func percentile(sorted []uint32, permille int) int64 {
	return int64(sorted[(len(sorted)*permille+999)/1000-1])
}
