// Package mdp is the Majordomo protocol, 7/MDP of the ZeroMQ RFCs in its version
// 0.1, with the part of 8/MMI that all brokers have: a broker that knows services
// by name, workers that offer one each, and clients that ask for one. It is written
// to be read; lessons that build on it import it.
package mdp

import (
	"context"
	"errors"
	"time"

	"zeromux/zmq"
)

// Who speaks, in the frame after the first, which is empty. 7/MDP "MDP/Client" and
// "MDP/Worker".
const (
	fromClient = "MDPC01"
	fromWorker = "MDPW01"
)

// The commands between broker and worker. 7/MDP "MDP/Worker".
const (
	ready      = "\x01"
	request    = "\x02"
	reply      = "\x03"
	heartbeat  = "\x04"
	disconnect = "\x05"
)

// liveness is how many beats a peer may miss before it counts as dead.
const liveness = 3

// Beat is the time between heartbeats where nothing else is said. Broker and
// workers must agree on it.
const Beat = 2500 * time.Millisecond

var (
	errSilent = errors.New("the broker is silent")
	errAway   = errors.New("the broker does not know us")
)

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

// command is a message between broker and worker, or to a client.
func command(frames [][]byte, words ...string) zmq.Message {
	m := zmq.NewStringMessage(words...)
	m.Frames = append(m.Frames, frames...)
	return m
}
