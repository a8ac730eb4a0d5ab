// Freelance is request-reply between clients and several servers that can do the
// same, with nobody in the middle: nothing that may fail, nothing to run, and the
// shortest way. The price is that each client must know all servers, and look after
// them itself. Three models, from the simple to the good:
//
//  1. retry: a REQ to one server after the other, until one replies. Use it where
//     failures are rare; each dead server costs its time-out, every time.
//  2. shotgun: a DEALER asks all servers, and the first reply counts. It is as
//     fast as can be, and all of them do the work.
//  3. pings: a ROUTER knows at any time which servers are alive, and asks the first
//     of these. The protocol is 10/FLP of the ZeroMQ RFCs.
//
// Look at flp.go: a client for any number of goroutines at once.
//
//	go run ./examples/freelance
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

func main() {
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx := context.Background()
	for _, model := range []func(context.Context) error{retryStory, shotgunStory, pingStory} {
		if err := model(ctx); err != nil {
			log.Fatal(err)
		}
	}
	if err := zmq.Term(ctx); err != nil {
		log.Fatal(err)
	}
}

// retryStory has one server that does not exist and one that hangs.
func retryStory(ctx context.Context) error {
	_, hanging, err := bound(zmq.REP) // nobody ever receives from it
	if err != nil {
		return err
	}
	rep, good, err := bound(zmq.REP)
	if err != nil {
		return err
	}
	start(func() error { return answer(ctx, rep, "Carol") })
	reply, err := retry(ctx, []string{"inproc://nobody", hanging, good}, "request")
	if err != nil {
		return err
	}
	fmt.Println("retry:", reply)
	return nil
}

// shotgunStory has the same servers.
func shotgunStory(ctx context.Context) error {
	_, hanging, err := bound(zmq.REP)
	if err != nil {
		return err
	}
	rep, good, err := bound(zmq.REP)
	if err != nil {
		return err
	}
	start(func() error { return answer(ctx, rep, "Carol") })
	s, err := newShotgun("inproc://nobody", hanging, good)
	if err != nil {
		return err
	}
	defer s.dealer.Close()
	for i := range 3 {
		reply, err := s.ask(ctx, fmt.Sprint("request ", i+1))
		if err != nil {
			return err
		}
		fmt.Println("shotgun:", reply)
	}
	return nil
}

// pingStory has two servers, of which the first leaves.
func pingStory(ctx context.Context) error {
	alice, first, err := bound(zmq.ROUTER)
	if err != nil {
		return err
	}
	bob, second, err := bound(zmq.ROUTER)
	if err != nil {
		return err
	}
	start(func() error { return serve(ctx, alice, "Alice") })
	start(func() error { return serve(ctx, bob, "Bob") })

	c, err := newClient(ctx, 20*time.Millisecond, first, second)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.askAll(ctx, 10, 100); err != nil {
		return err
	}
	fmt.Println("pings: Alice crashes")
	alice.Close()
	return c.askAll(ctx, 10, 100)
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
