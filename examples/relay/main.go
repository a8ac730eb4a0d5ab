// Relay is a chain of steps within one process, each of which waits for the one before
// and signals the one behind, over PAIR sockets and inproc. PAIR has one peer and no
// rules; it is the wire between two goroutines that belong together.
//
// Use a channel for this in Go, and PAIR where one of the two may move to another
// process one day: the endpoint changes, the code does not. PAIR is also what a tap
// (see espresso) and a monitor need.
//
// Look at the order: an inproc socket may connect before the other one binds.
//
//	go run ./examples/relay
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"

	"zeromux/zmq"
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
	start(func() error { return step(ctx, "step 1", "", "inproc://step2") })
	start(func() error { return step(ctx, "step 2", "inproc://step2", "inproc://step3") })
	if err := step(ctx, "step 3", "inproc://step3", ""); err != nil {
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

// step waits for a signal at one endpoint, and signals another. Where an endpoint is
// empty the chain begins or ends.
func step(ctx context.Context, name, before, behind string) error {
	if before != "" {
		pair, err := zmq.NewSocket(zmq.PAIR, nil)
		if err != nil {
			return err
		}
		if _, err := pair.Bind(before); err != nil {
			return err
		}
		m, err := pair.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", name, m)
	}
	if behind == "" {
		fmt.Printf("%s: all done\n", name)
		return nil
	}
	pair, err := zmq.NewSocket(zmq.PAIR, nil)
	if err != nil {
		return err
	}
	if err := pair.Connect(behind); err != nil {
		return err
	}
	return pair.SendString(ctx, name+" is ready")
}
