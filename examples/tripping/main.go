// Tripping shows what a round trip costs. To send a request and wait for its reply takes
// the time of a round trip, and nobody does anything meanwhile; to send many and then
// take the replies keeps everybody busy. The same client, the same server and the same
// line do many times as much.
//
// Look at the two measurements, and remember them when a protocol asks for an answer
// before the next question. Over a real network the difference is much greater.
//
//	go run ./examples/tripping
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"zeromux/zmq"
)

const (
	trips  = 2_000
	ahead  = 500 // requests that may be on the way at once: fewer than the high-water mark
	manner = "%-14s %d round trips in %v, %.0f a second\n"
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
	start(func() error { return serve(ctx, router) })

	dealer, err := zmq.NewSocket(zmq.DEALER, nil)
	if err != nil {
		return err
	}
	if err := dealer.Connect(endpoint); err != nil {
		return err
	}
	if err := measure(ctx, dealer, "one at a time:", trips, 1); err != nil {
		return err
	}
	if err := measure(ctx, dealer, "many at once:", 20*trips, ahead); err != nil {
		return err
	}
	return zmq.Term(ctx)
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

// serve sends back what it gets.
func serve(ctx context.Context, router *zmq.Socket) error {
	for m, err := range router.Messages(ctx) {
		if err != nil {
			return err
		}
		if err := router.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// measure makes n round trips, of which so many may be on the way at once.
func measure(ctx context.Context, dealer *zmq.Socket, title string, n, atOnce int) error {
	before := time.Now()
	for sent, received := 0, 0; received < n; {
		if sent < n && sent-received < atOnce {
			if err := dealer.SendString(ctx, "Hello"); err != nil {
				return err
			}
			sent++
			continue
		}
		if _, err := dealer.Recv(ctx); err != nil {
			return err
		}
		received++
	}
	took := time.Since(before)
	fmt.Printf(manner, title, n, took.Round(time.Millisecond), float64(n)/took.Seconds())
	return nil
}
