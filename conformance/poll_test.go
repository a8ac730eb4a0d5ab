package conformance

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"zeromux/zmq"
)

// Poll, which takes everything up anew with each call.

// A socket and a descriptor that is none of ours, with one call.
func TestZmqPollFd(t *testing.T) {
	everywhere(t, func(s *stage) {
		pull, push := s.join(as(zmq.PULL), as(zmq.PUSH))
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			s.Fatal(err)
		}
		defer udp.Close()
		raw, err := udp.SyscallConn()
		if err != nil {
			s.Fatal(err)
		}
		items := []zmq.PollItem{{Socket: pull.Socket, Events: zmq.PollIn}, {Events: zmq.PollIn}, {Socket: pull.Socket}}
		// polls checks what becomes of the items. The descriptor is no other's meanwhile.
		polls := func(want int, ready ...zmq.PollEvents) {
			s.Helper()
			_ = raw.Control(func(fd uintptr) { // it is open
				items[1].FD = int(fd)
				n, err := zmq.TryPoll(items)
				if want > 0 {
					ctx, cancel := s.within()
					defer cancel()
					n, err = zmq.Poll(ctx, items)
				}
				if errors.Is(err, errors.ErrUnsupported) {
					s.Skip(err)
				}
				if want == 0 && !errors.Is(err, zmq.ErrWouldBlock) || want > 0 && err != nil || n != want {
					s.Fatalf("%d items and %v, want %d", n, err, want)
				}
				for i, item := range items {
					if item.Ready != ready[i] {
						s.Errorf("item %d is ready for %v, want %v", i, item.Ready, ready[i])
					}
				}
			})
		}
		for range 2 {
			polls(0, 0, 0, 0)
			if _, err := udp.WriteTo([]byte("x"), udp.LocalAddr()); err != nil {
				s.Fatal(err)
			}
			polls(1, 0, zmq.PollIn, 0)
			push.send("x")
			s.until("it has arrived", pull.CanRecv)
			polls(2, zmq.PollIn, zmq.PollIn, 0)
			if _, err := udp.Read(make([]byte, 1)); err != nil {
				s.Fatal(err)
			}
			polls(1, zmq.PollIn, 0, 0)
			pull.want("x")
		}
	})
}

// Where libzmq crashes: waiting for nothing is waiting for the end of the call.
func TestQuirkPollOfNothing(t *testing.T) {
	for name, items := range map[string][]zmq.PollItem{"nil": nil, "no item": {}} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		if n, err := zmq.Poll(ctx, items); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %d and %v", name, n, err)
		}
		if _, err := zmq.Poll(context.Background(), items); !errors.Is(err, zmq.ErrEmptyPoller) {
			t.Errorf("%s, for ever: %v", name, err)
		}
		if _, err := zmq.TryPoll(items); !errors.Is(err, zmq.ErrWouldBlock) {
			t.Errorf("%s, at once: %v", name, err)
		}
		cancel()
	}
	none := []zmq.PollItem{{FD: -1, Events: zmq.PollIn}} // neither socket nor descriptor
	if _, err := zmq.TryPoll(none); !errors.Is(err, syscall.EBADF) && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("of no descriptor: %v", err)
	}
}
