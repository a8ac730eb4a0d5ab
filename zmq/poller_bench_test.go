package zmq_test

import (
	"context"
	"fmt"
	"testing"

	"zeromux/zmq"
)

// BenchmarkPollerIdleSockets sends one message to one socket of a poller, waits for it
// and receives it, beside sockets to which nobody sends: what that costs must not hang
// on how many they are, and allocates nothing.
func BenchmarkPollerIdleSockets(b *testing.B) {
	for _, idle := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(idle), func(b *testing.B) {
			ctx := context.Background()
			step := besideIdle(b, idle)
			b.ReportAllocs()
			for b.Loop() {
				step(ctx)
			}
		})
	}
}

// besideIdle returns what the benchmark repeats.
func besideIdle(t testing.TB, idle int) func(context.Context) {
	c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true, MaxSockets: idle + 2})
	t.Cleanup(func() { term(t, c) })
	pull, push := join(t, c, "inproc://active", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	p := newPoller(t)
	for range idle {
		add(t, p, newSocket(t, c, zmq.PULL, nil), zmq.PollIn)
	}
	add(t, p, pull, zmq.PollIn)
	events := make([]zmq.PollEvent, 4)
	body := []byte("x")
	var m zmq.Message
	return func(ctx context.Context) {
		if err := push.SendBytes(ctx, body); err != nil {
			t.Fatal(err)
		}
		if n, err := p.Wait(ctx, events); n != 1 || err != nil || events[0].Socket != pull {
			t.Fatal(n, err)
		}
		if err := pull.RecvInto(ctx, &m); err != nil {
			t.Fatal(err)
		}
	}
}
