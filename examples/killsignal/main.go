// Killsignal ends the workers of a pipeline when the work is done. The workers do not
// know which task is the last, since tasks are dealt out to all of them; so the sink,
// which knows, publishes a word to all of them on a second pair of sockets.
//
// Look at how a worker waits for two sockets: a goroutine for each, and the one that
// hears the signal ends the context of the other. Where a socket belongs to a thread,
// this takes a poll loop; see the lesson poller. And at the beginning: the sink lets nobody start before all
// workers have subscribed, or one might miss the end and stay for ever.
//
//	go run ./examples/killsignal
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

const (
	workers = 3
	tasks   = 100

	taskEnd, resultEnd, controlEnd = "inproc://tasks", "inproc://results", "inproc://control"
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
	ended := make(chan error, workers)
	for i := range workers {
		go func() { ended <- worker(ctx, fmt.Sprint("worker ", i+1)) }()
	}
	if err := sink(ctx); err != nil {
		return err
	}
	for range workers {
		if err := <-ended; err != nil {
			return err
		}
	}
	return zmq.Term(ctx)
}

// sink collects the results, and then tells the workers to stop.
func sink(ctx context.Context) error {
	control, err := zmq.NewSocket(zmq.PUB, nil)
	if err != nil {
		return err
	}
	if _, err := control.Bind(controlEnd); err != nil {
		return err
	}
	results, err := zmq.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	if _, err := results.Bind(resultEnd); err != nil {
		return err
	}
	if err := control.WaitSubscribers(ctx, "stop", workers); err != nil {
		return err
	}
	dealt := make(chan error, 1)
	go func() { dealt <- ventilator(ctx) }()
	for range tasks {
		if _, err := results.Recv(ctx); err != nil {
			return err
		}
	}
	fmt.Println("sink: has all", tasks, "results")
	return errors.Join(<-dealt, control.SendString(ctx, "stop"))
}

// ventilator deals the tasks out.
func ventilator(ctx context.Context) error {
	push, err := zmq.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return err
	}
	if _, err := push.Bind(taskEnd); err != nil {
		return err
	}
	if err := push.WaitPeers(ctx, workers); err != nil {
		return err
	}
	for i := range tasks {
		if err := push.SendString(ctx, fmt.Sprint("task ", i+1)); err != nil {
			return err
		}
	}
	return nil
}

// worker works until it is told to stop.
func worker(ctx context.Context, name string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	control, err := connected(zmq.SUB, controlEnd)
	if err != nil {
		return err
	}
	if err := control.Subscribe(""); err != nil {
		return err
	}
	go func() {
		if m, err := control.Recv(ctx); err == nil {
			fmt.Printf("%s: is told to %s\n", name, m)
		}
		stop()
	}()

	pull, err := connected(zmq.PULL, taskEnd)
	if err != nil {
		return err
	}
	push, err := connected(zmq.PUSH, resultEnd)
	if err != nil {
		return err
	}
	done := 0
	for {
		task, err := pull.Recv(ctx)
		if errors.Is(err, context.Canceled) {
			fmt.Printf("%s: leaves after %d tasks\n", name, done)
			return nil
		}
		if err != nil {
			return err
		}
		if err := push.SendString(ctx, "result of "+task.String()); err != nil {
			return err
		}
		done++
	}
}

// connected makes a socket that is connected.
func connected(t zmq.SocketType, endpoint string) (*zmq.Socket, error) {
	s, err := zmq.NewSocket(t, nil)
	if err != nil {
		return nil, err
	}
	return s, s.Connect(endpoint)
}
