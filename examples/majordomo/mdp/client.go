package mdp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// A Client asks and waits, and asks again when no reply comes. It is for one
// goroutine at a time.
type Client struct {
	// Broker is the endpoint of the broker.
	Broker string
	// Patience is how long to wait for a reply. Zero is the default, Beat.
	Patience time.Duration
	// Attempts is how often to ask. Zero is the default, 3.
	Attempts int

	req *zmq.Socket // nil: none is open
}

// ErrGone says that no reply came, however often the client has asked.
var ErrGone = errors.New("mdp: no reply")

// Ask sends a request to a service and returns the body of the reply.
func (c *Client) Ask(ctx context.Context, service string, body ...[]byte) (reply [][]byte, err error) {
	attempts := c.Attempts
	if attempts == 0 {
		attempts = 3
	}
	for range attempts {
		reply, err := c.try(ctx, service, body)
		if !errors.Is(err, zmq.ErrTimeout) {
			return reply, err
		}
		c.Close() // and the next attempt opens another
	}
	return nil, fmt.Errorf("%w from %s", ErrGone, service)
}

// Exists asks the broker whether anybody offers a service.
func (c *Client) Exists(ctx context.Context, service string) (bool, error) {
	code, err := c.Ask(ctx, "mmi.service", []byte(service))
	return err == nil && string(code[0]) == "200", err
}

// Close closes the client's socket. The next Ask opens another.
func (c *Client) Close() {
	if c.req != nil {
		c.req.Close()
		c.req = nil
	}
}

// try asks once.
func (c *Client) try(ctx context.Context, service string, body [][]byte) (reply [][]byte, err error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	if err := c.req.Send(ctx, command(body, fromClient, service)); err != nil {
		return nil, err
	}
	m, err := c.req.Recv(ctx)
	if err != nil {
		return nil, err
	}
	_, reply, err = parseReply(m.Frames)
	return reply, err
}

func (c *Client) open() (err error) {
	if c.req != nil {
		return nil
	}
	patience := c.Patience
	if patience == 0 {
		patience = Beat
	}
	if c.req, err = zmq.NewSocket(zmq.REQ, &zmq.Config{RecvTimeout: patience, Linger: zmq.NoLinger}); err != nil {
		return err
	}
	return c.req.Connect(c.Broker)
}

// An AsyncClient sends requests without waiting for replies, and so has many on
// the way at once. Nothing is asked again: who wants that keeps the requests until
// their replies come. Replies to different services come in any order.
type AsyncClient struct{ dealer *zmq.Socket }

// NewAsyncClient makes an AsyncClient of the broker at an endpoint.
func NewAsyncClient(broker string) (*AsyncClient, error) {
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return nil, err
	}
	return &AsyncClient{dealer}, dealer.Connect(broker)
}

// Send sends a request to a service.
func (a *AsyncClient) Send(ctx context.Context, service string, body ...[]byte) error {
	return a.dealer.Send(ctx, command(body, "", fromClient, service)) // the empty frame is what a REQ adds
}

// Recv returns the next reply.
func (a *AsyncClient) Recv(ctx context.Context) (service string, reply [][]byte, err error) {
	m, err := a.dealer.Recv(ctx)
	if err != nil {
		return "", nil, err
	}
	return parseReply(m.Frames[1:])
}

// Close closes the client's socket.
func (a *AsyncClient) Close() { a.dealer.Close() }

// parseReply takes a reply without its empty frame apart.
func parseReply(frames [][]byte) (service string, body [][]byte, err error) {
	if len(frames) < 3 || string(frames[0]) != fromClient {
		return "", nil, errors.New("mdp: not a reply")
	}
	return string(frames[1]), frames[2:], nil
}
