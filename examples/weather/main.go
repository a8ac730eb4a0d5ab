// Weather is publish and subscribe: a station publishes reports from a hundred
// places without knowing who listens, and each subscriber gets those of the
// place it asked for. The publisher filters: what nobody wants is not sent.
//
//	go run ./examples/weather                                # a station, two subscribers
//	go run ./examples/weather -bind tcp://127.0.0.1:5556     # the station alone
//	go run ./examples/weather -connect tcp://127.0.0.1:5556  # a subscriber alone
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"

	"zeromux/zmq"
)

// reports is how many a subscriber waits for.
const reports = 20

func main() {
	bind := flag.String("bind", "", "be the station alone, at this `endpoint`, until interrupted")
	connect := flag.String("connect", "", "be a subscriber alone, of the station at this `endpoint`")
	place := flag.Int("place", 10001, "the place to hear of, 10000 to 10099")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *bind, *connect, *place); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, bind, connect string, place int) error {
	if connect != "" {
		return subscriber(ctx, connect, place)
	}
	pub, err := zmq.NewSocket(zmq.PUB, nil)
	if err != nil {
		return err
	}
	if bind != "" {
		endpoint, err := pub.Bind(bind)
		if err != nil {
			return err
		}
		fmt.Println("publishing on", endpoint)
		return station(ctx, pub)
	}
	endpoint, err := pub.Bind("tcp://127.0.0.1:*") // any port that is free
	if err != nil {
		return err
	}
	heard := make(chan error, 2)
	go func() { _ = station(ctx, pub) }() // until Term
	go func() { heard <- subscriber(ctx, endpoint, place) }()
	go func() { heard <- subscriber(ctx, endpoint, place+1) }()
	if err := errors.Join(<-heard, <-heard); err != nil {
		return err
	}
	return zmq.Term(ctx)
}

// station publishes for ever. PUB never waits: a subscriber that is too slow
// misses reports, and one that comes late has missed the earlier ones.
func station(ctx context.Context, pub *zmq.Socket) error {
	for {
		place, degrees, humidity := 10000+rand.IntN(100), rand.IntN(60)-20, 10+rand.IntN(80)
		if err := pub.SendString(ctx, fmt.Sprintf("%d %d %d", place, degrees, humidity)); err != nil {
			return err
		}
	}
}

// subscriber averages what it hears of one place. A subscription is a prefix;
// the space keeps 1000 from meaning 10001.
func subscriber(ctx context.Context, endpoint string, place int) error {
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	if err := sub.Subscribe(fmt.Sprint(place) + " "); err != nil {
		return err
	}
	if err := sub.Connect(endpoint); err != nil {
		return err
	}
	sum := 0
	for range reports {
		m, err := sub.Recv(ctx)
		if err != nil {
			return err
		}
		var from, degrees, humidity int
		if _, err := fmt.Sscan(m.String(), &from, &degrees, &humidity); err != nil || from != place {
			return fmt.Errorf("report %q for %d: %w", m, place, err)
		}
		sum += degrees
	}
	fmt.Printf("place %d: %.1f degrees on average of %d reports\n", place, float64(sum)/reports, reports)
	return nil
}
