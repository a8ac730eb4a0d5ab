package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// patience is how long to wait for a reply before something else is tried.
const patience = 500 * time.Millisecond

var errNobody = errors.New("no server replies")

// retry asks one server after the other.
func retry(ctx context.Context, servers []string, request string) (reply string, err error) {
	for _, server := range servers {
		reply, err := try(ctx, server, request)
		if !errors.Is(err, zmq.ErrTimeout) {
			return reply, err
		}
		fmt.Println("retry: a server does not reply")
	}
	return "", errNobody
}

func try(ctx context.Context, server, request string) (reply string, err error) {
	req, err := zmq.NewSocket(zmq.REQ, &zmq.Config{RecvTimeout: patience, Linger: zmq.NoLinger})
	if err != nil {
		return "", err
	}
	defer req.Close()
	if err := req.Connect(server); err != nil {
		return "", err
	}
	if err := req.SendString(ctx, request); err != nil {
		return "", err
	}
	m, err := req.Recv(ctx)
	return m.String(), err
}

// answer is a server of the first two models: its reply has all frames of the
// request but the last, and so it need not know which model it serves.
func answer(ctx context.Context, rep *zmq.Socket, name string) error {
	for m, err := range rep.Messages(ctx) {
		if err != nil {
			return err
		}
		m.Frames[len(m.Frames)-1] = fmt.Appendf(nil, "%s did %s", name, m.Bytes())
		if err := rep.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
