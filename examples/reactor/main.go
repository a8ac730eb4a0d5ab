// Reactor is the broker of the lesson lbbroker in one goroutine: handlers are called
// when a socket has something, and timers when they are due, one after the other. State
// belongs to all of them and needs no lock.
//
// Use it where many things act on the same state, and where you come from czmq's zloop
// or libuv. Where they do not, a goroutine for each is easier to follow.
//
// Look at the clients' socket: it has a handler only while a worker is free. And at the
// end: a handler returns ErrStop, and Run returns.
//
//	go run ./examples/reactor
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"zeromux/zmq"
)

const (
	clients  = 4
	requests = 10 // of each client
	workers  = 3
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

// A broker is what its handlers share.
type broker struct {
	front, back *zmq.Socket
	reactor     *zmq.Reactor
	free        [][]byte // names of the workers that wait for work
	done, beats int
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
	for range workers {
		start(func() error { return worker(ctx, workerEnd) })
	}
	answered := make(chan error, clients)
	for range clients {
		go func() { answered <- client(ctx, clientEnd) }()
	}

	b := &broker{front: front, back: back, reactor: zmq.NewReactor()}
	defer b.reactor.Close()
	if err := b.reactor.Handle(back, zmq.PollIn, b.fromWorker); err != nil {
		return err
	}
	if _, err := b.reactor.Every(time.Millisecond, b.beat); err != nil {
		return err
	}
	if err := b.reactor.Run(ctx); err != nil {
		return err
	}
	for range clients {
		if err := <-answered; err != nil {
			return err
		}
	}
	fmt.Println("broker:", b.done, "replies, and its timer has run:", b.beats > 0)
	return zmq.Term(ctx) // ends the workers
}

// fromWorker takes READY, or a reply.
func (b *broker) fromWorker(zmq.PollEvent) error {
	m, err := b.back.TryRecv()
	if err != nil {
		return err
	}
	if len(m.Frames) < 3 {
		return nil // no worker of ours
	}
	b.free = append(b.free, m.Frames[0])
	if len(b.free) == 1 { // the first
		if err := b.reactor.Handle(b.front, zmq.PollIn, b.fromClient); err != nil {
			return err
		}
	}
	if reply := m.Frames[2:]; len(reply) > 1 {
		b.done++
		return b.front.TrySend(zmq.NewMessage(reply...))
	}
	return nil
}

// fromClient gives a request to the worker that has been free for longest.
func (b *broker) fromClient(zmq.PollEvent) error {
	request, err := b.front.TryRecv()
	if err != nil {
		return err
	}
	envelope := [][]byte{b.free[0], nil}
	b.free = b.free[1:]
	if len(b.free) == 0 {
		if err := b.reactor.Remove(b.front); err != nil {
			return err
		}
	}
	return b.back.TrySend(zmq.NewMessage(append(envelope, request.Frames...)...))
}

// beat is called by a timer.
func (b *broker) beat(zmq.TimerID) error {
	b.beats++
	if b.done == clients*requests {
		return zmq.ErrStop
	}
	return nil
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

// worker is a REQ that asks for work, and gives each answer as its next question.
func worker(ctx context.Context, endpoint string) error {
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
