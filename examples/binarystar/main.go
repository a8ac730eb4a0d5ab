// Binarystar is a pair of servers of which one serves, the primary as long as it is
// there, and the other stands by. They tell each other their state; clients know both,
// and turn to the other when one does not reply. The one that stands by takes over when
// two things come together: it has not heard of its peer for a while, and a client asks
// it. So a broken line between the two alone changes nothing. Let them share the network
// with their clients: who loses one server while the two have lost each other would
// make both serve.
//
// Use it where exactly one may serve at a time: because it has state, or gives
// numbers. Where any number may, freelance is simpler.
//
// Look at step in state.go: the whole of the decision is a function of a state and an
// event, and its test runs through all of them. The rest is sockets and timers.
//
//	go run ./examples/binarystar
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"zeromux/zmq"
)

func main() {
	beat := flag.Duration("beat", 50*time.Millisecond, "the time between signs of life of a server")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if err := story(context.Background(), *beat); err != nil {
		log.Fatal(err)
	}
}

// story lets each of the two crash once.
func story(ctx context.Context, beat time.Duration) error {
	folder, err := os.MkdirTemp("", "star")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	at := func(name string) place { // endpoints that nobody else takes while a server is away
		return place{"ipc://" + filepath.Join(folder, name), "ipc://" + filepath.Join(folder, name+"-state")}
	}
	primary, err := newServer("primary", asPrimary, at("primary"), beat)
	if err != nil {
		return err
	}
	backup, err := newServer("backup", asBackup, at("backup"), beat)
	if err != nil {
		return err
	}
	endPrimary, err := start(ctx, primary, backup.at)
	if err != nil {
		return err
	}
	endBackup, err := start(ctx, backup, primary.at)
	if err != nil {
		return err
	}
	<-backup.passive // both are there

	c := &client{servers: []string{primary.at.clients, backup.at.clients}, patience: 10 * beat}
	if err := c.ask(ctx, 1, 3); err != nil {
		return err
	}

	fmt.Println("the primary crashes")
	endPrimary()
	if err := c.ask(ctx, 4, 6); err != nil {
		return err
	}

	fmt.Println("the primary comes back, and then the backup crashes")
	if primary, err = newServer("primary", asPrimary, primary.at, beat); err != nil {
		return err
	}
	if endPrimary, err = start(ctx, primary, backup.at); err != nil {
		return err
	}
	<-primary.passive // it has heard that the backup serves
	endBackup()
	if err := c.ask(ctx, 7, 9); err != nil {
		return err
	}
	endPrimary()
	return zmq.Term(ctx)
}

// start runs a server on a goroutine, and returns a function that ends it.
func start(ctx context.Context, s *server, peer place) (end func(), err error) {
	if err := s.peer.Connect(peer.state); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.Fatal(err)
		}
	}()
	return func() { cancel(); <-ended }, nil
}
