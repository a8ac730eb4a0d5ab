// Lastvalue is a cache between a publisher and its subscribers: whoever
// subscribes late gets the last value at once, and need not wait for the next.
// An XPUB tells of each subscription, and sends the answer to that subscriber
// alone.
//
//	go run ./examples/lastvalue
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"

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

// A cache knows the last message of each topic. Sending is under its lock, so
// that no news slips between a subscription and its answer.
type cache struct {
	sub  *zmq.Socket
	xpub *zmq.Socket
	full chan struct{} // closed when all stocks were heard of

	mu   sync.Mutex // guards last
	last map[string]zmq.Message
}

var stocks = []string{"ABC", "DEF", "GHI"}

func run(ctx context.Context) error {
	c := &cache{full: make(chan struct{}), last: make(map[string]zmq.Message)}
	front, back, err := c.open()
	if err != nil {
		return err
	}
	start(func() error { return c.news(ctx) })
	start(func() error { return c.subscriptions(ctx) })
	start(func() error { return publisher(ctx, front) })
	<-c.full // now everything has been said, and nobody was there
	if err := lateSubscriber(ctx, "DEF", back); err != nil {
		return err
	}
	return zmq.Term(ctx) // ends the cache
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

// open binds the cache to publishers and to subscribers.
func (c *cache) open() (front, back string, err error) {
	if c.sub, err = zmq.NewSocket(zmq.SUB, nil); err != nil {
		return "", "", err
	}
	if err = c.sub.Subscribe(""); err != nil {
		return "", "", err
	}
	if front, err = c.sub.Bind("tcp://127.0.0.1:*"); err != nil {
		return "", "", err
	}
	if c.xpub, err = zmq.NewSocket(zmq.XPUB, &zmq.Config{PubSub: zmq.PubSub{ManualLastValue: true}}); err != nil {
		return "", "", err
	}
	back, err = c.xpub.Bind("tcp://127.0.0.1:*")
	return front, back, err
}

// news keeps what is published, and hands it on.
func (c *cache) news(ctx context.Context) error {
	for m, err := range c.sub.Messages(ctx) {
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.last[string(m.Frames[0])] = m.Clone() // Recv's memory is a block that is shared
		if len(c.last) == len(stocks) && m.String() == final {
			fmt.Println("cache: knows", len(c.last), "stocks")
			close(c.full)
		}
		err = c.xpub.Send(ctx, m)
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// subscriptions answers each new one with the last value.
func (c *cache) subscriptions(ctx context.Context) error {
	for m, err := range c.xpub.Messages(ctx) {
		if err != nil {
			return err
		}
		topic, isNew := strings.CutPrefix(m.String(), "\x01")
		if !isNew {
			continue // somebody has left
		}
		if err := c.answer(ctx, topic); err != nil {
			return err
		}
	}
	return nil
}

func (c *cache) answer(ctx context.Context, topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.xpub.Subscribe(topic); err != nil {
		return err
	}
	last, known := c.last[topic]
	if !known {
		last = zmq.NewStringMessage(topic, "no price yet")
	}
	return c.xpub.Send(ctx, last) // the first message after Subscribe is for that subscriber alone
}

// final is the last thing that the publisher says.
const final = "GHI 103"

// publisher says a few prices, and then nothing more.
func publisher(ctx context.Context, endpoint string) error {
	// An XPUB, to know when the cache has subscribed: what is published before
	// is lost.
	xpub, err := zmq.NewSocket(zmq.XPUB, nil)
	if err != nil {
		return err
	}
	if err := xpub.Connect(endpoint); err != nil {
		return err
	}
	if _, err := xpub.Recv(ctx); err != nil {
		return err
	}
	for price := 101; price <= 103; price++ {
		for _, stock := range stocks {
			if err := xpub.SendString(ctx, stock, fmt.Sprint(price)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lateSubscriber comes when all is said.
func lateSubscriber(ctx context.Context, stock, endpoint string) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	if err := sub.Subscribe(stock); err != nil {
		return err
	}
	if err := sub.Connect(endpoint); err != nil {
		return err
	}
	m, err := sub.Recv(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("late subscriber: %s stands at %s\n", m.Frames[0], m.Bytes())
	return nil
}
