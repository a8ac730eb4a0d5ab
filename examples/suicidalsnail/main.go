// Suicidalsnail is a subscriber that gives up when it cannot keep up. A publisher does
// not wait for anybody: what a slow subscriber has not taken waits, then is dropped, and
// all the while he works on old news without knowing it. This one looks at the time in
// each message, and would rather stop, loudly, than be wrong.
//
// Use it where old data does harm, such as prices; whoever looks after the program then
// hears of it and can do something. Where the newest value is all that counts, set
// Conflate and be done.
//
// Look at where the time comes from: the publisher puts it in. Between machines their
// clocks must agree, or a counter that comes at known times takes its place.
//
//	go run ./examples/suicidalsnail
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
	pause  = time.Millisecond       // between messages
	tooOld = 250 * time.Millisecond // news that a subscriber may not work on
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
	pub, err := zmq.NewSocket(zmq.PUB, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	endpoint, err := pub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	start(func() error { return publisher(ctx, pub) })

	watching, done := context.WithCancel(ctx)
	defer done()
	hare := make(chan error, 1)
	go func() { hare <- subscriber(watching, "hare", endpoint, 0) }()
	err = subscriber(ctx, "snail", endpoint, 10*time.Millisecond)
	if !errors.Is(err, errTooSlow) {
		return err
	}
	fmt.Println("snail:", err)
	done()
	if err := <-hare; !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Println("hare: has kept up")
	return zmq.Term(ctx)
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

// publisher sends the time, again and again.
func publisher(ctx context.Context, pub *zmq.Socket) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for range tick.C {
		if err := pub.SendString(ctx, time.Now().Format(time.RFC3339Nano)); err != nil {
			return err
		}
	}
	return nil
}

var errTooSlow = errors.New("too slow, and rather dead than wrong")

// subscriber takes a while for each message, until it is too slow or ctx ends.
func subscriber(ctx context.Context, name, endpoint string, takes time.Duration) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := sub.Subscribe(""); err != nil {
		return err
	}
	if err := sub.Connect(endpoint); err != nil {
		return err
	}
	for {
		m, err := sub.Recv(ctx)
		if err != nil {
			return err
		}
		sent, err := time.Parse(time.RFC3339Nano, m.String())
		if err != nil {
			return err
		}
		if age := time.Since(sent); age > tooOld {
			fmt.Printf("%s: works on what was said %v ago\n", name, age.Round(time.Millisecond))
			return errTooSlow
		}
		<-time.After(takes) // the work
	}
}
