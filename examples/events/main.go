// Events prints what happens behind a socket: it listens, somebody connects, shakes hands
// and leaves, and is tried again when it is not there. No call returns an error for any of
// this, because nothing is wrong: connections come and go, and the socket stays.
//
// Use it to log, to count, or to find out why nothing arrives. A reader that is slow
// loses events, and never holds the socket up.
//
// Look at the end: the server is gone, and for the client nothing is over.
//
//	go run ./examples/events
package main

import (
	"context"
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
	server, err := zmq.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	atServer := watch(ctx, "server", server)
	endpoint, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}

	client, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return err
	}
	atClient := watch(ctx, "client", client)
	if err := client.Connect(endpoint); err != nil {
		return err
	}
	atServer(zmq.EventHandshakeSucceeded)
	atClient(zmq.EventHandshakeSucceeded)

	server.Close()
	atClient(zmq.EventDisconnected)
	atClient(zmq.EventConnectRetried) // nobody is there, but somebody may come
	return zmq.Term(ctx)
}

// watch prints the events of a socket, and returns a function that waits for one of a
// kind.
func watch(ctx context.Context, name string, s *zmq.Socket) (happened func(zmq.EventKind)) {
	events := make(chan zmq.EventKind, 1000)
	feed := s.Events(ctx) // from here on nothing is missed
	go func() {
		for e := range feed {
			fmt.Printf("%s: %v\n", name, e.Kind)
			events <- e.Kind
		}
	}()
	return func(kind zmq.EventKind) {
		for <-events != kind {
		}
	}
}
