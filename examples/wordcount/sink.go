package main

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"zeromux/zmq"
)

// A share is what one worker has done.
type share struct {
	tasks, words int
}

// A sink adds up what the workers found, each task once, and confirms it.
type sink struct {
	pull    *zmq.Socket // results: number, worker, table
	confirm *zmq.Socket // PUSH to the ventilator

	mu      sync.Mutex // guards all below
	done    map[uint64]struct{}
	words   table
	total   int // of words
	results int // messages, duplicates included
	dropped int // duplicates
	shares  map[string]share
}

// newSink makes the sockets; the endpoints of the results are bound by the
// caller.
func newSink(c *zmq.Context) (*sink, error) {
	pull, err := c.NewSocket(zmq.PULL, nil)
	if err != nil {
		return nil, err
	}
	confirm, err := c.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return nil, err
	}
	if err := confirm.Connect(backEndpoint); err != nil {
		return nil, err
	}
	return &sink{
		pull: pull, confirm: confirm,
		done: make(map[uint64]struct{}), words: make(table), shares: make(map[string]share),
	}, nil
}

// run takes results until ctx ends.
func (s *sink) run(ctx context.Context) error {
	for m, err := range s.pull.Messages(ctx) {
		if err != nil {
			return err
		}
		isNew, err := s.take(m)
		if err != nil {
			return err
		}
		if !isNew {
			continue
		}
		if err := s.confirm.SendFrames(ctx, []byte(saysDone), m.Frames[0]); err != nil {
			return err
		}
	}
	return nil
}

// take adds a result, or drops it when the task is done already.
func (s *sink) take(m zmq.Message) (isNew bool, err error) {
	if len(m.Frames) != 3 {
		return false, fmt.Errorf("sink: a result of %d frames", len(m.Frames))
	}
	number, err := strconv.ParseUint(string(m.Frames[0]), 10, 64)
	if err != nil {
		return false, fmt.Errorf("sink: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results++
	if _, twice := s.done[number]; twice {
		s.dropped++
		return false, nil
	}
	words, err := s.words.addFrame(m.Frames[2])
	if err != nil {
		return false, fmt.Errorf("sink: task %d: %w", number, err)
	}
	s.done[number] = struct{}{}
	s.total += words
	worker := string(m.Frames[1])
	did := s.shares[worker]
	s.shares[worker] = share{did.tasks + 1, did.words + words}
	return true, nil
}

// by is what a worker has done so far.
func (s *sink) by(worker string) share {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shares[worker]
}

// tally is how things stand.
type tally struct {
	tasks, words, results, dropped int
	shares                         map[string]share
}

func (s *sink) tally() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tally{len(s.done), s.total, s.results, s.dropped, maps.Clone(s.shares)}
}
