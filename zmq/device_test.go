package zmq_test

import (
	"context"
	"testing"

	"zeromux/zmq"
)

func TestDevices(t *testing.T) {
	for name, row := range map[string]struct {
		device      func(*zmq.Context, context.Context, string, string) error
		left, right zmq.SocketType
	}{
		"Queue":     {(*zmq.Context).Queue, zmq.REQ, zmq.REP},
		"Forwarder": {(*zmq.Context).Forwarder, zmq.PUB, zmq.SUB},
		"Streamer":  {(*zmq.Context).Streamer, zmq.PUSH, zmq.PULL},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, unbound, func(t *testing.T, front string) {
				back := another(front)
				if back == front {
					back = "tcp://" + freeAddress(t)
				}
				c := newContext(t)
				ctx, stop := context.WithCancel(context.Background())
				defer stop()
				ended := make(chan error, 1)
				go func() { ended <- row.device(c, ctx, front, back) }()
				left, right := newSocket(t, c, row.left, nil), newSocket(t, c, row.right, nil)
				connect(t, left, front)
				connect(t, right, back)
				subscribed(t, left, right)
				send(t, left, "through", "it")
				want(t, right, "through", "it")
				stop()
				if err := <-ended; !is(err, context.Canceled) {
					t.Error(err)
				}
				if _, err := newSocket(t, c, zmq.REP, nil).Bind(front); err != nil {
					t.Errorf("its endpoint is still taken: %v", err)
				}
			})
		})
	}
}

func TestADeviceThatCannotBind(t *testing.T) {
	c := newContext(t)
	bind(t, newSocket(t, c, zmq.REP, nil), "inproc://taken")
	for _, ends := range [][2]string{{"inproc://taken", "inproc://b"}, {"inproc://a", "inproc://taken"}} {
		if err := c.Queue(within(t), ends[0], ends[1]); !is(err, zmq.ErrAddressInUse) {
			t.Errorf("%v: %v", ends, err)
		}
	}
	bind(t, newSocket(t, c, zmq.REP, nil), "inproc://a") // nothing of it is left
	for _, device := range []func(context.Context, string, string) error{zmq.Queue, zmq.Forwarder, zmq.Streamer} {
		if err := device(within(t), "nonsense", "inproc://b"); !is(err, zmq.ErrInvalid) {
			t.Error(err)
		}
	}
}
