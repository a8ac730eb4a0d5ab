package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// A client turns to the other server when one does not reply. Its patience is longer
// than the time after which a server counts as dead: when it asks the other one, that
// has noticed.
type client struct {
	servers  []string // the one to ask first
	patience time.Duration
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

// insist asks one server and then the other, until there is a reply.
func (c *client) insist(ctx context.Context, request string) (reply string, err error) {
	for range attempts {
		reply, err = c.try(ctx, request)
		if !errors.Is(err, zmq.ErrTimeout) {
			return reply, err
		}
		c.servers[0], c.servers[1] = c.servers[1], c.servers[0]
	}
	return "", fmt.Errorf("%s: nobody is there: %w", request, err)
}

func (c *client) try(ctx context.Context, request string) (reply string, err error) {
	req, err := zmq.NewSocket(zmq.REQ, &zmq.Config{RecvTimeout: c.patience, Linger: zmq.NoLinger})
	if err != nil {
		return "", err
	}
	defer req.Close()
	if err := req.Connect(c.servers[0]); err != nil {
		return "", err
	}
	if err := req.SendString(ctx, request); err != nil {
		return "", err
	}
	m, err := req.Recv(ctx)
	return m.String(), err
}
