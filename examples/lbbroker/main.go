// Lbbroker is a broker that gives work to whoever is free. A worker says READY,
// and each reply says it again; the broker keeps the free workers in a queue, and
// the one that has been free for longest gets the next request. The lesson broker
// deals requests out in turn, and a slow worker holds up its share; here it just
// gets fewer.
//
// Look at what replaces the poll loop of other languages: one goroutine takes what
// workers send, another takes requests, and a channel holds the names of the free
// workers. While that is empty, requests wait in the sockets of the clients.
//
// A client that asks again when no reply comes, as in the lesson lazypirate, makes
// this the Simple Pirate: it survives the death of a worker, but the broker does
// not learn of it. See paranoidpirate for that.
//
//	go run ./examples/lbbroker
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"zeromux/zmq"
)

const (
	clients  = 4
	requests = 10 // of each client
	ready    = "READY"
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
	front, clientEnd, err := bound(zmq.ROUTER)
	if err != nil {
		return err
	}
	back, workerEnd, err := bound(zmq.ROUTER)
	if err != nil {
		return err
	}
	free := make(chan []byte, 100) // routing ids of workers that wait for work
	start(func() error { return replies(ctx, back, front, free) })
	start(func() error { return assign(ctx, front, back, free) })

	quick, slow := &worker{}, &worker{takes: 50 * time.Millisecond}
	start(func() error { return quick.work(ctx, workerEnd) })
	start(func() error { return slow.work(ctx, workerEnd) })
	if err := back.WaitPeers(ctx, 2); err != nil {
		return err
	}

	answered := make(chan error, clients)
	for range clients {
		go func() { answered <- client(ctx, clientEnd) }()
	}
	for range clients {
		if err := <-answered; err != nil {
			return err
		}
	}
	fmt.Println("quick worker:", quick.done.Load(), "requests")
	fmt.Println("slow worker:", slow.done.Load(), "requests")
	return zmq.Term(ctx) // ends the broker and the workers
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

// bound makes a socket that others may connect to.
func bound(t zmq.SocketType) (s *zmq.Socket, endpoint string, err error) {
	if s, err = zmq.NewSocket(t, nil); err != nil {
		return nil, "", err
	}
	endpoint, err = s.Bind("tcp://127.0.0.1:*")
	return s, endpoint, err
}

// replies takes what workers send: their name, an empty frame, and either READY
// or a reply with the envelope of its client. Both say that the worker is free.
func replies(ctx context.Context, back, front *zmq.Socket, free chan<- []byte) error {
	for m, err := range back.Messages(ctx) {
		if err != nil {
			return err
		}
		if len(m.Frames) < 3 {
			continue // no worker of ours
		}
		name, reply := m.Frames[0], m.Frames[2:]
		if len(reply) > 1 { // the client, an empty frame, the body
			if err := front.SendFrames(ctx, reply...); err != nil {
				return err
			}
		}
		free <- name
	}
	close(free)
	return nil
}

// assign gives each request to the worker that has been free for longest. It
// looks for the worker first: what cannot be done yet is not taken yet.
func assign(ctx context.Context, front, back *zmq.Socket, free <-chan []byte) error {
	for name := range free {
		request, err := front.Recv(ctx)
		if err != nil {
			return err
		}
		envelope := [][]byte{name, nil}
		if err := back.SendFrames(ctx, append(envelope, request.Frames...)...); err != nil {
			return err
		}
	}
	return nil
}

// A worker needs takes for a request.
type worker struct {
	takes time.Duration
	done  atomic.Int64
}

// work is a REQ that asks for work, and gives each answer as its next question.
func (w *worker) work(ctx context.Context, endpoint string) error {
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
		<-time.After(w.takes) // the work
		w.done.Add(1)
		m.Frames[len(m.Frames)-1] = []byte("done: " + string(m.Bytes()))
		if err := req.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func client(ctx context.Context, endpoint string) error {
	req, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return err
	}
	if err := req.Connect(endpoint); err != nil {
		return err
	}
	for i := range requests {
		request := fmt.Sprint("request ", i+1)
		if err := req.SendString(ctx, request); err != nil {
			return err
		}
		reply, err := req.Recv(ctx)
		if err != nil {
			return err
		}
		if reply.String() != "done: "+request {
			return fmt.Errorf("%s is answered by %q", request, reply)
		}
	}
	return nil
}
