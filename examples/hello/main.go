// Hello is the first lesson: a client asks, a server answers. REQ and REP keep
// strict turns, and either may be started first.
//
//	go run ./examples/hello                                  # both in one program
//	go run ./examples/hello -bind tcp://127.0.0.1:5555       # the server alone
//	go run ./examples/hello -connect tcp://127.0.0.1:5555    # the client alone
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"zeromux/zmq"
)

func main() {
	bind := flag.String("bind", "", "be the server alone, at this `endpoint`, until interrupted")
	connect := flag.String("connect", "", "be the client alone, of the server at this `endpoint`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var err error
	switch {
	case *bind != "":
		err = server(ctx, *bind, func(endpoint string) { fmt.Println("listening on", endpoint) })
	case *connect != "":
		err = client(ctx, *connect)
	default:
		err = both(ctx)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// both runs the server on a goroutine until the client is done.
func both(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, bound := make(chan error, 1), make(chan string, 1)
	go func() { served <- server(ctx, "tcp://127.0.0.1:*", func(endpoint string) { bound <- endpoint }) }()
	select {
	case endpoint := <-bound:
		return client(ctx, endpoint)
	case err := <-served:
		return err
	}
}

// server answers every request with a greeting. It tells started where it
// listens.
func server(ctx context.Context, endpoint string, started func(endpoint string)) error {
	rep, err := zmq.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	defer rep.Close()
	bound, err := rep.Bind(endpoint)
	if err != nil {
		return err
	}
	started(bound)
	for request, err := range rep.Messages(ctx) {
		if err != nil {
			return err
		}
		fmt.Println("server: received", request)
		if err := rep.SendString(ctx, "World, "+request.String()); err != nil {
			return err
		}
	}
	return nil
}

// client asks five times. Connect does not wait for the server: were there
// none, the first request would wait in the socket until it comes.
func client(ctx context.Context, endpoint string) error {
	req, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return err
	}
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		return err
	}
	for i := range 5 {
		if err := req.SendString(ctx, fmt.Sprint("Hello ", i+1)); err != nil {
			return err
		}
		reply, err := req.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Println("client: received", reply)
	}
	return nil
}
