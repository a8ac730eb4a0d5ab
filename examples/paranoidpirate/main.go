// Paranoidpirate is request-reply in which everything may die: a queue between
// clients and workers, with heartbeats in both directions. The queue forgets a
// worker that has been silent for three beats, and a worker that hears nothing from
// the queue connects anew; a client that gets no reply asks again. The protocol is
// 6/PPP of the ZeroMQ RFCs. Here a worker hangs, its connection open as ever, and
// then the queue is replaced; the client gets its seven replies.
//
// Use it where the work is safe to do twice: a request whose worker died is done
// again by another. Where there are several services, see majordomo.
//
// Look at the selects: a socket that was made a channel, a ticker that beats and a
// timer of silence, side by side. And at the requests that the queue does not even
// take while no worker is free.
//
//	go run ./examples/paranoidpirate                  # the story
//	go run ./examples/paranoidpirate -role queue      # the roles in terminals of their own
//	go run ./examples/paranoidpirate -role worker
//	go run ./examples/paranoidpirate -role client
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

// liveness is how many beats a peer may miss before it counts as dead.
const liveness = 3

func main() {
	role := flag.String("role", "", "be the queue, a worker or a client alone")
	front := flag.String("front", "tcp://127.0.0.1:5555", "where the queue meets clients")
	back := flag.String("back", "tcp://127.0.0.1:5556", "where the queue meets workers")
	beat := flag.Duration("beat", 50*time.Millisecond, "the time between heartbeats")
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
	case "queue":
		q := &queue{front: *front, back: *back, beat: *beat}
		if err = q.open(); err == nil {
			fmt.Println("queue for workers at", q.back, "and for clients at", q.front)
			err = q.run(ctx)
		}
	case "worker":
		err = (&worker{name: fmt.Sprint("worker ", os.Getpid()), queue: *back, beat: *beat}).run(ctx)
	case "client":
		c := &client{queue: *front, patience: 10 * *beat}
		err = c.ask(ctx, 1, 7)
	case "":
		err = story(ctx, *beat)
	default:
		log.Fatalf("-role is queue, worker or client, not %q", *role)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// story lets a worker hang and the queue crash.
func story(ctx context.Context, beat time.Duration) error {
	q := &queue{front: "tcp://127.0.0.1:*", back: "tcp://127.0.0.1:*", beat: beat, lost: make(chan struct{}, 1)}
	if err := q.open(); err != nil {
		return err
	}
	endQueue := start(ctx, q.run)
	endAda := start(ctx, (&worker{name: "Ada", queue: q.back, beat: beat, hangs: true}).run)
	endBob := start(ctx, (&worker{name: "Bob", queue: q.back, beat: beat}).run)

	if err := q.workers.WaitPeers(ctx, 2); err != nil {
		return err
	}
	c := &client{queue: q.front, patience: 10 * beat}
	if err := c.ask(ctx, 1, 3); err != nil {
		return err
	}

	fmt.Println("Ada hangs")
	endAda()
	<-q.lost
	if err := c.ask(ctx, 4, 5); err != nil {
		return err
	}

	fmt.Println("the queue crashes, and another takes its place")
	endQueue()
	q = &queue{front: q.front, back: q.back, beat: beat}
	if err := q.open(); err != nil {
		return err
	}
	endQueue = start(ctx, q.run)
	if err := c.ask(ctx, 6, 7); err != nil {
		return err
	}
	endBob()
	endQueue()
	return zmq.Term(ctx)
}

// start runs a role on a goroutine, and returns a function that ends it.
func start(ctx context.Context, role func(context.Context) error) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := role(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.Fatal(err)
		}
	}()
	return func() { cancel(); <-ended }
}

// receive makes a channel of a socket, for use in a select. It is closed when ctx
// ends, or the socket is no more.
func receive(ctx context.Context, s *zmq.Socket) <-chan zmq.Message {
	messages := make(chan zmq.Message)
	go func() {
		defer close(messages)
		for m, err := range s.Messages(ctx) {
			if err != nil {
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	return messages
}
