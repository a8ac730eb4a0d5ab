package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// A client asks again when no reply comes. It needs no heartbeats: to wait for a
// reply tells enough.
type client struct {
	queue    string
	patience time.Duration // for one reply
}

const attempts = 10

// ask sends requests one after the other, numbered from first to last.
func (c *client) ask(ctx context.Context, first, last int) error {
	for i := first; i <= last; i++ {
		reply, err := c.insist(ctx, fmt.Sprint("request ", i))
		if err != nil {
			return err
		}
		fmt.Println("client:", reply)
	}
	return nil
}

// insist sends a request until there is a reply.
func (c *client) insist(ctx context.Context, request string) (reply string, err error) {
	for range attempts {
		reply, err = c.try(ctx, request)
		if !errors.Is(err, zmq.ErrTimeout) {
			return reply, err
		}
		fmt.Printf("client: no reply to %s, asking again\n", request)
	}
	return "", fmt.Errorf("%s: nobody is there: %w", request, err)
}

// try uses a socket of its own: what a late reply finds closed, it cannot confuse.
func (c *client) try(ctx context.Context, request string) (reply string, err error) {
	req, err := zmq.NewSocket(zmq.REQ, &zmq.Config{RecvTimeout: c.patience, Linger: zmq.NoLinger})
	if err != nil {
		return "", err
	}
	defer req.Close()
	if err := req.Connect(c.queue); err != nil {
		return "", err
	}
	if err := req.SendString(ctx, request); err != nil {
		return "", err
	}
	m, err := req.Recv(ctx)
	return m.String(), err
}
