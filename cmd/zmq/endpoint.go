package main

import (
	"strings"

	"zeromux/zmq"
)

// A place is one endpoint, and what to do there.
type place struct {
	bind     bool
	endpoint string
}

// bindsByDefault tells what a plain endpoint means for a type: the side that
// others look for binds. It is czmq's convention.
func bindsByDefault(t zmq.SocketType) bool {
	switch t {
	case zmq.PULL, zmq.PUB, zmq.XPUB, zmq.REP, zmq.ROUTER:
		return true
	}
	return false
}

// readPlace reads an endpoint as it stands among the arguments: "@…" binds,
// ">…" connects, anything else does as binds says.
func readPlace(text string, binds bool) (place, error) {
	p := place{bind: binds, endpoint: text}
	switch {
	case strings.HasPrefix(text, "@"):
		p = place{bind: true, endpoint: text[1:]}
	case strings.HasPrefix(text, ">"):
		p = place{endpoint: text[1:]}
	}
	return p, p.check()
}

// check refuses what cannot work for a command, whatever the library says.
func (p place) check() error {
	switch {
	case p.endpoint == "":
		return usagef("an endpoint is empty; a valid one is tcp://127.0.0.1:5555")
	case strings.HasPrefix(p.endpoint, "inproc://"):
		return usagef("endpoint %s: inproc reaches only sockets of the same process", p.endpoint)
	}
	return nil
}

// places are all endpoints that the flags and arguments name.
func (f *socketFlags) places(t zmq.SocketType) ([]place, error) {
	var list []place
	for _, e := range f.Bind {
		list = append(list, place{bind: true, endpoint: e})
	}
	for _, e := range f.Connect {
		list = append(list, place{endpoint: e})
	}
	for _, p := range list {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	for _, text := range f.Endpoint {
		p, err := readPlace(text, bindsByDefault(t))
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil, usagef("no endpoint; give one such as tcp://127.0.0.1:5555, or --bind or --connect")
	}
	return list, nil
}

// open binds or connects s to p.
func (p place) open(s *zmq.Socket) error {
	if !p.bind {
		return wrongEndpoint(s.Connect(p.endpoint))
	}
	_, err := s.Bind(p.endpoint)
	return wrongEndpoint(err)
}
