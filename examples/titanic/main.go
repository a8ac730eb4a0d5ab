// Titanic keeps requests and replies on disk, so that client and service need not be
// there at the same time, and nothing is lost when either, the broker or Titanic itself
// goes down. It is no part of the broker but stands beside it: to clients it is three
// services of Majordomo, to services it is a client. The protocol is 9/TSP of the
// ZeroMQ RFCs, over 7/MDP.
//
//	titanic.request  SERVICE BODY...  keeps a request: 200 and its id
//	titanic.reply    ID               200 and the reply, 300 not yet, 400 never heard of it
//	titanic.close    ID               forgets it: 200
//
// Use it for what must be done some day, and where a client prefers to ask again later
// over waiting. It may be done twice: when somebody dies between the work and its
// record.
//
// Look at store.go: a request is safe when its file has its name, and the folder is the
// queue. And at the story, where Titanic sinks between request and reply.
//
//	go run ./examples/titanic                 # in a folder that is removed in the end
//	go run ./examples/titanic -folder kept
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"zeromux/examples/majordomo/mdp"
	"zeromux/zmq"
)

// beat leaves room for a disk that is slow to say that a request is safe.
const beat = 250 * time.Millisecond

func main() {
	folder := flag.String("folder", "", "where requests are kept")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if err := run(context.Background(), *folder); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, folder string) error {
	if folder == "" {
		temporary, err := os.MkdirTemp("", "titanic")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		folder = temporary
	}
	broker, endpoint, err := mdp.NewBroker("tcp://127.0.0.1:*", beat)
	if err != nil {
		return err
	}
	endBroker := start(ctx, broker.Run)
	sink := start(ctx, newTitanic(folder, endpoint).roles()...)

	c := &client{mdp.Client{Broker: endpoint, Patience: 10 * beat, Attempts: 10}}
	defer c.Close()
	ids, err := c.askForEchoes(ctx, 3)
	if err != nil {
		return err
	}

	fmt.Println("titanic sinks, and another is built")
	sink()
	sink = start(ctx, newTitanic(folder, endpoint).roles()...)

	fmt.Println("a worker offers echoes")
	worker := &mdp.Worker{
		Broker: endpoint, Service: "echo", Beat: beat,
		Do: func(_ context.Context, body [][]byte) [][]byte { return body },
	}
	endWorker := start(ctx, worker.Run)
	if err := c.collect(ctx, ids); err != nil {
		return err
	}
	endWorker()
	sink()
	endBroker()
	left, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	fmt.Println("left on disk:", len(left), "files") // of the two that were not closed: request and reply are one file
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
