// Broker stands between clients and services, so that neither knows how many
// of the others there are or where. Clients connect REQ sockets to its ROUTER,
// services connect REP sockets to its DEALER, and requests go to the services
// in turn.
//
//	go run ./examples/broker
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"zeromux/zmq"
)

const (
	clients  = 3
	services = 2
	requests = 6 // of each client
)

func main() {
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	router, front, err := bound(zmq.ROUTER)
	if err != nil {
		return err
	}
	dealer, back, err := bound(zmq.DEALER)
	if err != nil {
		return err
	}

	// The whole broker. ROUTER puts the name of the client before each request;
	// the reply comes back with it, and so finds its way.
	broker := zmq.Proxy{Frontend: router, Backend: dealer}
	start(func() error { return broker.Run(ctx) })

	for i := range services {
		start(func() error { return service(ctx, fmt.Sprint("service ", i+1), back) })
	}
	if err := dealer.WaitPeers(ctx, services); err != nil {
		return err
	}
	answered := make(chan error, clients)
	for i := range clients {
		go func() { answered <- client(ctx, fmt.Sprint("client ", i+1), front) }()
	}
	for range clients {
		if err := <-answered; err != nil {
			return err
		}
	}
	return zmq.Term(ctx) // ends the broker and the services
}

// start runs a role on a goroutine until it fails or the sockets are no more.
func start(role func() error) {
	go func() {
		err := role()
		if over := errors.Is(err, zmq.ErrTerminated) || errors.Is(err, zmq.ErrClosed); err != nil && !over {
			log.Fatal(err)
		}
	}()
}

// bound makes a socket that others may connect to.
func bound(t zmq.SocketType) (s *zmq.Socket, endpoint string, err error) {
	if s, err = zmq.NewSocket(t, nil); err != nil {
		return nil, "", err
	}
	endpoint, err = s.Bind("tcp://127.0.0.1:*")
	return s, endpoint, err
}

// service answers in capitals. It connects like a client; only its socket type
// makes it a server.
func service(ctx context.Context, name, endpoint string) error {
	rep, err := zmq.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	if err := rep.Connect(endpoint); err != nil {
		return err
	}
	for m, err := range rep.Messages(ctx) {
		if err != nil {
			return err
		}
		if err := rep.SendString(ctx, name+" says "+strings.ToUpper(m.String())); err != nil {
			return err
		}
	}
	return nil
}

func client(ctx context.Context, name, endpoint string) error {
	req, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return err
	}
	if err := req.Connect(endpoint); err != nil {
		return err
	}
	for i := range requests {
		if err := req.SendString(ctx, fmt.Sprintf("request %d of %s", i+1, name)); err != nil {
			return err
		}
		reply, err := req.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", name, reply)
	}
	return nil
}
