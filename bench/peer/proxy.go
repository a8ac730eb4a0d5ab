package main

import (
	"context"

	"zeromux/zmq"
)

// proxy is a steerable proxy between two sockets that bind, each of which says
// where.
func (p *peer) proxy(one zmq.SocketType, oneConfig *zmq.Config, other zmq.SocketType, otherConfig *zmq.Config) error {
	return p.bound(one, oneConfig, func(backend *zmq.Socket) error {
		return p.bound(other, otherConfig, func(frontend *zmq.Socket) error {
			control, err := zmq.NewSocket(zmq.PAIR, nil)
			if err != nil {
				return err
			}
			if _, err := control.Bind("inproc://control"); err != nil {
				return err
			}
			steered := zmq.Proxy{Frontend: frontend, Backend: backend, Control: control}
			return steered.Run(context.Background())
		})
	})
}
