package main

import (
	"context"
	"strconv"
	"time"

	"zeromux/zmq"
)

const (
	ready = "READY"
	beat  = 20 * time.Millisecond // between two reports of a broker
)

// A place is where a broker meets its own clients and workers, and the other brokers:
// for requests, and for what it tells of itself.
type place struct{ clients, workers, cloud, state string }

// A broker is one of several that know each other.
type broker struct {
	name string
	at   place

	clients *zmq.Socket // ROUTER
	workers *zmq.Socket // ROUTER
	cloud   *zmq.Socket // ROUTER, bound: requests of other brokers come in
	peers   *zmq.Socket // ROUTER, connected: requests to other brokers go out
	tell    *zmq.Socket // PUB: how many workers are free
	hear    *zmq.Socket // SUB: how many others have

	free  [][]byte       // names of the workers here
	lends map[string]int // how many workers other brokers have free
}

func newBroker(name string) (*broker, error) {
	b := &broker{name: name, lends: make(map[string]int)}
	for _, s := range []struct {
		place **zmq.Socket
		kind  zmq.SocketType
		bound *string // nil: it connects
	}{
		{&b.clients, zmq.ROUTER, &b.at.clients},
		{&b.workers, zmq.ROUTER, &b.at.workers},
		{&b.cloud, zmq.ROUTER, &b.at.cloud},
		{&b.peers, zmq.ROUTER, nil},
		{&b.tell, zmq.PUB, &b.at.state},
		{&b.hear, zmq.SUB, nil},
	} {
		var err error
		if *s.place, err = zmq.NewSocket(s.kind, &zmq.Config{RoutingID: name, Linger: zmq.NoLinger}); err != nil {
			return nil, err
		}
		if s.bound == nil {
			continue
		}
		if *s.bound, err = (*s.place).Bind("tcp://127.0.0.1:*"); err != nil {
			return nil, err
		}
	}
	return b, b.hear.Subscribe("")
}

// join makes another broker a peer.
func (b *broker) join(name string, at place) error {
	if err := b.peers.ConnectAs(at.cloud, name); err != nil {
		return err
	}
	return b.hear.Connect(at.state)
}

// run is the broker. Requests wait in their sockets while nobody is free: here for those
// of other brokers, here or elsewhere for those of its own clients.
func (b *broker) run(ctx context.Context) error {
	clients, workers := receive(ctx, b.clients), receive(ctx, b.workers)
	cloud, peers, states := receive(ctx, b.cloud), receive(ctx, b.peers), receive(ctx, b.hear)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		own, foreign := clients, cloud
		peer := b.richest()
		if len(b.free) == 0 {
			foreign = nil
			if peer == "" {
				own = nil
			}
		}
		var m zmq.Message
		var ok bool
		var err error
		select {
		case m, ok = <-own: // the client, an empty frame, the body
			switch {
			case !ok:
			case len(b.free) > 0:
				err = b.assign(ctx, b.name, m.Frames)
			default:
				b.lends[peer]--
				err = b.peers.SendFrames(ctx, append([][]byte{[]byte(peer)}, m.Frames...)...)
			}
		case m, ok = <-foreign: // the other broker, then as above
			if ok && len(m.Frames) > 2 {
				err = b.assign(ctx, string(m.Frames[0]), m.Frames[1:])
			}
		case m, ok = <-workers: // the worker, an empty frame, READY or a reply
			if ok && len(m.Frames) > 2 {
				b.free = append(b.free, m.Frames[0])
				err = b.reply(ctx, m.Frames[2:])
			}
		case m, ok = <-peers: // the other broker, then the reply to a client
			if ok {
				err = b.clients.SendFrames(ctx, m.Frames[1:]...)
			}
		case m, ok = <-states:
			if n, wrong := strconv.Atoi(string(m.Bytes())); wrong == nil && len(m.Frames) == 2 {
				b.lends[string(m.Frames[0])] = n
			}
		case <-tick.C:
			ok = true
			err = b.tell.SendString(ctx, b.name, strconv.Itoa(len(b.free)))
		}
		if err != nil || !ok {
			return err
		}
	}
}

// richest returns the other broker that has most workers free, or none. What it said
// may be old: then the request waits there.
func (b *broker) richest() (name string) {
	for other, n := range b.lends {
		if n > b.lends[name] {
			name = other
		}
	}
	return name
}

// assign gives a request to a worker here. The name of the broker that it came from
// goes along.
func (b *broker) assign(ctx context.Context, from string, request [][]byte) error {
	worker := b.free[0]
	b.free = b.free[1:]
	envelope := [][]byte{worker, nil, []byte(from)}
	return b.workers.SendFrames(ctx, append(envelope, request...)...)
}

// reply brings the reply of a worker on its way, by the broker that the request came
// from.
func (b *broker) reply(ctx context.Context, frames [][]byte) error {
	switch {
	case len(frames) == 1: // READY
		return nil
	case string(frames[0]) == b.name:
		return b.clients.SendFrames(ctx, frames[1:]...)
	}
	return b.cloud.SendFrames(ctx, frames...)
}

// receive makes a channel of a socket, for use in a select. It is closed when ctx
// ends, or the socket is no more.
func receive(ctx context.Context, s *zmq.Socket) <-chan zmq.Message {
	messages := make(chan zmq.Message)
	go func() {
		defer close(messages)
		for m, err := range s.Messages(ctx) {
			if err != nil {
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	return messages
}
