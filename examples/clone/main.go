// Clone is a map that many programs share: a server has it, every client has a copy
// of it or of a part, and whoever changes a value changes it everywhere. A client may
// join at any time: it gets a snapshot, and then the updates that follow on it, none
// missing and none twice. Values may be ephemeral: they go away after a time unless
// they are set again, which is how a program shows that it is alive. The protocol is
// 12/CHP of the ZeroMQ RFCs.
//
// Use it for what many need to know and few change: configuration, presence, prices.
// All changes go through one server, which puts them in an order; that is what makes
// the copies alike. For a second server that takes over see binarystar.
//
// Look at tryJoin in client.go: which is asked for first, the snapshot or the updates,
// and how the two fit together by their numbers.
//
//	go run ./examples/clone                    # the story
//	go run ./examples/clone -role server       # the roles in terminals of their own
//	go run ./examples/clone -role client -tree /fruit/
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"zeromux/zmq"
)

// A place is where a server is, by its three endpoints. 12/CHP "Ports and
// Connections".
type place struct{ snapshots, updates, collector string }

func main() {
	role := flag.String("role", "", "be the server or a client alone")
	tree := flag.String("tree", "", "what the client wants: all keys that begin so")
	var at place
	flag.StringVar(&at.snapshots, "snapshots", "tcp://127.0.0.1:5556", "where the server gives snapshots")
	flag.StringVar(&at.updates, "updates", "tcp://127.0.0.1:5557", "where it publishes updates")
	flag.StringVar(&at.collector, "collector", "tcp://127.0.0.1:5558", "where it is told of changes")
	beat := flag.Duration("beat", 100*time.Millisecond, "the time between signs of life of the server")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var err error
	switch *role {
	case "server":
		var s *server
		if s, at, err = newServer(at, *beat); err == nil {
			fmt.Println("snapshots at", at.snapshots)
			err = s.run(ctx)
		}
	case "client":
		err = follow(ctx, at, *tree, *beat)
	case "":
		err = story(ctx, *beat)
	default:
		log.Fatalf("-role is server or client, not %q", *role)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// follow prints a part of the map, and then what happens to it.
func follow(ctx context.Context, at place, tree string, beat time.Duration) error {
	c, err := newClient(ctx, "client", at, tree, beat)
	if err != nil {
		return err
	}
	for key, value := range c.values {
		fmt.Printf("client: %s is %s\n", key, value)
	}
	for err == nil {
		err = c.next(ctx)
	}
	return err
}

// story has two clients, one of which comes late and wants only fruit.
func story(ctx context.Context, beat time.Duration) error {
	all := "tcp://127.0.0.1:*"
	s, at, err := newServer(place{all, all, all}, beat)
	if err != nil {
		return err
	}
	go func() {
		err := s.run(ctx)
		if over := errors.Is(err, zmq.ErrTerminated) || errors.Is(err, zmq.ErrClosed); err != nil && !over {
			log.Fatal(err)
		}
	}()
	ada, err := newClient(ctx, "Ada", at, "", beat)
	if err != nil {
		return err
	}
	if err := ada.setAll(ctx, []change{
		{key: "/fruit/apple", value: "green"}, {key: "/fruit/plum", value: "blue"}, {key: "/tool/hammer", value: "heavy"},
	}); err != nil {
		return err
	}

	bob, err := newClient(ctx, "Bob", at, "/fruit/", beat)
	if err != nil {
		return err
	}
	if err := ada.setAll(ctx, []change{
		{key: "/fruit/apple", value: "red"},
		{key: "/tool/saw", value: "sharp"},
		{key: "/fruit/cherry", value: "ripe", ttl: time.Second},
		{key: "/fruit/plum"}, // no value: it goes
	}); err != nil {
		return err
	}
	for len(bob.values) > 1 { // until plum and cherry are gone
		if err := bob.next(ctx); err != nil {
			return err
		}
	}
	fmt.Println("Bob's copy:", bob.values)
	return zmq.Term(ctx)
}

// setAll changes values, and waits until the server has published all that.
func (c *client) setAll(ctx context.Context, changes []change) error {
	for _, ch := range changes {
		if err := c.set(ctx, ch); err != nil {
			return err
		}
	}
	for before := c.number; c.number < before+uint64(len(changes)); {
		if err := c.next(ctx); err != nil {
			return err
		}
	}
	return nil
}
