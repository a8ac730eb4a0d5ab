package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"zeromux/zmq"
)

// liveness is how many signs of life of the server a client may miss.
const liveness = 10

// A client has a copy of a part of the map. It is for one goroutine.
type client struct {
	name   string
	at     place
	tree   string
	beat   time.Duration
	values map[string]string
	number uint64 // of the last change that is in values

	updates *zmq.Socket // SUB
	changes *zmq.Socket // an XPUB, which is told when the server is there
}

// newClient joins the server, which may come later.
func newClient(ctx context.Context, name string, at place, tree string, beat time.Duration) (c *client, err error) {
	c = &client{name: name, at: at, tree: tree, beat: beat}
	if c.changes, err = zmq.NewSocket(zmq.XPUB, nil); err != nil {
		return nil, err
	}
	if err := c.changes.Connect(at.collector); err != nil {
		return nil, err
	}
	if _, err := c.changes.Recv(ctx); err != nil { // the server has subscribed: nothing is lost
		return nil, err
	}
	if c.updates, err = zmq.NewSocket(zmq.SUB, &zmq.Config{RecvTimeout: liveness * beat}); err != nil {
		return nil, err
	}
	for _, topic := range []string{tree, signOfLife} {
		if err := c.updates.Subscribe(topic); err != nil {
			return nil, err
		}
	}
	if err := c.updates.Connect(at.updates); err != nil {
		return nil, err
	}
	return c, c.join(ctx)
}

// join gets a copy, however long the server takes to come.
func (c *client) join(ctx context.Context) error {
	for {
		err := c.tryJoin(ctx)
		if !errors.Is(err, zmq.ErrTimeout) {
			return err
		}
	}
}

// tryJoin asks for the updates first: when one is heard, whatever it is, no later one
// will be missed. They wait in the socket while the snapshot comes. Those that are
// older than the snapshot are in it already.
func (c *client) tryJoin(ctx context.Context) error {
	if _, err := c.updates.Recv(ctx); err != nil {
		return err
	}
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{RecvTimeout: liveness * c.beat, Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	defer dealer.Close()
	if err := dealer.Connect(c.at.snapshots); err != nil {
		return err
	}
	if err := dealer.SendString(ctx, wantSnapshot, c.tree); err != nil {
		return err
	}
	values := make(map[string]string)
	for {
		m, err := dealer.Recv(ctx)
		if err != nil {
			return err
		}
		value, err := parseChange(m)
		if err != nil {
			return err
		}
		if value.key == endSnapshot {
			c.values, c.number = values, value.number
			fmt.Printf("%s: has joined at number %d, with %d values\n", c.name, c.number, len(values))
			return nil
		}
		values[value.key] = value.value
	}
}

// next waits for the next change and applies it. When the server is silent for too
// long the client joins again, which may bring any number of changes, or none.
func (c *client) next(ctx context.Context) error {
	for {
		m, err := c.updates.Recv(ctx)
		if errors.Is(err, zmq.ErrTimeout) {
			fmt.Printf("%s: the server is silent\n", c.name)
			return c.join(ctx)
		}
		if err != nil {
			return err
		}
		ch, err := parseChange(m)
		if err != nil || ch.number <= c.number || !strings.HasPrefix(ch.key, c.tree) {
			continue // a sign of life, or in the snapshot
		}
		c.number = ch.number
		if ch.value == "" {
			delete(c.values, ch.key)
			fmt.Printf("%s: %s is gone\n", c.name, ch.key)
		} else {
			c.values[ch.key] = ch.value
			fmt.Printf("%s: %s is %s\n", c.name, ch.key, ch.value)
		}
		return nil
	}
}

// set asks the server for a change. It is made when next has seen it.
func (c *client) set(ctx context.Context, ch change) error {
	id := make([]byte, 16)
	rand.Read(id) // never fails
	ch.id = string(id)
	return c.changes.Send(ctx, ch.message())
}
