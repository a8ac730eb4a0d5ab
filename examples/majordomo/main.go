// Majordomo is a broker that knows services by name. Workers register for one,
// clients ask for one, and neither knows the other; workers that die are found out
// by heartbeats, and a broker that is replaced is found again. The protocol is 7/MDP
// of the ZeroMQ RFCs, so that clients and workers in other languages may take part;
// package mdp in the folder beside is all of it.
//
// Use it as the middle of a system of small services. Requests may be done twice
// when somebody dies at the wrong moment, and are lost when their client does; for
// requests that outlive everybody see titanic.
//
// Look at how little the broker keeps, at the client that asks the broker itself
// whether there is a service (8/MMI), and at what it gains to have many requests on
// the way instead of one.
//
//	go run ./examples/majordomo                 # the story
//	go run ./examples/majordomo -role broker    # the roles in terminals of their own
//	go run ./examples/majordomo -role worker
//	go run ./examples/majordomo -role client
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

	"zeromux/examples/majordomo/mdp"
	"zeromux/zmq"
)

const requests = 1000

func main() {
	role := flag.String("role", "", "be the broker, a worker or a client alone")
	at := flag.String("at", "tcp://127.0.0.1:5555", "the endpoint of the broker")
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
	case "broker":
		var broker *mdp.Broker
		var bound string
		if broker, bound, err = mdp.NewBroker(*at, *beat); err == nil {
			fmt.Println("broker at", bound)
			err = broker.Run(ctx)
		}
	case "worker":
		err = echo(*at, *beat).Run(ctx)
	case "client":
		err = client(ctx, &mdp.Client{Broker: *at, Patience: 10 * *beat, Attempts: 10})
	case "":
		err = story(ctx, *beat)
	default:
		log.Fatalf("-role is broker, worker or client, not %q", *role)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// echo is a worker that sends back what it gets.
func echo(broker string, beat time.Duration) *mdp.Worker {
	return &mdp.Worker{
		Broker:  broker,
		Service: "echo",
		Do:      func(_ context.Context, body [][]byte) [][]byte { return body },
		Beat:    beat,
		Lost:    func(why error) { fmt.Printf("worker: %v, beginning anew\n", why) },
	}
}

// story asks in every way there is, and then replaces the broker.
func story(ctx context.Context, beat time.Duration) error {
	broker, endpoint, err := mdp.NewBroker("tcp://127.0.0.1:*", beat)
	if err != nil {
		return err
	}
	endBroker := start(ctx, broker.Run)
	endWorkers := start(ctx, echo(endpoint, beat).Run, echo(endpoint, beat).Run)

	c := &mdp.Client{Broker: endpoint, Patience: 10 * beat, Attempts: 10}
	defer c.Close()
	if err := client(ctx, c); err != nil {
		return err
	}
	if err := asyncClient(ctx, endpoint); err != nil {
		return err
	}

	fmt.Println("the broker crashes, and another takes its place")
	endBroker()
	if broker, _, err = mdp.NewBroker(endpoint, beat); err != nil {
		return err
	}
	endBroker = start(ctx, broker.Run)
	if err := client(ctx, c); err != nil {
		return err
	}
	endWorkers()
	endBroker()
	return zmq.Term(ctx)
}

// start runs roles on goroutines, and returns a function that ends them.
func start(ctx context.Context, roles ...func(context.Context) error) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{}, len(roles))
	for _, role := range roles {
		go func() {
			if err := role(ctx); err != nil && !errors.Is(err, context.Canceled) {
				log.Fatal(err)
			}
			ended <- struct{}{}
		}()
	}
	return func() {
		cancel()
		for range roles {
			<-ended
		}
	}
}

// client asks for echoes, one after the other, and then what services there are.
func client(ctx context.Context, c *mdp.Client) error {
	before := time.Now()
	for i := range requests {
		body := fmt.Append(nil, i)
		reply, err := c.Ask(ctx, "echo", body)
		if err != nil {
			return err
		}
		if string(reply[0]) != string(body) {
			return fmt.Errorf("the echo of %s is %s", body, reply[0])
		}
	}
	fmt.Printf("client: %d echoes, one at a time, in %v\n", requests, time.Since(before).Round(time.Millisecond))
	for _, service := range []string{"echo", "coffee"} {
		exists, err := c.Exists(ctx, service)
		if err != nil {
			return err
		}
		fmt.Printf("client: is there %s? %v\n", service, exists)
	}
	return nil
}

// asyncClient sends all its requests, and then waits for the replies.
func asyncClient(ctx context.Context, broker string) error {
	c, err := mdp.NewAsyncClient(broker)
	if err != nil {
		return err
	}
	defer c.Close()
	before := time.Now()
	for i := range requests {
		if err := c.Send(ctx, "echo", fmt.Append(nil, i)); err != nil {
			return err
		}
	}
	for range requests {
		if _, _, err := c.Recv(ctx); err != nil {
			return err
		}
	}
	fmt.Printf("client: %d echoes, all on the way at once, in %v\n", requests, time.Since(before).Round(time.Millisecond))
	return nil
}
