// Mtserver is one server outside and many workers within: clients connect to a single
// endpoint, behind which requests are dealt out over inproc to goroutines, each with a
// REP socket of its own. The worker knows nothing of this; the same function serves as
// a process of its own behind a broker, with another endpoint.
//
// Use it to let a simple REP loop use all processors. Where workers need no socket of
// their own, let them share one ROUTER as asyncsrv does, and leave the middle out.
//
// Look at the two loops that are the middle, one for each direction; zmq.Proxy is the
// same with care for all that may go wrong. And at the work: no worker is done before all are at it, though each of them serves
// strictly one request after the other.
//
//	go run ./examples/mtserver
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"

	"zeromux/zmq"
)

const (
	workers = 3
	clients = workers // each asks once
	inside  = "inproc://workers"
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
	router, err := zmq.NewSocket(zmq.ROUTER, nil)
	if err != nil {
		return err
	}
	endpoint, err := router.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	dealer, err := zmq.NewSocket(zmq.DEALER, nil)
	if err != nil {
		return err
	}
	if _, err := dealer.Bind(inside); err != nil {
		return err
	}
	start(func() error { return forward(ctx, router, dealer) })
	start(func() error { return forward(ctx, dealer, router) })

	var serving sync.WaitGroup
	serving.Add(workers)
	work := func() { // ends when all workers are at it
		serving.Done()
		serving.Wait()
	}
	for i := range workers {
		start(func() error { return worker(ctx, fmt.Sprint("worker ", i+1), work) })
	}
	if err := dealer.WaitPeers(ctx, workers); err != nil {
		return err
	}
	answered := make(chan error, clients)
	for i := range clients {
		go func() { answered <- client(ctx, fmt.Sprint("client ", i+1), endpoint) }()
	}
	for range clients {
		if err := <-answered; err != nil {
			return err
		}
	}
	fmt.Println("all at the same time")
	return zmq.Term(ctx) // ends the workers
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

// forward hands on every message with all its frames.
func forward(ctx context.Context, from, to *zmq.Socket) error {
	for m, err := range from.Messages(ctx) {
		if err != nil {
			return err
		}
		if err := to.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// worker is a plain REP server that connects.
func worker(ctx context.Context, name string, work func()) error {
	rep, err := zmq.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	if err := rep.Connect(inside); err != nil {
		return err
	}
	for m, err := range rep.Messages(ctx) {
		if err != nil {
			return err
		}
		work()
		if err := rep.SendString(ctx, name+" says World to "+m.String()); err != nil {
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
	if err := req.SendString(ctx, name); err != nil {
		return err
	}
	reply, err := req.Recv(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", name, reply)
	return nil
}
