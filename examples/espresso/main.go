// Espresso taps a flow: a proxy between publishers and subscribers hands a copy of
// everything that passes to a listener, in both directions. It is how traffic is
// logged or looked at without touching either side.
//
// Look at the subscriptions: they pass the proxy as messages too, 1 and the topic
// when the first subscriber of a topic comes, 0 and the topic when the last has
// left. And at TrySend: a listener that is slow misses something, and never holds
// up the flow. zmq.Proxy has a tap too, Capture, and waits for its listener.
//
//	go run ./examples/espresso
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"zeromux/zmq"
)

// enough is how many messages the subscriber waits for.
const enough = 5

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
	xsub, front, err := bound(zmq.XSUB, "tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	xpub, back, err := bound(zmq.XPUB, "tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	tap, cup, err := bound(zmq.PAIR, "inproc://espresso")
	if err != nil {
		return err
	}
	start(func() error { return forward(ctx, xsub, xpub, tap) })
	start(func() error { return forward(ctx, xpub, xsub, tap) })
	start(func() error { return publisher(ctx, front) })

	listened := make(chan error, 1)
	go func() { listened <- listener(ctx, cup) }()
	if err := tap.WaitPeers(ctx, 1); err != nil { // from here on it hears everything
		return err
	}
	if err := subscriber(ctx, back); err != nil {
		return err
	}
	if err := <-listened; err != nil {
		return err
	}
	return zmq.Term(ctx) // ends the proxy and the publisher
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
func bound(t zmq.SocketType, wish string) (s *zmq.Socket, endpoint string, err error) {
	if s, err = zmq.NewSocket(t, nil); err != nil {
		return nil, "", err
	}
	endpoint, err = s.Bind(wish)
	return s, endpoint, err
}

// forward is one direction of the proxy, with a tap.
func forward(ctx context.Context, from, to, tap *zmq.Socket) error {
	for m, err := range from.Messages(ctx) {
		if err != nil {
			return err
		}
		_ = tap.TrySend(m) // nobody listens, or too slowly: never mind
		if err := to.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// listener prints what passes, until the last subscriber has left.
func listener(ctx context.Context, endpoint string) error {
	pair, err := zmq.NewSocket(zmq.PAIR, nil)
	if err != nil {
		return err
	}
	if err := pair.Connect(endpoint); err != nil {
		return err
	}
	for m, err := range pair.Messages(ctx) {
		if err != nil {
			return err
		}
		switch b := m.Bytes(); {
		case len(b) > 0 && b[0] == 1:
			fmt.Printf("tap: somebody subscribes to %s\n", b[1:])
		case len(b) > 0 && b[0] == 0:
			fmt.Printf("tap: nobody wants %s any more\n", b[1:])
			return nil
		default:
			fmt.Printf("tap: %s\n", m)
		}
	}
	return nil
}

// publisher publishes a letter and a number every millisecond.
func publisher(ctx context.Context, endpoint string) error {
	pub, err := zmq.NewSocket(zmq.PUB, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	if err := pub.Connect(endpoint); err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		news := fmt.Sprintf("%c-%05d", 'A'+rand.N[rune](4), rand.N(100_000))
		if err := pub.SendString(ctx, news); err != nil {
			return err
		}
	}
	return nil
}

// subscriber hears some messages that begin with B, and leaves.
func subscriber(ctx context.Context, endpoint string) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := sub.Subscribe("B"); err != nil {
		return err
	}
	if err := sub.Connect(endpoint); err != nil {
		return err
	}
	for range enough {
		m, err := sub.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Println("subscriber:", m)
	}
	return nil
}
