package main

import (
	"context"
	"strings"
	"time"

	"zeromux/zmq"
)

// A server has the map, and gives each change its number.
type server struct {
	snapshots *zmq.Socket // ROUTER
	updates   *zmq.Socket // PUB
	collector *zmq.Socket // SUB
	beat      time.Duration

	values map[string]string
	ends   map[string]time.Time // when ephemeral values go
	number uint64               // of the last change
}

// newServer binds a server, and returns where it really is.
func newServer(at place, beat time.Duration) (s *server, bound place, err error) {
	s = &server{beat: beat, values: make(map[string]string), ends: make(map[string]time.Time)}
	for _, socket := range []struct {
		place    **zmq.Socket
		kind     zmq.SocketType
		endpoint string
		bound    *string
	}{
		{&s.snapshots, zmq.ROUTER, at.snapshots, &bound.snapshots},
		{&s.updates, zmq.PUB, at.updates, &bound.updates},
		{&s.collector, zmq.SUB, at.collector, &bound.collector},
	} {
		if *socket.place, err = zmq.NewSocket(socket.kind, &zmq.Config{Linger: zmq.NoLinger}); err != nil {
			return nil, place{}, err
		}
		if *socket.bound, err = (*socket.place).Bind(socket.endpoint); err != nil {
			return nil, place{}, err
		}
	}
	return s, bound, s.collector.Subscribe("")
}

// run is the server until ctx ends. All that touches the map happens here, one thing
// after the other: a snapshot is exactly the state after some number.
func (s *server) run(ctx context.Context) error {
	requests, changes := receive(ctx, s.snapshots), receive(ctx, s.collector)
	beat := time.NewTicker(s.beat)
	defer beat.Stop()
	for {
		var err error
		select {
		case m, ok := <-requests:
			if !ok {
				return nil
			}
			if len(m.Frames) == 3 && string(m.Frames[1]) == wantSnapshot {
				err = s.snapshot(ctx, m.Frames[0], string(m.Frames[2]))
			}
		case m, ok := <-changes:
			if !ok {
				return nil
			}
			if c, wrong := parseChange(m); wrong == nil {
				err = s.apply(ctx, c)
			}
		case <-beat.C:
			if err = s.expire(ctx); err == nil {
				err = s.updates.Send(ctx, change{key: signOfLife}.message())
			}
		}
		if err != nil {
			return err
		}
	}
}

// snapshot sends the values of a part of the map to one client.
func (s *server) snapshot(ctx context.Context, client []byte, tree string) error {
	send := func(c change) error {
		return s.snapshots.SendFrames(ctx, append([][]byte{client}, c.message().Frames...)...)
	}
	for key, value := range s.values {
		if !strings.HasPrefix(key, tree) {
			continue
		}
		if err := send(change{key: key, value: value, number: s.number}); err != nil {
			return err
		}
	}
	return send(change{key: endSnapshot, value: tree, number: s.number})
}

// apply changes the map, and tells everybody.
func (s *server) apply(ctx context.Context, c change) error {
	delete(s.ends, c.key)
	switch {
	case c.value == "":
		delete(s.values, c.key)
	case c.ttl > 0:
		s.ends[c.key] = time.Now().Add(c.ttl)
		fallthrough
	default:
		s.values[c.key] = c.value
	}
	s.number++
	c.number = s.number
	return s.updates.Send(ctx, c.message())
}

// expire deletes the ephemeral values whose time has come.
func (s *server) expire(ctx context.Context) error {
	for key, end := range s.ends {
		if time.Now().Before(end) {
			continue
		}
		if err := s.apply(ctx, change{key: key}); err != nil {
			return err
		}
	}
	return nil
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
