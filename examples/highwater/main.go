// Highwater shows what happens when messages come faster than they go. Each pipe to a
// peer holds so many messages and no more, 1000 if nothing else is said. What a socket
// does when a pipe is full is a matter of its type: PUSH waits, or says so; PUB drops
// the message for that peer and counts it; ROUTER drops it too, or waits if it is told.
//
// Look at the numbers: how many messages a socket takes before it is full is more than
// the mark says, because the peer has a mark of its own, and the network takes some.
// Here, within a process, the two marks just add up.
//
//	go run ./examples/highwater
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

// mark is the high-water mark of every socket here, in both directions.
const mark = 10

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
	if err := push(ctx); err != nil {
		return err
	}
	if err := publish(ctx); err != nil {
		return err
	}
	return zmq.Term(ctx)
}

// pair makes two sockets that are connected. NoLinger, since in the end there is much
// that nobody will receive.
func pair(bound, connected zmq.SocketType, endpoint string) (a, b *zmq.Socket, err error) {
	config := &zmq.Config{HighWater: zmq.HighWater{Send: mark, Recv: mark}, Linger: zmq.NoLinger}
	if a, err = zmq.NewSocket(bound, config); err != nil {
		return nil, nil, err
	}
	if _, err = a.Bind(endpoint); err != nil {
		return nil, nil, err
	}
	if b, err = zmq.NewSocket(connected, config); err != nil {
		return nil, nil, err
	}
	return a, b, b.Connect(endpoint)
}

// push fills a PUSH in three ways, and then makes room.
func push(ctx context.Context) error {
	push, pull, err := pair(zmq.PUSH, zmq.PULL, "inproc://push")
	if err != nil {
		return err
	}
	taken := 0
	for push.TrySend(zmq.NewStringMessage("task")) == nil {
		taken++
	}
	fmt.Println("PUSH: takes", taken, "messages that nobody receives")

	err = push.TrySend(zmq.NewStringMessage("one more"))
	fmt.Println("PUSH: TrySend would block:", errors.Is(err, zmq.ErrWouldBlock))

	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	err = push.SendString(short, "one more")
	fmt.Println("PUSH: Send waits as long as it may:", errors.Is(err, context.DeadlineExceeded))

	sent := make(chan error, 1)
	go func() { sent <- push.SendString(ctx, "one more") }()
	for range taken + 1 {
		if _, err := pull.Recv(ctx); err != nil {
			return err
		}
	}
	fmt.Println("PUSH: received all", taken+1)
	return <-sent
}

// publish fills a PUB, which does not mind.
func publish(ctx context.Context) error {
	pub, sub, err := pair(zmq.PUB, zmq.SUB, "inproc://publish")
	if err != nil {
		return err
	}
	if err := sub.Subscribe(""); err != nil {
		return err
	}
	if err := pub.WaitSubscribers(ctx, "news", 1); err != nil {
		return err
	}
	const news = 100
	for range news {
		if err := pub.SendString(ctx, "news"); err != nil {
			return err
		}
	}
	received := 0
	for ; ; received++ {
		if _, err := sub.TryRecv(); errors.Is(err, zmq.ErrWouldBlock) {
			break
		} else if err != nil {
			return err
		}
	}
	fmt.Printf("PUB: sent %d, received %d, dropped %d\n", news, received, pub.Stats().DroppedFull)
	return nil
}
