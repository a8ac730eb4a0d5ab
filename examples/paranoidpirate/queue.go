package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"zeromux/zmq"
)

// What a worker and the queue say to each other besides requests and replies: one
// frame of one octet. 6/PPP "Command Specifications".
const (
	commandReady     = "\x01"
	commandHeartbeat = "\x02"
)

// A queue knows the workers that are free, and nothing else.
type queue struct {
	front, back string
	beat        time.Duration
	lost        chan struct{} // is told when a worker has been silent for too long; nil: nobody wants to know

	clients, workers *zmq.Socket
	free             []freeWorker // the one that has been free for longest first
}

// A freeWorker is forgotten when it is silent until then.
type freeWorker struct {
	name  string // its routing id
	until time.Time
}

func (q *queue) open() (err error) {
	if q.clients, err = zmq.NewSocket(zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger}); err != nil {
		return err
	}
	if q.workers, err = zmq.NewSocket(zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger}); err != nil {
		return err
	}
	if q.front, err = q.clients.Bind(q.front); err != nil {
		return err
	}
	q.back, err = q.workers.Bind(q.back)
	return err
}

// run is the queue until ctx ends.
func (q *queue) run(ctx context.Context) error {
	defer q.workers.Close() // another queue may have the endpoints then
	defer q.clients.Close()
	workers, clients := receive(ctx, q.workers), receive(ctx, q.clients)
	beat := time.NewTicker(q.beat)
	defer beat.Stop()
	for {
		requests := clients
		if len(q.free) == 0 {
			requests = nil // a case that never comes: requests wait in their sockets
		}
		var err error
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-workers:
			if !ok {
				return nil
			}
			err = q.fromWorker(ctx, m)
		case m, ok := <-requests:
			if !ok {
				return nil
			}
			err = q.assign(ctx, m)
		case <-beat.C:
			err = q.heartbeat(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// fromWorker takes a command or a reply. A heartbeat of somebody unknown is not
// enough to be given work: who hears nothing back begins anew with READY.
func (q *queue) fromWorker(ctx context.Context, m zmq.Message) error {
	name, rest := string(m.Frames[0]), m.Frames[1:]
	known := slices.IndexFunc(q.free, func(w freeWorker) bool { return w.name == name })
	switch until := time.Now().Add(liveness * q.beat); {
	case len(rest) > 1: // the envelope of a client, and the reply
		if known < 0 { // else nobody has asked it anything
			q.free = append(q.free, freeWorker{name, until})
		}
		return q.clients.SendFrames(ctx, rest...)
	case len(rest) == 1 && string(rest[0]) == commandReady && known < 0:
		q.free = append(q.free, freeWorker{name, until})
		fmt.Println("queue: a worker is ready")
	case len(rest) == 1 && string(rest[0]) == commandHeartbeat && known >= 0:
		q.free[known].until = until
	}
	return nil
}

// assign gives a request to the worker that has been free for longest.
func (q *queue) assign(ctx context.Context, request zmq.Message) error {
	worker := q.free[0]
	q.free = q.free[1:]
	return q.workers.SendFrames(ctx, append([][]byte{[]byte(worker.name)}, request.Frames...)...)
}

// heartbeat tells the free workers that the queue is there, and forgets those of
// which it has not heard.
func (q *queue) heartbeat(ctx context.Context) error {
	now := time.Now()
	q.free = slices.DeleteFunc(q.free, func(w freeWorker) bool {
		silent := now.After(w.until)
		if silent {
			fmt.Println("queue: a worker is silent, and forgotten")
			select {
			case q.lost <- struct{}{}:
			default:
			}
		}
		return silent
	})
	for _, w := range q.free {
		if err := q.workers.SendString(ctx, w.name, commandHeartbeat); err != nil {
			return err
		}
	}
	return nil
}
