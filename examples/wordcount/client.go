package main

import (
	"context"
	"fmt"
	"time"

	"zeromux/zmq"
)

// An answer is what the client got, and how long after asking.
type answer struct {
	text  string
	after time.Duration
}

// ask is a client: it asks the server at endpoint, which need not exist yet.
func ask(ctx context.Context, c *zmq.Context, endpoint string) (answer, error) {
	req, err := c.NewSocket(zmq.REQ, nil)
	if err != nil {
		return answer{}, err
	}
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		return answer{}, err
	}
	began := time.Now()
	if err := req.SendString(ctx, "What is counted here?"); err != nil {
		return answer{}, err
	}
	m, err := req.Recv(ctx)
	return answer{m.String(), time.Since(began)}, err
}

// serve is the server: it answers one question, and returns when the answer is
// with the client.
func serve(ctx context.Context, c *zmq.Context, endpoint string, t tree) error {
	rep, err := c.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	if _, err := rep.Bind(endpoint); err != nil {
		return err
	}
	if _, err := rep.Recv(ctx); err != nil {
		return err
	}
	if err := rep.SendString(ctx, fmt.Sprintf("%s files, %s", grouped(len(t.files)), megabytes(t.octets))); err != nil {
		return err
	}
	return rep.CloseContext(ctx)
}
