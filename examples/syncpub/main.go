// Syncpub is a publisher that begins when its subscribers are there. A publisher
// sends only to who has subscribed, and knows nobody else: what it says before a
// subscription has arrived is lost for that subscriber, and connecting takes time.
// Here each subscriber says over a second pair of sockets that it is ready, and
// only then is anything published that counts.
//
// Look at how a subscriber knows that it is ready: it has heard something. To have
// called Subscribe and Connect proves nothing, and to wait a second is a guess.
//
// Use it where a group starts together and its size is known. A publisher of this
// library can do with WaitSubscribers alone; this works with any, and is good for more
// than being there: each may say what it wants to say first. Where subscribers
// come and go, see lastvalue and clone.
//
//	go run ./examples/syncpub
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
	subscribers = 5
	updates     = 10_000
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
	// Nobody is to miss an update because he is slow: there is no mark beyond
	// which they are dropped.
	pub, err := zmq.NewSocket(zmq.PUB, &zmq.Config{HighWater: zmq.HighWater{Send: zmq.Unlimited}})
	if err != nil {
		return err
	}
	news, err := pub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	rep, err := zmq.NewSocket(zmq.REP, nil)
	if err != nil {
		return err
	}
	presence, err := rep.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	heard := make(chan error, subscribers)
	for i := range subscribers {
		go func() { heard <- subscriber(ctx, fmt.Sprint("subscriber ", i+1), news, presence) }()
	}
	if err := publish(ctx, pub, rep); err != nil {
		return err
	}
	for range subscribers {
		if err := <-heard; err != nil {
			return err
		}
	}
	return zmq.Term(ctx)
}

// publish says hello until all subscribers have heard it, and then the updates.
func publish(ctx context.Context, pub, rep *zmq.Socket) error {
	all := make(chan error, 1)
	go func() { all <- welcome(ctx, rep) }()
	hello := time.NewTicker(5 * time.Millisecond)
	defer hello.Stop()
	for here := false; !here; {
		select {
		case err := <-all:
			if err != nil {
				return err
			}
			here = true
		case <-hello.C:
			if err := pub.SendString(ctx, "hello"); err != nil {
				return err
			}
		}
	}
	fmt.Println("publisher: all", subscribers, "are here")
	for i := range updates {
		if err := pub.SendString(ctx, "update", fmt.Sprint(i)); err != nil {
			return err
		}
	}
	return pub.SendString(ctx, "end")
}

// welcome answers each subscriber that presents itself, until all have.
func welcome(ctx context.Context, rep *zmq.Socket) error {
	for range subscribers {
		if _, err := rep.Recv(ctx); err != nil {
			return err
		}
		if err := rep.SendString(ctx, "welcome"); err != nil {
			return err
		}
	}
	return nil
}

// subscriber hears one thing, says so, and then wants to hear everything.
func subscriber(ctx context.Context, name, news, presence string) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	if err := sub.Subscribe(""); err != nil {
		return err
	}
	if err := sub.Connect(news); err != nil {
		return err
	}
	if _, err := sub.Recv(ctx); err != nil { // hello: the subscription is at work
		return err
	}
	if err := present(ctx, presence); err != nil {
		return err
	}
	for next := 0; ; {
		m, err := sub.Recv(ctx)
		if err != nil {
			return err
		}
		switch string(m.Frames[0]) {
		case "update":
			if got := string(m.Bytes()); got != fmt.Sprint(next) {
				return fmt.Errorf("%s received %s and not %d", name, got, next)
			}
			next++
		case "end":
			if next != updates {
				return errors.New(name + " missed the last updates")
			}
			fmt.Printf("%s: received all %d updates\n", name, next)
			return nil
		}
	}
}

// present tells the publisher of a subscriber.
func present(ctx context.Context, endpoint string) error {
	req, err := zmq.NewSocket(zmq.REQ, nil)
	if err != nil {
		return err
	}
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		return err
	}
	if err := req.SendString(ctx, "ready"); err != nil {
		return err
	}
	_, err = req.Recv(ctx)
	return err
}
