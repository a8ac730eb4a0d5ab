package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"zeromux/zmq"
)

// A load is what remote asks of local.
type load struct {
	mode        string
	size, count int
}

// greetingWord begins the first message of remote, by which local knows it.
const greetingWord = "zmq bench"

// greet is the first message.
func (l load) greet() zmq.Message {
	return zmq.NewStringMessage(greetingWord, l.mode, strconv.Itoa(l.size), strconv.Itoa(l.count))
}

// readGreeting reads what greet wrote.
func readGreeting(m zmq.Message, mode string) (load, error) {
	if len(m.Frames) != 4 || string(m.Frames[0]) != greetingWord {
		return load{}, fmt.Errorf("bench: the peer is no zmq bench: its first message is %.60q", m.String())
	}
	size, wrongSize := strconv.Atoi(string(m.Frames[2]))
	count, wrongCount := strconv.Atoi(string(m.Frames[3]))
	if string(m.Frames[1]) != mode || wrongSize != nil || wrongCount != nil || size < 0 || count < 1 {
		return load{}, fmt.Errorf("bench: the peer wants what is not %s: its first message is %.60q", mode, m.String())
	}
	return load{mode: mode, size: size, count: count}, nil
}

// runLocal is the side that waits to be told what to do: it counts what arrives,
// and returns the result, or sends it back, and returns nil.
func runLocal(ctx context.Context, s *zmq.Socket, mode string) (*result, error) {
	var m zmq.Message
	if err := s.RecvInto(ctx, &m); err != nil {
		return nil, err
	}
	l, err := readGreeting(m, mode)
	if err != nil {
		return nil, err
	}
	if mode == modeThroughput {
		return drain(ctx, s, l, &m)
	}
	for n := 0; ; n++ {
		if err := s.Send(ctx, m); err != nil || n == l.count {
			return nil, err
		}
		if err := s.RecvInto(ctx, &m); err != nil {
			return nil, err
		}
	}
}

// drain receives count messages and one before, from which on time is taken.
func drain(ctx context.Context, s *zmq.Socket, l load, m *zmq.Message) (*result, error) {
	var begin time.Time
	for n := range l.count + 1 {
		if err := s.RecvInto(ctx, m); err != nil {
			return nil, err
		}
		if n == 0 {
			begin = time.Now()
		}
		if got := len(m.Bytes()); got != l.size {
			return nil, fmt.Errorf("bench: message %d has %d octets, not %d", n, got, l.size)
		}
	}
	return throughput(l, time.Since(begin)), nil
}

// runRemote is the side that says what to do, and does it.
func runRemote(ctx context.Context, s *zmq.Socket, l load) (*result, error) {
	if err := s.Send(ctx, l.greet()); err != nil {
		return nil, err
	}
	body := make([]byte, l.size)
	if l.mode == modeThroughput {
		for range l.count + 1 {
			if err := s.SendBytes(ctx, body); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	var m zmq.Message
	if err := s.RecvInto(ctx, &m); err != nil {
		return nil, err
	}
	begin := time.Now()
	took := make([]time.Duration, l.count)
	for n := range took {
		start := time.Now()
		if err := s.SendBytes(ctx, body); err != nil {
			return nil, err
		}
		if err := s.RecvInto(ctx, &m); err != nil {
			return nil, err
		}
		took[n] = time.Since(start)
		if got := len(m.Bytes()); got != l.size {
			return nil, fmt.Errorf("bench: reply %d has %d octets, not %d", n, got, l.size)
		}
	}
	return latency(l, time.Since(begin), took), nil
}
