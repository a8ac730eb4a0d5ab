// Weather is publish and subscribe: a station publishes reports from a hundred
// places without knowing who listens, and each subscriber gets those of the
// place it asked for. The publisher filters: what nobody wants is not sent.
//
//	go run ./examples/weather                                          # a station, two subscribers
//	go run ./examples/weather -bind tcp://127.0.0.1:5556               # the station alone
//	go run ./examples/weather -connect tcp://127.0.0.1:5556 -place 10001
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"

	"zeromux/zmq"
)

// reports is how many a subscriber waits for.
const reports = 20

func main() {
	bind := flag.String("bind", "", "be the station alone, at this `endpoint`, until interrupted")
	connect := flag.String("connect", "", "be a subscriber alone, of the station at this `endpoint`")
	place := flag.Int("place", 10001, "the place to hear of, 10000 to 10099")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var err error
	switch {
	case *bind != "":
		err = station(ctx, *bind, func(endpoint string) { fmt.Println("publishing on", endpoint) })
	case *connect != "":
		err = subscriber(ctx, *connect, *place)
	default:
		err = all(ctx, *place, *place+1)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// all runs a station until every subscriber has heard enough.
func all(ctx context.Context, places ...int) error {
	ctx, stop := context.WithCancelCause(ctx)
	bound := make(chan string, 1)
	var stationed, listening sync.WaitGroup
	stationed.Go(func() {
		stop(station(ctx, "tcp://127.0.0.1:*", func(endpoint string) { bound <- endpoint }))
	})
	select {
	case endpoint := <-bound:
		for _, place := range places {
			listening.Go(func() {
				if err := subscriber(ctx, endpoint, place); err != nil {
					stop(err)
				}
			})
		}
	case <-ctx.Done():
	}
	listening.Wait()
	err := context.Cause(ctx) // of whoever failed first
	stop(nil)
	stationed.Wait()
	return err
}

// station publishes for ever. PUB never waits: a subscriber that is too slow
// misses reports, and one that comes late has missed the earlier ones.
func station(ctx context.Context, endpoint string, started func(endpoint string)) error {
	pub, err := zmq.NewSocket(zmq.PUB, nil)
	if err != nil {
		return err
	}
	defer pub.Close()
	bound, err := pub.Bind(endpoint)
	if err != nil {
		return err
	}
	started(bound)
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
	defer sub.Close()
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
