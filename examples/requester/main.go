// Requester is request and reply for a program of many goroutines: all of them ask at
// once over one socket, and each gets the answer to its own question; the server is a
// function that several workers call at the same time. Neither has a loop to write.
//
// Use it wherever you would call a remote function. It speaks with plain REP servers
// and REQ clients in any language.
//
// Look at the crash: one of two servers goes away with requests in its hands, and these
// are asked again of the other. So a request may be done twice, as in all lessons on
// reliability.
//
//	go run ./examples/requester
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"zeromux/zmq"
)

const (
	askers    = 20
	questions = 10 // of each
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
	var answered atomic.Int64
	crash := make(chan struct{}) // closed when a quarter of the questions is answered
	answer := func(_ context.Context, question zmq.Message) (reply zmq.Message) {
		<-time.After(time.Millisecond) // the work
		if answered.Add(1) == askers*questions/4 {
			close(crash)
		}
		return zmq.NewStringMessage("answer to " + question.String())
	}
	// NoLinger: what was on its way to the server that crashes, and has been asked of the
	// other since, is not waited for in the end.
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	var servers []*zmq.Socket
	for range 2 {
		server, err := zmq.NewSocket(zmq.ROUTER, nil)
		if err != nil {
			return err
		}
		endpoint, err := server.Bind("tcp://127.0.0.1:*")
		if err != nil {
			return err
		}
		if err := dealer.Connect(endpoint); err != nil {
			return err
		}
		start(func() error { return server.Handle(ctx, 5, answer) })
		servers = append(servers, server)
	}
	if err := dealer.WaitPeers(ctx, len(servers)); err != nil {
		return err
	}
	go func() {
		<-crash
		fmt.Println("a server crashes")
		servers[0].Close()
	}()

	requester, err := zmq.NewRequester(dealer, zmq.Retry{Attempts: 10, Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer requester.Close()
	var all sync.WaitGroup
	failed := make(chan error, askers)
	for i := range askers {
		all.Go(func() {
			for j := range questions {
				if err := ask(ctx, requester, fmt.Sprintf("question %d of %d", j+1, i+1)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	if err := <-failed; err != nil {
		return err
	}
	fmt.Println("all", askers*questions, "questions have their own answers")
	return zmq.Term(ctx) // ends the server that is left
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

// ask asks one question.
func ask(ctx context.Context, r *zmq.Requester, question string) error {
	answer, err := r.Do(ctx, zmq.NewStringMessage(question))
	if err != nil {
		return err
	}
	if answer.String() != "answer to "+question {
		return fmt.Errorf("%s has got the %s", question, answer)
	}
	return nil
}
