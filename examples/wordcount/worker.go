package main

import (
	"context"
	"fmt"

	"zeromux/zmq"
)

// work counts the words of the tasks that it pulls, and pushes what it found,
// until ctx ends. It is the same over any transport, in a process of its own or
// as a goroutine. miscount adds a word to the first task that is not there.
func work(ctx context.Context, c *zmq.Context, name, tasks, results string, miscount bool) error {
	pull, err := c.NewSocket(zmq.PULL, &zmq.Config{
		HighWater: zmq.HighWater{Recv: 2},
		Network:   zmq.Network{RecvBuffer: pieceSize},
	})
	if err != nil {
		return err
	}
	defer pull.Close()
	push, err := c.NewSocket(zmq.PUSH, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	defer push.Close()
	if err := push.Connect(results); err != nil {
		return err
	}
	if err := pull.Connect(tasks); err != nil {
		return err
	}
	for m, err := range pull.Messages(ctx) {
		if err != nil {
			return err
		}
		if len(m.Frames) != 2 {
			return fmt.Errorf("worker %s: a task of %d frames", name, len(m.Frames))
		}
		words := make(table)
		words.count(m.Frames[1])
		if miscount {
			words.add([]byte("wrong"), 1)
			miscount = false
		}
		if err := push.SendFrames(ctx, m.Frames[0], []byte(name), words.frame()); err != nil {
			return err
		}
	}
	return nil
}

// miscounts is the last argument of a worker process that is to count wrong.
const miscounts = "miscounts"

// workerProcess is a worker with a process to itself.
func workerProcess(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("a worker wants a name and two endpoints, not %q", args)
	}
	return untilParentEnds(func(ctx context.Context, c *zmq.Context) error {
		return work(ctx, c, args[0], args[1], args[2], len(args) > 3 && args[3] == miscounts)
	})
}
