package zmq_test

import (
	"context"
	"testing"

	"zeromux/zmq"
)

// What a socket has received stays received when its neighbour goes, and so does
// what the neighbour has sent.
func TestCountsOutliveANeighbourThatGoes(t *testing.T) {
	c := newContext(t)
	pull, push := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, nil)
	endpoint := bind(t, pull, "inproc://"+t.Name())
	connect(t, push, endpoint)
	for range 3 {
		send(t, push, "hello")
	}
	want(t, pull, "hello")
	if err := push.Disconnect(endpoint); err != nil {
		t.Fatal(err)
	}
	if n := pull.Stats().Received; n != 3 {
		t.Errorf("the receiver counts %d messages, want 3", n)
	}
	if n := push.Stats().Sent; n != 3 {
		t.Errorf("the sender counts %d messages, want 3", n)
	}
}

// Lent memory is given back under no lock: its owner may use either socket.
func TestLentMemoryIsGivenBackUnderNoLock(t *testing.T) {
	c := newContext(t)
	pull, push := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, nil)
	connect(t, push, bind(t, pull, "inproc://"+t.Name()))
	back := make(chan struct{})
	err := push.SendOwned(within(t), zmq.NewMessage(make([]byte, 20<<10)), func() {
		pull.CanRecv()
		push.CanSend()
		close(back)
	})
	if err != nil {
		t.Fatal(err)
	}
	send(t, push, "next")
	recv(t, pull)
	want(t, pull, "next") // lets go of the one before
	select {
	case <-back:
	case <-within(t).Done():
		t.Fatal("the memory was not given back")
	}
}

// RecvInto takes short messages by a shorter way than others: none is lost and
// none comes out of order where they mix.
func TestReceiveIntoMixesShortAndLong(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		const each = 200
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		endpoint = bind(t, pull, endpoint)
		for k := range 2 {
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, endpoint)
			for i := range each {
				frames := [][]byte{{byte(k), byte(i)}}
				switch i % 5 {
				case 1:
					frames = append(frames, make([]byte, 300))
				case 3:
					frames[0] = append(frames[0], make([]byte, 40<<10)...)
				case 4:
					frames = append(frames, nil)
				}
				if err := push.SendFrames(within(t), frames...); err != nil {
					t.Fatal(err)
				}
			}
		}
		var m zmq.Message
		var next [2]int
		for range 2 * each {
			if err := pull.RecvInto(context.Background(), &m); err != nil {
				t.Fatal(err)
			}
			k, i := m.Frames[0][0], int(m.Frames[0][1])
			if i != next[k] {
				t.Fatalf("message %d of peer %d came, want %d", i, k, next[k])
			}
			if want := [...]int{2, 302, 2, 2 + 40<<10, 2}[i%5]; m.Size() != want {
				t.Fatalf("message %d has %d octets, want %d", i, m.Size(), want)
			}
			next[k]++
		}
	})
}

// Closing a socket takes nothing out of its books.
func TestCountsOutliveClose(t *testing.T) {
	c := newContext(t)
	pull, push := newSocket(t, c, zmq.PULL, nil), newSocket(t, c, zmq.PUSH, nil)
	connect(t, push, bind(t, pull, "inproc://"+t.Name()))
	send(t, push, "hello")
	if err := push.Close(); err != nil {
		t.Fatal(err)
	}
	if n := push.Stats().Sent; n != 1 {
		t.Errorf("the sender counts %d messages, want 1", n)
	}
	want(t, pull, "hello")
}
