package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"zeromux/zmq"
)

// What there is news of, by the first frame of a message.
const (
	topicEvent = "event" // seconds since the start, who, what
	topicRate  = "rate"  // the numbers of a rate
	topicEnd   = "event end"
)

// A publisher tells whoever has subscribed how things go. It is an XPUB: a PUB
// that also receives the subscriptions, so that it knows who is there.
type publisher struct {
	xpub   *zmq.Socket
	began  time.Time
	events atomic.Int64 // published
}

func newPublisher(c *zmq.Context) (*publisher, error) {
	xpub, err := c.NewSocket(zmq.XPUB, nil)
	if err != nil {
		return nil, err
	}
	return &publisher{xpub: xpub, began: time.Now()}, nil
}

// await waits for n subscriptions to different topics. What is published before
// somebody has subscribed does not reach him.
func (p *publisher) await(ctx context.Context, n int) error {
	for range n {
		if _, err := p.xpub.Recv(ctx); err != nil {
			return fmt.Errorf("waiting for the subscribers: %w", err)
		}
	}
	return nil
}

// event tells that something happened to who.
func (p *publisher) event(ctx context.Context, who, format string, args ...any) error {
	p.events.Add(1)
	now := strconv.FormatFloat(time.Since(p.began).Seconds(), 'f', 2, 64)
	return p.xpub.SendString(ctx, topicEvent, now, who, fmt.Sprintf(format, args...))
}

// end tells that there will be no more events.
func (p *publisher) end(ctx context.Context) error { return p.xpub.SendString(ctx, topicEnd) }

// A rate is how fast things go at the moment.
type rate struct {
	pass, percent, messages, words, out int // messages and words per second
}

// publish tells it.
func (r rate) publish(ctx context.Context, p *publisher) error {
	return p.xpub.SendString(ctx, topicRate, fmt.Sprint(r.pass, r.percent, r.messages, r.words, r.out))
}

// parseRate reads what publish has sent.
func parseRate(m zmq.Message) (r rate, err error) {
	_, err = fmt.Sscan(string(m.Bytes()), &r.pass, &r.percent, &r.messages, &r.words, &r.out)
	return r, err
}

// subscribe makes a SUB socket that hears of topic, and of what begins with it.
func subscribe(c *zmq.Context, endpoint, topic string) (*zmq.Socket, error) {
	sub, err := c.NewSocket(zmq.SUB, nil)
	if err != nil {
		return nil, err
	}
	if err := sub.Subscribe(topic); err != nil {
		return nil, err
	}
	return sub, sub.Connect(endpoint)
}

// scribeProcess is a subscriber in a process of its own. It wants to hear of
// events alone, and prints how many there were and what else it was told.
func scribeProcess(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("a scribe wants an endpoint, not %q", args)
	}
	return untilParentEnds(func(ctx context.Context, c *zmq.Context) error {
		sub, err := subscribe(c, args[0], topicEvent)
		if err != nil {
			return err
		}
		events, others := 0, 0
		for m, err := range sub.Messages(ctx) {
			if err != nil {
				return err
			}
			switch string(m.Frames[0]) {
			case topicEnd:
				fmt.Println(events, others)
				return nil
			case topicEvent:
				events++
			default:
				others++
			}
		}
		return nil
	})
}

// scribed returns how many events the scribe heard of, or what is wrong with
// that.
func scribed(printed string, published int) error {
	var events, others int
	if _, err := fmt.Sscan(strings.TrimSpace(printed), &events, &others); err != nil {
		return fmt.Errorf("the second subscriber printed %q: %w", printed, err)
	}
	if events != published || others != 0 {
		return fmt.Errorf("the second subscriber heard of %d events and %d other things, not of %d and none", events, others, published)
	}
	return nil
}
