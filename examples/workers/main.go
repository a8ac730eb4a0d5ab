// Workers is the pipeline: a ventilator deals tasks out to workers, and a sink
// collects what they found. Add workers and it goes faster; nobody else needs
// to know. The task here: how many primes are there in a range of numbers?
//
//	go run ./examples/workers                  # everything in one program
//	go run ./examples/workers -role worker     # in as many terminals as you like
//	go run ./examples/workers -role sink       # in another
//	go run ./examples/workers -role ventilator # in the last: it begins when a worker is there
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"

	"zeromux/zmq"
)

// The numbers below limit are searched in tasks of step numbers.
const limit, step = 1_000_000, 10_000

func main() {
	role := flag.String("role", "", "be the ventilator, a worker or the sink alone")
	tasks := flag.String("tasks", "tcp://127.0.0.1:5557", "where the ventilator is")
	results := flag.String("results", "tcp://127.0.0.1:5558", "where the sink is")
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
	case "ventilator":
		err = ventilator(ctx, *tasks, 1)
	case "worker":
		err = worker(ctx, fmt.Sprint("worker ", os.Getpid()), *tasks, *results)
	case "sink":
		err = sink(ctx, *results)
	case "":
		err = all(ctx, 3)
	default:
		log.Fatalf("-role is ventilator, worker or sink, not %q", *role)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// all runs everybody until the sink has every result. The names are inproc:
// one word changes the transport.
func all(ctx context.Context, workers int) error {
	const tasks, results = "inproc://tasks", "inproc://results"
	for i := range workers {
		start(func() error { return worker(ctx, fmt.Sprint("worker ", i+1), tasks, results) })
	}
	start(func() error { return ventilator(ctx, tasks, workers) })
	if err := sink(ctx, results); err != nil {
		return err
	}
	return zmq.Term(ctx) // ends the workers
}

// start runs a role on a goroutine until it fails or the sockets are no more.
func start(role func() error) {
	go func() {
		err := role()
		if over := errors.Is(err, zmq.ErrTerminated) || errors.Is(err, zmq.ErrClosed) || errors.Is(err, context.Canceled); err != nil && !over {
			log.Fatal(err)
		}
	}()
}

// ventilator deals the tasks out once enough workers are there: the first one
// would get them all otherwise.
func ventilator(ctx context.Context, endpoint string, workers int) error {
	push, err := zmq.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return err
	}
	if _, err := push.Bind(endpoint); err != nil {
		return err
	}
	if err := push.WaitPeers(ctx, workers); err != nil {
		return err
	}
	for from := 0; from < limit; from += step {
		if err := push.SendString(ctx, fmt.Sprint(from)); err != nil {
			return err
		}
	}
	return push.CloseContext(ctx) // when the tasks are out
}

// worker works until ctx ends.
func worker(ctx context.Context, name, tasks, results string) error {
	pull, err := zmq.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	push, err := zmq.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return err
	}
	if err := push.Connect(results); err != nil {
		return err
	}
	if err := pull.Connect(tasks); err != nil {
		return err
	}
	for m, err := range pull.Messages(ctx) {
		if err != nil {
			return err
		}
		var from int
		if _, err := fmt.Sscan(m.String(), &from); err != nil {
			return fmt.Errorf("task %q: %w", m, err)
		}
		if err := push.SendString(ctx, name, fmt.Sprint(primes(from, from+step))); err != nil {
			return err
		}
	}
	return nil
}

// sink collects a result for every task.
func sink(ctx context.Context, endpoint string) error {
	pull, err := zmq.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	if _, err := pull.Bind(endpoint); err != nil {
		return err
	}
	total, did := 0, make(map[string]int)
	for range limit / step {
		m, err := pull.Recv(ctx)
		if err != nil {
			return err
		}
		var found int
		if _, err := fmt.Sscan(string(m.Bytes()), &found); err != nil {
			return fmt.Errorf("result %q: %w", m, err)
		}
		total += found
		did[string(m.Frames[0])]++
	}
	for _, name := range slices.Sorted(maps.Keys(did)) {
		fmt.Println(name, "did", did[name], "tasks")
	}
	fmt.Println(total, "primes below", limit)
	return nil
}

// primes counts the primes from and above from, below to.
func primes(from, to int) int {
	count := 0
next:
	for n := max(from, 2); n < to; n++ {
		for d := 2; d*d <= n; d++ {
			if n%d == 0 {
				continue next
			}
		}
		count++
	}
	return count
}
