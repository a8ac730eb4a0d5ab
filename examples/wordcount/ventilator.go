package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"zeromux/zmq"
)

const (
	// window is the most tasks that are out: enough to keep all workers busy, few
	// enough to be kept and sent again.
	window = 48
	// patience is how long nothing at all may be confirmed before everything
	// that is out is sent again.
	patience = 2 * time.Second
)

// What the ventilator hears on its way back.
const (
	saysDone = "done" // the sink: and the number of the task
	saysLost = "lost" // the monitor: a worker is gone
)

// A ventilator hands out tasks, keeps each until it is confirmed, and sends
// again what may be lost. All but the counts belongs to the goroutine of run.
type ventilator struct {
	push *zmq.Socket // tasks: number, text
	back *zmq.Socket // PULL: what the sink and the monitor say

	number uint64            // of the newest task
	out    map[uint64][]byte // the text of each task that is not confirmed
	passes int               // over the tree, complete

	counts struct {
		out, sent, again, confirmed, octets atomic.Int64 // octets: of what is confirmed
	}
}

// newVentilator makes the sockets; the endpoints of the tasks are bound by the
// caller.
func newVentilator(c *zmq.Context) (*ventilator, error) {
	push, err := c.NewSocket(zmq.PUSH, &zmq.Config{
		// What waits for one worker cannot be taken by another.
		HighWater: zmq.HighWater{Send: 2},
		Network:   zmq.Network{SendBuffer: pieceSize},
		Linger:    zmq.NoLinger,
	})
	if err != nil {
		return nil, err
	}
	back, err := c.NewSocket(zmq.PULL, &zmq.Config{RecvTimeout: patience})
	if err != nil {
		return nil, err
	}
	if _, err := back.Bind(backEndpoint); err != nil {
		return nil, err
	}
	return &ventilator{push: push, back: back, out: make(map[uint64][]byte)}, nil
}

// run hands out the pieces of t over and over until enough is closed, and
// returns when everything is confirmed.
func (v *ventilator) run(ctx context.Context, t tree, enough <-chan struct{}) error {
	for {
		for text, err := range t.pieces() {
			if err != nil {
				return err
			}
			if err := v.handOut(ctx, text); err != nil {
				return err
			}
		}
		v.passes++
		select {
		case <-enough:
			return v.finish(ctx)
		default:
		}
	}
}

// handOut sends a new task when there is room in the window.
func (v *ventilator) handOut(ctx context.Context, text []byte) error {
	for len(v.out) >= window {
		if err := v.listen(ctx); err != nil {
			return err
		}
	}
	v.number++
	v.out[v.number] = text
	v.counts.out.Store(int64(len(v.out)))
	v.counts.sent.Add(1)
	return v.send(ctx, v.number)
}

// finish waits until everything is confirmed.
func (v *ventilator) finish(ctx context.Context) error {
	for len(v.out) > 0 {
		if err := v.listen(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *ventilator) send(ctx context.Context, number uint64) error {
	return v.push.SendFrames(ctx, strconv.AppendUint(nil, number, 10), v.out[number])
}

// listen waits for word from the sink or the monitor, and acts on all that has
// come. When a worker is gone, or there is no word for too long, it sends again
// all tasks that are out: a PUSH socket does not tell which of them that worker
// had.
func (v *ventilator) listen(ctx context.Context) error {
	var batch [window / 4]zmq.Message
	n, err := v.back.RecvBatch(ctx, batch[:])
	if errors.Is(err, zmq.ErrTimeout) {
		return v.sendAgain(ctx)
	}
	if err != nil {
		return err
	}
	lost := false
	for _, m := range batch[:n] {
		switch what := string(m.Frames[0]); what {
		case saysLost:
			lost = true
		case saysDone:
			if err := v.confirmed(m.Bytes()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("ventilator: what is %q?", what)
		}
	}
	if lost {
		return v.sendAgain(ctx)
	}
	return nil
}

// confirmed lets go of a task.
func (v *ventilator) confirmed(number []byte) error {
	n, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return fmt.Errorf("ventilator: %w", err)
	}
	v.counts.octets.Add(int64(len(v.out[n])))
	v.counts.confirmed.Add(1)
	delete(v.out, n)
	v.counts.out.Store(int64(len(v.out)))
	return nil
}

// sendAgain sends every task that is out once more, the oldest first.
func (v *ventilator) sendAgain(ctx context.Context) error {
	for _, number := range slices.Sorted(maps.Keys(v.out)) {
		v.counts.again.Add(1)
		if err := v.send(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// watch returns a function that tells the ventilator of every worker that is
// gone, until ctx ends. What happens after watch has returned is not missed.
func (v *ventilator) watch(ctx context.Context, c *zmq.Context) (func() error, error) {
	events := v.push.Events(ctx)
	tell, err := c.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return nil, err
	}
	if err := tell.Connect(backEndpoint); err != nil {
		return nil, err
	}
	return func() error {
		for e := range events {
			if e.Kind != zmq.EventDisconnected {
				continue
			}
			if err := tell.SendString(ctx, saysLost); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
