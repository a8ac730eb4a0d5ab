package main

import (
	"context"
	"errors"
	"fmt"

	"zeromux/zmq"
)

// A shotgun asks all its servers at once. The replies that come after the first
// carry the number of an old request, and are dropped.
type shotgun struct {
	dealer  *zmq.Socket
	servers int
	number  int
}

func newShotgun(servers ...string) (*shotgun, error) {
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{RecvTimeout: patience, Linger: zmq.NoLinger})
	if err != nil {
		return nil, err
	}
	for _, server := range servers {
		if err := dealer.Connect(server); err != nil {
			return nil, err
		}
	}
	return &shotgun{dealer: dealer, servers: len(servers)}, nil
}

// ask returns the first reply. A DEALER deals messages out in turn: as many as
// there are servers reach each of them once.
func (s *shotgun) ask(ctx context.Context, request string) (reply string, err error) {
	s.number++
	number := fmt.Sprint(s.number)
	for range s.servers {
		// The empty frame is what a REP expects, and a REQ would have added.
		if err := s.dealer.SendString(ctx, "", number, request); err != nil {
			return "", err
		}
	}
	for {
		m, err := s.dealer.Recv(ctx)
		if errors.Is(err, zmq.ErrTimeout) {
			return "", errNobody
		}
		if err != nil {
			return "", err
		}
		if len(m.Frames) == 3 && string(m.Frames[1]) == number {
			return string(m.Bytes()), nil
		}
	}
}
