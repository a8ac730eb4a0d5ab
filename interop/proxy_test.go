package interop

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"testing"

	"zeromux/zmq"
)

// aProxy is a proxy of ours that runs until the test ends.
type aProxy struct {
	frontend, backend, capture, control *ours
	ended                               chan error
}

func (p *aProxy) run(ctx context.Context, t *testing.T) {
	t.Helper()
	q := &zmq.Proxy{Frontend: p.frontend.s, Backend: p.backend.s}
	if p.capture != nil {
		q.Capture = p.capture.s
	}
	if p.control != nil {
		q.Control = p.control.s
	}
	p.ended = make(chan error, 1)
	within, cancel := context.WithCancel(ctx)
	go func() {
		p.ended <- q.Run(within)
		close(p.ended)
	}()
	t.Cleanup(func() {
		cancel()
		for range p.ended { // how it went, if nobody has asked
		}
	})
}

const anyPort = "tcp://127.0.0.1:*"

func TestTheirClientsAndServersMeetAtOurProxy(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	p := &aProxy{frontend: ourSocket(ctx, t, "ROUTER"), backend: ourSocket(ctx, t, "DEALER"), capture: ourSocket(ctx, t, "PUSH")}
	front, back := p.frontend.bind(anyPort), p.backend.bind(anyPort)
	listener := r.socket(t, "PULL")
	listener.connect(p.capture.bind(anyPort))
	p.run(ctx, t)
	server := r.socket(t, "REP")
	server.connect(back)
	for i := range 5 {
		client := r.socket(t, "REQ")
		client.connect(front)
		for n := range 5 {
			question, answer := strconv.Itoa(i), strconv.Itoa(n)
			client.send(question, "?")
			wantFrames(t, server.recv(), question, "?")
			server.send(answer)
			wantFrames(t, client.recv(), answer)
			copied := listener.recv()
			wantFrames(t, copied[1:], "", question, "?")
			wantFrames(t, listener.recv(), copied[0], "", answer)
		}
	}
}

func TestTheirPublishersAndSubscribersMeetAtOurProxy(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	p := &aProxy{frontend: ourSocket(ctx, t, "XSUB"), backend: ourSocket(ctx, t, "XPUB")}
	front, back := p.frontend.bind(anyPort), p.backend.bind(anyPort)
	p.run(ctx, t)
	pub, sub := r.socket(t, "XPUB"), r.socket(t, "SUB")
	pub.connect(front)
	sub.connect(back)
	sub.set("SUBSCRIBE", "a")
	wantFrames(t, pub.recv(), "\x01a")
	pub.send("b", "not this")
	pub.send("a", "this")
	wantFrames(t, sub.recv(), "a", "this")
	sub.set("UNSUBSCRIBE", "a")
	wantFrames(t, pub.recv(), "\x00a")
}

func TestTheyControlOurProxy(t *testing.T) {
	ctx := bounded(t, tableTime)
	r := startLibzmq(ctx, t)
	for _, c := range []struct{ control, controller string }{{"REP", "REQ"}, {"PAIR", "PAIR"}, {"SUB", "PUB"}} {
		t.Run(c.control, func(t *testing.T) {
			p := &aProxy{frontend: ourSocket(ctx, t, "PULL"), backend: ourSocket(ctx, t, "PUSH"), control: ourSocket(ctx, t, c.control)}
			push, pull, controller := r.socket(t, "PUSH"), r.socket(t, "PULL"), r.socket(t, c.controller)
			push.connect(p.frontend.bind(anyPort))
			pull.connect(p.backend.bind(anyPort))
			endpoint := p.control.bind(anyPort)
			if c.control == "SUB" {
				if err := p.control.s.Subscribe(""); err != nil {
					t.Fatal(err)
				}
				controller.set("XPUB_NODROP", 1)
			}
			controller.connect(endpoint)
			p.run(ctx, t)
			tell := func(command string) {
				t.Helper()
				controller.send(command)
				if c.control == "REP" {
					wantFrames(t, controller.recv(), "")
				}
			}
			push.send("one")
			wantFrames(t, pull.recv(), "one")
			if c.control != "SUB" {
				tell("NONSENSE")
				tell("PAUSE")
				wantNumbers(t, statistics(t, controller), 1, 3, 0, 0, 0, 0, 1, 3) // it has paused by now: commands are obeyed in order
				push.send("three")
				arrived(t, p.frontend, 2)
				wantNumbers(t, statistics(t, controller), 1, 3, 0, 0, 0, 0, 1, 3)
				tell("RESUME")
				wantFrames(t, pull.recv(), "three")
				wantNumbers(t, statistics(t, controller), 2, 8, 0, 0, 0, 0, 2, 8)
				tell("TERMINATE")
				if err := <-p.ended; err != nil {
					t.Error(err)
				}
				return
			}
			// Nobody tells a PUB when its SUB has subscribed: it says it until it is heard.
			for {
				controller.send("TERMINATE")
				select {
				case err := <-p.ended:
					if err != nil {
						t.Error(err)
					}
					return
				default:
				}
			}
		})
	}
}

// arrived waits until a socket of ours has received n messages.
func arrived(t *testing.T, u *ours, n uint64) {
	t.Helper()
	for u.s.Stats().Received < n {
		if err := u.ctx.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// statistics asks a proxy for its numbers.
func statistics(t *testing.T, controller *theirs) []uint64 {
	t.Helper()
	controller.send("STATISTICS")
	var numbers []uint64
	for _, f := range controller.recv() {
		if len(f) != 8 {
			t.Fatalf("a number is %s", hex.EncodeToString([]byte(f)))
		}
		numbers = append(numbers, binary.NativeEndian.Uint64([]byte(f)))
	}
	return numbers
}

func wantNumbers(t *testing.T, got []uint64, want ...uint64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("statistics are %d, want %d", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("statistics are %d, want %d", got, want)
		}
	}
}
