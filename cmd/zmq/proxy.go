package main

import (
	"context"
	"errors"

	"zeromux/zmq"
)

type proxyCmd struct {
	Device   string `arg:"" enum:"queue,forwarder,streamer" help:"queue (ROUTER and DEALER, for requests), forwarder (XSUB and XPUB, for news) or streamer (PULL and PUSH, for work)."`
	Frontend string `arg:"" help:"Where clients, publishers, or those who have work are. A plain ENDPOINT is bound."`
	Backend  string `arg:"" help:"Where servers, subscribers, or those who do the work are. A plain ENDPOINT is bound."`
	Capture  string `placeholder:"ENDPOINT" help:"A PUB that publishes a copy of every message. A plain ENDPOINT is bound."`
	Control  string `placeholder:"ENDPOINT" help:"A REP that obeys PAUSE, RESUME, STATISTICS and TERMINATE. A plain ENDPOINT is bound."`
	HWM      int    `name:"hwm" default:"1000" placeholder:"N" help:"High-water mark: how many messages may wait for a peer, and from one. 0: no mark. Default: 1000."`
	Verbose  bool   `short:"v" help:"Print events on standard error: listening, connected, disconnected, dropped, and of which side."`

	securityFlags `group:"security"`
}

// Help is what --help adds.
func (c *proxyCmd) Help() string {
	return "Messages are taken only when the other side has room for them. The proxy runs until it is told to end, " +
		"by a signal or by TERMINATE; STATISTICS is answered by eight numbers of 64 bits. " +
		"What is said of security holds for all its sockets."
}

// devices are the sockets of each device, the frontend first.
var devices = map[string][2]zmq.SocketType{
	"queue":     {zmq.ROUTER, zmq.DEALER},
	"forwarder": {zmq.XSUB, zmq.XPUB},
	"streamer":  {zmq.PULL, zmq.PUSH},
}

// A side is one of the sockets of a proxy.
type side struct {
	name string
	of   **zmq.Socket
	typ  zmq.SocketType
	at   place
}

// sides are the sockets that p is to have.
func (c *proxyCmd) sides(p *zmq.Proxy) ([]side, []place, error) {
	var list []side
	var places []place
	for _, s := range []struct {
		name  string
		of    **zmq.Socket
		typ   zmq.SocketType
		where string
	}{
		{"frontend", &p.Frontend, devices[c.Device][0], c.Frontend},
		{"backend", &p.Backend, devices[c.Device][1], c.Backend},
		{"capture", &p.Capture, zmq.PUB, c.Capture},
		{"control", &p.Control, zmq.REP, c.Control},
	} {
		if s.where == "" && s.of != &p.Frontend && s.of != &p.Backend {
			continue
		}
		at, err := readPlace(s.where, true)
		if err != nil {
			return nil, nil, err
		}
		list, places = append(list, side{s.name, s.of, s.typ, at}), append(places, at)
	}
	return list, places, nil
}

// Run implements the command.
func (c *proxyCmd) Run(ctx context.Context) (err error) {
	flags := socketFlags{HWM: c.HWM, Verbose: c.Verbose, securityFlags: c.securityFlags}
	if err := flags.check(); err != nil {
		return err
	}
	var p zmq.Proxy
	sides, places, err := c.sides(&p)
	if err == nil {
		err = flags.goWith(places)
	}
	if err != nil {
		return err
	}
	config, err := flags.config(ctx) // once: a password is typed
	if err != nil {
		return err
	}
	for _, side := range sides {
		s, stop, err := flags.newSocket(side.name, side.typ, config)
		if err != nil {
			return wrongEndpoint(err)
		}
		defer func() {
			_ = flags.close(ctx, s, nil) // what is unsent after a second is told by nobody
			stop()
		}()
		if err := side.at.open(s); err != nil {
			return err
		}
		*side.of = s
	}
	if err = p.Run(ctx); errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // a signal is how it ends
	}
	return err
}
