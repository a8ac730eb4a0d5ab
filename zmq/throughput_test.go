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
				ctx := context.Background()
				c := newContext(b)
				pull := newSocket(b, c, zmq.PULL, nil)
				push := newSocket(b, c, zmq.PUSH, nil)
				connect(b, push, bind(b, pull, endpoints(b)[name]))
				body := make([]byte, size)
				done := make(chan error, 1)
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
				var m zmq.Message
				for range n {
					if err := pull.RecvInto(ctx, &m); err != nil {
						b.Fatal(err)
					}
				}
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
