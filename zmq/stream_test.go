package zmq_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"zeromux/zmq"
)

// A server that answers and closes must not lose the end of its answer.
func TestStreamClosesBehindWhatWasSent(t *testing.T) {
	ctx := within(t)
	s := newSocket(t, newContext(t), zmq.STREAM, &zmq.Config{Linger: zmq.Forever})
	endpoint, err := s.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	hello, err := s.Recv(ctx)
	if err != nil || len(hello.Frames) != 2 || len(hello.Frames[0]) != 5 || len(hello.Frames[1]) != 0 {
		t.Fatalf("on connecting: %q, %v", hello.Frames, err)
	}
	id := hello.Frames[0]
	answer := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for part := answer; len(part) > 0; part = part[1<<14:] {
		if err := s.SendFrames(ctx, id, part[:1<<14]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SendFrames(ctx, id, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.SendFrames(ctx, id, []byte("more")); err == nil {
		t.Error("a closed connection takes more")
	}
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, answer) {
		t.Errorf("the peer gets %d octets, %v; want %d", len(got), err, len(answer))
	}
}
