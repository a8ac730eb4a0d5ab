package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"zeromux/zmq"
)

// 10/FLP "Overall Operation".
const (
	ping = "PING"
	pong = "PONG"
)

// liveness is how many pings may stay without an answer.
const liveness = 3

// A client knows which servers are alive. Any number of goroutines may ask at once.
type client struct {
	router  *zmq.Socket
	beat    time.Duration // between pings
	stop    context.CancelFunc
	pinging sync.WaitGroup

	mu      sync.Mutex // guards what follows
	servers []*server  // the one to be preferred first
	last    int        // the number of the last request
	waiting map[string]chan<- zmq.Message
}

// A server is dead when it has not been heard of until then.
type server struct {
	endpoint string
	until    time.Time
}

// newClient connects to servers. Each gets its endpoint as the routing id under
// which this ROUTER knows it, so that they may be written to; the RFC has servers
// announce it themselves, which does no harm.
func newClient(ctx context.Context, beat time.Duration, endpoints ...string) (*client, error) {
	// Immediate: pings for a server that is away are dropped, not kept.
	router, err := zmq.NewSocket(zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger, Reconnect: zmq.Reconnect{Immediate: true}})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := &client{router: router, beat: beat, stop: stop, waiting: make(map[string]chan<- zmq.Message)}
	for _, endpoint := range endpoints {
		if err := router.ConnectAs(endpoint, endpoint); err != nil {
			return nil, err
		}
		c.servers = append(c.servers, &server{endpoint: endpoint})
	}
	c.pinging.Go(func() { c.ping(ctx) })
	c.pinging.Go(func() { c.receive(ctx) })
	return c, nil
}

func (c *client) close() {
	c.stop()
	c.pinging.Wait()
	c.router.Close()
}

// ping asks all servers whether they are there.
func (c *client) ping(ctx context.Context) {
	tick := time.NewTicker(c.beat)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, s := range c.servers {
			_ = c.router.SendString(ctx, s.endpoint, ping) // no answer says enough
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// receive takes what servers say; anything is a sign of life.
func (c *client) receive(ctx context.Context) {
	for m, err := range c.router.Messages(ctx) {
		if err != nil {
			return
		}
		c.mu.Lock()
		for _, s := range c.servers {
			if s.endpoint == string(m.Frames[0]) {
				s.until = time.Now().Add(liveness * c.beat)
			}
		}
		if asker, known := c.waiting[string(m.Frames[1])]; known && len(m.Frames) > 2 {
			delete(c.waiting, string(m.Frames[1])) // a second reply is not wanted
			asker <- m
		}
		c.mu.Unlock()
	}
}

// alive returns the endpoint of the first server that is alive.
func (c *client) alive() (endpoint string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.servers, func(s *server) bool { return time.Now().Before(s.until) })
	if i < 0 {
		return "", false
	}
	return c.servers[i].endpoint, true
}

// ask sends a request to the first server that is alive, to another when that dies,
// and to the same again when it takes too long, until there is a reply or ctx ends.
func (c *client) ask(ctx context.Context, request string) (reply string, err error) {
	replies := make(chan zmq.Message, 1)
	c.mu.Lock()
	c.last++
	number := fmt.Sprint(c.last)
	c.waiting[number] = replies
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, number)
		c.mu.Unlock()
	}()
	look := time.NewTicker(c.beat)
	defer look.Stop()
	asked, again := "", time.Time{}
	for {
		if endpoint, ok := c.alive(); ok && (endpoint != asked || time.Now().After(again)) {
			asked, again = endpoint, time.Now().Add(patience)
			if err := c.router.SendString(ctx, endpoint, number, request); err != nil {
				return "", err
			}
		}
		select {
		case m := <-replies:
			return string(m.Bytes()), nil
		case <-look.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// askAll asks from many goroutines, and prints who has replied to the last of each.
func (c *client) askAll(ctx context.Context, askers, requests int) error {
	failed := make(chan error, askers)
	for i := range askers {
		go func() {
			var reply string
			var err error
			for j := range requests {
				if reply, err = c.ask(ctx, fmt.Sprintf("request %d of asker %d", j+1, i+1)); err != nil {
					break
				}
			}
			fmt.Println("pings:", reply)
			failed <- err
		}()
	}
	var errs []error
	for range askers {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

// serve is a server of FLP. It answers pings, and gives back the first frame of a
// request whatever it is.
func serve(ctx context.Context, router *zmq.Socket, name string) error {
	for m, err := range router.Messages(ctx) {
		if err != nil {
			return err
		}
		switch {
		case len(m.Frames) == 2 && string(m.Bytes()) == ping:
			m.Frames[1] = []byte(pong)
		case len(m.Frames) > 2:
			m.Frames[len(m.Frames)-1] = fmt.Appendf(nil, "%s did %s", name, m.Bytes())
		default:
			continue
		}
		if err := router.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
