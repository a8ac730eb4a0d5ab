// Asyncsrv is a server that may answer a request many times, or late, or out of
// turn: clients are DEALERs, which need not wait for a reply before they send the
// next request, and the server is a ROUTER, which sends to whom it likes whenever
// it has something to say. It is how progress, search results and logs travel.
//
// Look at who uses which socket: all workers receive from the one ROUTER and send
// to it, since a socket may be used by any goroutine. Where sockets belong to a
// thread, workers need an inproc DEALER each and a proxy between.
//
//	go run ./examples/asyncsrv
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"zeromux/zmq"
)

const (
	clients  = 3
	requests = 4 // of each client
	workers  = 5
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
	for range workers {
		start(func() error { return worker(ctx, router) })
	}
	answered := make(chan error, clients)
	for i := range clients {
		go func() { answered <- client(ctx, endpoint, fmt.Sprint("client ", i+1)) }()
	}
	for range clients {
		if err := <-answered; err != nil {
			return err
		}
	}
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

// worker answers a request for n steps with n replies, each after a while.
func worker(ctx context.Context, router *zmq.Socket) error {
	for m, err := range router.Messages(ctx) {
		if err != nil {
			return err
		}
		steps, err := strconv.Atoi(string(m.Bytes()))
		if err != nil || len(m.Frames) != 3 {
			continue // whatever it is, it is no request
		}
		client, number := string(m.Frames[0]), string(m.Frames[1])
		for step := range steps {
			<-time.After(rand.N(5 * time.Millisecond)) // the work
			if err := router.SendString(ctx, client, number, fmt.Sprintf("step %d of %d", step+1, steps)); err != nil {
				return err
			}
		}
	}
	return nil
}

// client sends all its requests, and then counts the replies as they come. The
// number in front tells which request a reply belongs to: DEALER does not.
func client(ctx context.Context, endpoint, name string) error {
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{RoutingID: name})
	if err != nil {
		return err
	}
	if err := dealer.Connect(endpoint); err != nil {
		return err
	}
	want := 0
	for i := range requests {
		steps := i + 1
		want += steps
		if err := dealer.SendString(ctx, fmt.Sprint("request ", i+1), fmt.Sprint(steps)); err != nil {
			return err
		}
	}
	for range want {
		m, err := dealer.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s: %s\n", name, m.Frames[0], m.Frames[1])
	}
	return dealer.Close()
}
