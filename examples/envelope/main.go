// Envelope is publish and subscribe with messages of several frames: the first is the
// topic, by which the publisher filters, and the others travel with it untouched. Data
// need not be text then, and what a subscription matches is in plain sight.
//
// Look at who gets what: a subscription is the beginning of the first frame and nothing
// else. So "B" brings the topic Bear too; who wants B alone looks at the frame, or ends
// topics with a sign that none contains.
//
//	go run ./examples/envelope
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"zeromux/zmq"
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
	pub, err := zmq.NewSocket(zmq.PUB, nil)
	if err != nil {
		return err
	}
	endpoint, err := pub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	heard := make(chan error, 1)
	go func() { heard <- subscriber(ctx, endpoint) }()
	for _, topic := range []string{"B", "end"} { // what is sent before is lost
		if err := pub.WaitSubscribers(ctx, topic, 1); err != nil {
			return err
		}
	}
	for _, frames := range [][]string{
		{"A", "nobody wants this"},
		{"B", "we would like to see this"},
		{"A", "B is in the body, which does not count"},
		{"Bear", "begins with B too"},
		{"", "nor does an empty topic"},
		{"end", "from now on there is silence", "and a third frame"},
	} {
		if err := pub.SendString(ctx, frames...); err != nil {
			return err
		}
	}
	if err := <-heard; err != nil {
		return err
	}
	return zmq.Term(ctx)
}

// subscriber hears of B and of the end.
func subscriber(ctx context.Context, endpoint string) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	for _, topic := range []string{"B", "end"} {
		if err := sub.Subscribe(topic); err != nil {
			return err
		}
	}
	if err := sub.Connect(endpoint); err != nil {
		return err
	}
	for {
		m, err := sub.Recv(ctx)
		if err != nil {
			return err
		}
		topic := string(m.Frames[0])
		fmt.Printf("[%s] %q\n", topic, m.Frames[1:])
		if topic == "end" {
			return nil
		}
	}
}
