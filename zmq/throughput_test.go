package zmq_test

import (
	"context"
	"fmt"
	"testing"

	"zeromux/zmq"
)

// BenchmarkThroughput moves messages one way between two sockets of one process:
// one Send and one RecvInto a message.
func BenchmarkThroughput(b *testing.B) {
	for _, name := range []string{"inproc", "tcp", "ipc"} {
		for _, size := range []int{16, 64, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				oneWay(b, endpoints(b)[name], nil, nil, size)
			})
		}
	}
}

// BenchmarkSecureThroughput is the same over tcp by what keeps messages secret, and
// beside it by what does not.
func BenchmarkSecureThroughput(b *testing.B) {
	_, bound, connected := trusting(b)
	server, client := newIdentity(b), newIdentity(b)
	for _, way := range []struct {
		name, endpoint   string
		bound, connected *zmq.Config
	}{
		{"NULL", "tcp://127.0.0.1:*", nil, nil},
		{"CURVE", "tcp://127.0.0.1:*", &zmq.Config{Security: curveServer(server)}, &zmq.Config{Security: curveClient(client, server.public)}},
		{"TLS", "tls+tcp://127.0.0.1:*", bound, connected},
	} {
		for _, size := range []int{64, 1 << 10, 64 << 10} {
			b.Run(fmt.Sprintf("%s/%d", way.name, size), func(b *testing.B) {
				oneWay(b, way.endpoint, way.bound, way.connected, size)
			})
		}
	}
}

// oneWay times messages of this size from a PUSH that connects to a PULL that binds.
func oneWay(b *testing.B, endpoint string, bound, connected *zmq.Config, size int) {
	ctx := context.Background()
	c := newContext(b)
	pull := newSocket(b, c, zmq.PULL, bound)
	push := newSocket(b, c, zmq.PUSH, connected)
	connect(b, push, bind(b, pull, endpoint))
	body := make([]byte, size)
	done := make(chan error, 1)
	var m zmq.Message
	if err := push.SendBytes(ctx, body); err != nil { // the handshake is not part of it
		b.Fatal(err)
	}
	if err := pull.RecvInto(ctx, &m); err != nil {
		b.Fatal(err)
	}
	n := b.N
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for range n {
			if err := push.SendBytes(ctx, body); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range n {
		if err := pull.RecvInto(ctx, &m); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
