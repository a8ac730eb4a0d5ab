package main

import (
	"context"
	"errors"

	"zeromux/zmq"
)

// A message begins with its topic and ends with its sequence number. The topics
// come by turns, in an order that is as good as random and in which each comes
// once before the first comes again.
const (
	topicSize = 14    // "topic/" and eight digits
	topicStep = 61819 // from one topic to the next; a prime
)

var errSmall = errors.New("a message must hold its topic and its sequence number: at least 22 octets")

// nothingDropped makes a publisher wait for who is slow, so that what is counted
// is what the library carries and not what it throws away.
var nothingDropped = &zmq.Config{PubSub: zmq.PubSub{NoDrop: true}}

func setTopic(b []byte, topic int) {
	copy(b, "topic/")
	for i := topicSize - 1; i >= len("topic/"); i-- {
		b[i] = byte('0' + topic%10)
		topic /= 10
	}
}

// pub sends numbered messages as fast as they are taken.
func (p *peer) pub(s *zmq.Socket) error {
	if p.size < topicSize+8 {
		return errSmall
	}
	ctx := context.Background()
	body, step, topic := make([]byte, p.size), uint64(p.stride()), 0
	for seq := uint64(0); ; seq++ {
		setTopic(body, topic)
		setSequence(body[p.size-8:], seq)
		if err := s.SendBytes(ctx, body); err != nil {
			return err
		}
		topic = (topic + topicStep) % p.topics
		if (seq+1)%step == 0 {
			p.passed.Store(int64(seq+1) * int64(p.peers))
		}
	}
}

// sub subscribes to all topics. As many messages in a row as there are topics
// show that the publisher knows of all; from there on none may be missing.
func (p *peer) sub(c *counter) error {
	var config zmq.Config
	if p.topics > 1 { // subscriptions are messages: libzmq loses those beyond the mark
		config.HighWater.Send = zmq.Unlimited
	}
	s, err := zmq.NewSocket(zmq.SUB, p.with(&config))
	if err != nil {
		return err
	}
	topic := make([]byte, topicSize)
	for i := range p.topics {
		setTopic(topic, i)
		if err := s.Subscribe(string(topic)); err != nil {
			return err
		}
	}
	if err := s.Connect(p.endpoint); err != nil {
		return err
	}

	ctx := context.Background()
	var m zmq.Message
	next, row := uint64(0), 0
	for n := int64(1); ; n++ {
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		if len(m.Frames) != 1 || len(m.Frames[0]) != p.size {
			return errSize
		}
		seq := sequence(m.Frames[0][p.size-8:])
		switch {
		case seq == next:
			row++
		case c.ready.Load():
			return errOrder
		default:
			row = 1
		}
		if row == p.topics+1 {
			c.ready.Store(true)
		}
		next = seq + 1
		c.n.Store(n)
	}
}
