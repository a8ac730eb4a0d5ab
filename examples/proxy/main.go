// Proxy is publish and subscribe with a fixed place in the middle: publishers
// and subscribers connect to it and may come and go. Its XSUB receives what is
// published, its XPUB sends it on; subscriptions travel the other way, as
// messages, so that publishers still send only what somebody wants.
//
//	go run ./examples/proxy
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"

	"zeromux/zmq"
)

// enough is how many messages a subscriber waits for.
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
	xsub, front, err := bound(zmq.XSUB)
	if err != nil {
		return err
	}
	xpub, back, err := bound(zmq.XPUB)
	if err != nil {
		return err
	}
	proxy := zmq.Proxy{Frontend: xsub, Backend: xpub}
	start(func() error { return proxy.Run(ctx) })

	for _, city := range []string{"Berlin", "Bombay", "Boston"} {
		start(func() error { return publisher(ctx, city, front) })
	}
	heard := make(chan error, 2)
	go func() { heard <- subscriber(ctx, "Bo", back) }()
	go func() { heard <- subscriber(ctx, "Berlin", back) }()
	if err := errors.Join(<-heard, <-heard); err != nil {
		return err
	}
	st := proxy.Stats()
	fmt.Printf("proxy: %d subscriptions went up, %d frames of news came down\n", st.Backend.ReceivedFrames, st.Backend.SentFrames)
	return zmq.Term(ctx) // ends the proxy and the publishers
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

// publisher publishes numbered news from a city for ever.
func publisher(ctx context.Context, city, endpoint string) error {
	// Without NoLinger, Term would wait until the last news are out: for ever,
	// if the proxy is closed first.
	pub, err := zmq.NewSocket(zmq.PUB, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	if err := pub.Connect(endpoint); err != nil {
		return err
	}
	for i := 1; ; i++ {
		if err := pub.SendString(ctx, city, fmt.Sprint("news ", i)); err != nil {
			return err
		}
	}
}

// subscriber hears of every city that begins with topic.
func subscriber(ctx context.Context, topic, endpoint string) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	if err := sub.Subscribe(topic); err != nil {
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
		fmt.Printf("subscriber to %s: %s\n", topic, m)
	}
	return nil
}
