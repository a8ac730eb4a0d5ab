// Peering is a cloud of brokers. Each has clients and workers of its own, and lends free
// workers to the others when they have too much to do. A broker tells the others how
// many workers it has free; one that has none sends a request to the broker that has
// most. No broker is the master, and each works alone when the others are away.
//
// Use it between sites: local work stays local as long as it can. What another broker
// has taken is lost when that dies; clients that ask again, as in lazypirate, bear it.
//
// Look at the five sockets of a broker in broker.go, each with one task, and at the
// envelopes: a request that goes to another broker takes the name of its own along, and
// the reply comes back by it.
//
//	go run ./examples/peering
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"time"

	"zeromux/zmq"
)

const (
	clients  = 6
	requests = 10 // of each client
	takes    = 5 * time.Millisecond
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

// run has three brokers: all the clients are in Berlin, and most of the workers are not.
func run(ctx context.Context) error {
	var brokers []*broker
	for _, name := range []string{"Berlin", "Paris", "Rome"} {
		b, err := newBroker(name)
		if err != nil {
			return err
		}
		brokers = append(brokers, b)
	}
	for _, b := range brokers {
		for _, peer := range brokers {
			if peer == b {
				continue
			}
			if err := b.join(peer.name, peer.at); err != nil {
				return err
			}
		}
		start(func() error { return b.run(ctx) })
	}
	for i, workers := range []int{1, 3, 2} {
		b := brokers[i]
		for range workers {
			start(func() error { return worker(ctx, b.name, b.at.workers) })
		}
		if err := b.workers.WaitPeers(ctx, workers); err != nil {
			return err
		}
	}

	did := make(chan map[string]int, clients)
	failed := make(chan error, clients)
	for range clients {
		go func() {
			where, err := client(ctx, brokers[0].at.clients)
			did <- where
			failed <- err
		}()
	}
	total := make(map[string]int)
	for range clients {
		for name, n := range <-did {
			total[name] += n
		}
		if err := <-failed; err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(total)) {
		fmt.Println(name, "did", total[name], "requests of Berlin")
	}
	return zmq.Term(ctx) // ends the brokers and the workers
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

// worker says that it is ready, and answers each request with where it was done.
func worker(ctx context.Context, where, endpoint string) error {
	req, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return err
	}
	if err := req.Connect(endpoint); err != nil {
		return err
	}
	if err := req.SendString(ctx, ready); err != nil {
		return err
	}
	for m, err := range req.Messages(ctx) {
		if err != nil {
			return err
		}
		<-time.After(takes) // the work
		m.Frames[len(m.Frames)-1] = []byte(where)
		if err := req.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// client counts where its requests were done.
func client(ctx context.Context, endpoint string) (where map[string]int, err error) {
	req, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return nil, err
	}
	if err := req.Connect(endpoint); err != nil {
		return nil, err
	}
	where = make(map[string]int)
	for i := range requests {
		if err := req.SendString(ctx, fmt.Sprint("request ", i+1)); err != nil {
			return where, err
		}
		reply, err := req.Recv(ctx)
		if err != nil {
			return where, err
		}
		where[reply.String()]++
	}
	return where, nil
}
