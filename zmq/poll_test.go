package zmq_test

import (
	"context"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestPollTellsOfEachItem(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	items := []zmq.PollItem{
		{Socket: pull, Events: zmq.PollIn},
		{Socket: push, Events: zmq.PollIn, Ready: zmq.PollErr},
		{Socket: pull, Events: zmq.PollOut},
		{Socket: pull, Events: zmq.PollIn | zmq.PollOut},
		{Socket: pull},
		{Socket: push},
	}
	if n, err := zmq.TryPoll(items); n != 0 || !is(err, zmq.ErrWouldBlock) {
		t.Fatal(n, err)
	}
	send(t, push, "x")
	n, err := zmq.Poll(within(t), items)
	if n != 2 || err != nil {
		t.Error(n, err)
	}
	for i, want := range []zmq.PollEvents{zmq.PollIn, 0, 0, zmq.PollIn, 0, 0} {
		if items[i].Ready != want {
			t.Errorf("item %d: %v, want %v", i, items[i].Ready, want)
		}
	}
	push.Close()
	for name, row := range map[string]struct {
		items []zmq.PollItem
		want  error
	}{
		"a closed socket":      {items, zmq.ErrClosed},
		"other events":         {[]zmq.PollItem{{Socket: pull, Events: 64}}, zmq.ErrInvalid},
		"other events, second": {[]zmq.PollItem{{Socket: pull}, {Socket: pull, Events: 64}}, zmq.ErrInvalid},
		"nothing, for ever":    {nil, zmq.ErrEmptyPoller},
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := zmq.Poll(context.Background(), row.items); n != 0 || !is(err, row.want) {
				t.Errorf("%d, %v, want %v", n, err, row.want)
			}
		})
	}
	bubble(t, func(t *testing.T, c *zmq.Context) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		began := time.Now()
		if n, err := zmq.Poll(ctx, nil); n != 0 || !is(err, context.DeadlineExceeded) {
			t.Error(n, err)
		}
		took(t, began, time.Minute, time.Minute)
	})
}
