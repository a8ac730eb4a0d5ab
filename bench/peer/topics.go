package main

import (
	"context"
	"time"

	"zeromux/zmq"
)

// settled is the topic that ends a list of subscriptions: a message of it shows that
// the publisher knows of all before it.
const settled = "settled"

// registrar publishes to nobody but who has subscribed to settled, and is told of
// every topic.
func (p *peer) registrar(s *zmq.Socket) error {
	ctx := context.Background()
	var m zmq.Message
	for n := int64(1); ; n++ {
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		if string(m.Bytes()) == "\x01"+settled {
			if err := s.SendString(ctx, settled); err != nil {
				return err
			}
		}
		if n%1000 == 0 {
			p.passed.Store(n)
		}
	}
}

// register subscribes to all topics, says how long that took and, unless it is to
// hold them, unsubscribes again within the same measurement.
func (p *peer) register(hold bool) error {
	s, err := p.dial(zmq.SUB, &zmq.Config{HighWater: zmq.HighWater{Send: zmq.Unlimited}})
	if err != nil {
		return err
	}
	if err := p.settle(s); err != nil { // the connection is up
		return err
	}
	if !hold {
		say(event{Event: "start"})
	}
	allocs0 := allocs()
	cpu0, t0 := cpu(), time.Now()
	if err := p.eachTopic(s, s.Subscribe); err != nil {
		return err
	}
	if hold {
		say(event{Event: "start"})
		select {}
	}
	if err := p.eachTopic(s, s.Unsubscribe); err != nil {
		return err
	}
	took, cpu1 := time.Since(t0), cpu()
	say(event{Event: "end", Messages: int64(2 * p.topics), Ns: int64(took), CPUNs: cpu1 - cpu0, Allocs: allocs() - allocs0})
	select {}
}

// eachTopic does something with each topic, and waits until the publisher knows.
func (p *peer) eachTopic(s *zmq.Socket, do func(topic string) error) error {
	topic, n := make([]byte, topicSize), 0
	for range p.topics {
		setTopic(topic, n)
		if err := do(string(topic)); err != nil {
			return err
		}
		n = (n + topicStep) % p.topics
	}
	return p.settle(s)
}

// settle waits until the publisher knows of all subscriptions so far.
func (p *peer) settle(s *zmq.Socket) error {
	if err := s.Subscribe(settled); err != nil {
		return err
	}
	if _, err := s.Recv(context.Background()); err != nil {
		return err
	}
	return s.Unsubscribe(settled)
}
