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
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *bind, *connect); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, bind, connect string) error {
	if connect != "" {
		return client(ctx, connect)
	}
	rep, err := zmq.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	if bind != "" {
		endpoint, err := rep.Bind(bind)
		if err != nil {
			return err
		}
		fmt.Println("listening on", endpoint)
		return serve(ctx, rep)
	}
	endpoint, err := rep.Bind("tcp://127.0.0.1:*") // any port that is free
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- serve(ctx, rep) }()
	if err := client(ctx, endpoint); err != nil {
		return err
	}
	if err := zmq.Term(ctx); err != nil { // ends Messages
		return err
	}
	return <-served
}

// serve answers every request with a greeting.
func serve(ctx context.Context, rep *zmq.Socket) error {
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
