package main

import (
	"context"
	"fmt"
	"time"

	"zeromux/zmq"
)

// liveness is how many signs of life of the peer may be missing.
const liveness = 3

// A place is where a server meets its clients, and where it tells its state.
type place struct{ clients, state string }

// A server is one of the two.
type server struct {
	name    string
	at      place
	beat    time.Duration
	passive chan struct{} // closed when the server has become passive for the first time

	state state
	until time.Time // when the peer counts as dead

	clients *zmq.Socket // a ROUTER, which need not reply
	tell    *zmq.Socket // PUB
	peer    *zmq.Socket // SUB, not connected yet
}

func newServer(name string, first state, at place, beat time.Duration) (s *server, err error) {
	s = &server{name: name, beat: beat, passive: make(chan struct{}), state: first}
	for socket, kind := range map[**zmq.Socket]zmq.SocketType{&s.clients: zmq.ROUTER, &s.tell: zmq.PUB, &s.peer: zmq.SUB} {
		if *socket, err = zmq.NewSocket(kind, &zmq.Config{Linger: zmq.NoLinger}); err != nil {
			return nil, err
		}
	}
	if s.at.clients, err = s.clients.Bind(at.clients); err != nil {
		return nil, err
	}
	if s.at.state, err = s.tell.Bind(at.state); err != nil {
		return nil, err
	}
	return s, s.peer.Subscribe("")
}

// run is the server until ctx ends.
func (s *server) run(ctx context.Context) error {
	defer s.clients.Close()
	defer s.tell.Close()
	defer s.peer.Close()
	requests, states := receive(ctx, s.clients), receive(ctx, s.peer)
	beat := time.NewTicker(s.beat)
	defer beat.Stop()
	s.until = time.Now().Add(liveness * s.beat)
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			err = s.tell.SendString(ctx, string(s.state))
		case m, ok := <-states:
			if !ok {
				return nil
			}
			s.until = time.Now().Add(liveness * s.beat)
			next, wrong := s.state.heard(state(m.String()))
			s.become(next)
			err = wrong
		case m, ok := <-requests:
			if !ok {
				return nil
			}
			next, serve := s.state.asked(time.Now().After(s.until))
			s.become(next)
			if serve { // who gets no reply turns to the other
				m.Frames[len(m.Frames)-1] = fmt.Appendf(nil, "%s did %s", s.name, m.Bytes())
				err = s.clients.Send(ctx, m)
			}
		}
		if err != nil {
			return err
		}
	}
}

func (s *server) become(next state) {
	if next == s.state {
		return
	}
	s.state = next
	fmt.Printf("%s: is %s\n", s.name, next)
	if next == passive {
		close(s.passive) // there is no way back to it
	}
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
