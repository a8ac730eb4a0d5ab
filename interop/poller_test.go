package interop

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"zeromux/zmq"
)

// One poller over sockets whose peers are libzmq's, and over a plain UDP socket.

func TestAPollerOverSocketsWithTheirPeers(t *testing.T) {
	for _, others := range []int{0, 1} {
		t.Run(fmt.Sprintf("%d peers each", 1+others), func(t *testing.T) {
			ctx := bounded(t, testTime)
			r := startLibzmq(ctx, t)
			p := zmq.NewPoller()
			defer func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}()
			udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer udp.Close()

			pairs := []struct{ us, them string }{{"PULL", "PUSH"}, {"SUB", "PUB"}, {"REP", "REQ"}, {"ROUTER", "DEALER"}, {"DEALER", "ROUTER"}}
			us := make(map[string]*ours)
			them := make(map[string][]end)
			ids := make(map[end]string) // under which a ROUTER knows our DEALER
			var names []string
			for _, pair := range pairs {
				s := ourSocket(ctx, t, pair.us)
				us[pair.us] = s
				if pair.us == "SUB" {
					s.subscribe("")
				}
				if err := p.Add(s.s, zmq.PollIn, pair.us); err != nil {
					t.Fatal(err)
				}
				at := s.bind("tcp://127.0.0.1:*")
				for range 1 + others {
					peer := r.socket(t, pair.them)
					peer.connect(at)
					them[pair.us] = append(them[pair.us], peer)
				}
				names = append(names, pair.us)
				if err := s.s.WaitPeers(ctx, 1+others); err != nil {
					t.Fatal(err)
				}
			}
			for range 1 + others { // it sends to each in turn
				us["DEALER"].send("it is me")
			}
			for _, peer := range them["DEALER"] {
				ids[peer] = peer.recv()[0]
			}
			if _, err := p.AddConn(udp, zmq.PollIn, "UDP"); errors.Is(err, errors.ErrUnsupported) {
				t.Log(err)
			} else if err != nil {
				t.Fatal(err)
			} else {
				names = append(names, "UDP")
			}
			events := make([]zmq.PollEvent, len(names))
			next := func(want string) {
				t.Helper()
				n, err := p.Wait(ctx, events)
				if err != nil {
					t.Fatalf("instead of %s: %v", want, err)
				}
				if n != 1 || events[0].User != want {
					t.Fatalf("%d are ready, the first %v; want %s alone", n, events[0].User, want)
				}
			}
			for round := range 20 {
				for i := range names {
					name := names[(i+round)%len(names)]
					if name == "UDP" {
						if _, err := udp.WriteTo([]byte("x"), udp.LocalAddr()); err != nil {
							t.Fatal(err)
						}
						next(name)
						if _, err := udp.Read(make([]byte, 1)); err != nil {
							t.Fatal(err)
						}
						continue
					}
					for _, peer := range them[name] {
						converse(t, us[name], peer, ids[peer], func() { t.Helper(); next(name) })
					}
				}
			}
			if n, err := p.TryWait(events); n != 0 || !errors.Is(err, zmq.ErrWouldBlock) {
				t.Errorf("%d are ready in the end: %v", n, err)
			}
		})
	}
}

// converse has the peer, which may know us by an id, speak to us once; wait returns
// when we are ready.
func converse(t *testing.T, us *ours, peer end, id string, wait func()) {
	t.Helper()
	switch us.kind {
	case "SUB":
		probe(t, peer, us, "topic")
		peer.send("topic", "x")
		wait()
		wantFrames(t, us.recv(), "topic", "x")
	case "DEALER":
		peer.send(id, "x")
		wait()
		wantFrames(t, us.recv(), "x")
	default:
		peer.send("x")
		wait()
		got := us.recv()
		if us.kind != "PULL" {
			us.send(got...)
			wantFrames(t, peer.recv(), "x")
		}
	}
}

// That their PULL has made room shows in a poll of ours.
func TestPollAtTheHighWaterMarkOfTheirPull(t *testing.T) {
	ctx := bounded(t, testTime)
	us := ourSocket(ctx, t, "PUSH", func(c *zmq.Config) { c.HighWater.Send = 2 })
	pull := startLibzmq(ctx, t).socket(t, "PULL")
	pull.set("RCVHWM", 2)
	pull.connect(us.bind("tcp://127.0.0.1:*"))
	items := []zmq.PollItem{{Socket: us.s, Events: zmq.PollOut}}
	sent := 0
	body := string(make([]byte, 256<<10)) // so that the system's buffers do not take them all
	n, err := zmq.Poll(ctx, items)
	for ; err == nil && n == 1; n, err = zmq.TryPoll(items) { // the system takes some, with a delay
		if err := us.s.TrySend(zmq.NewStringMessage(body)); err != nil {
			t.Fatalf("there is room, but %v", err)
		}
		sent++
	}
	if !errors.Is(err, zmq.ErrWouldBlock) {
		t.Fatal(err)
	}
	for range sent {
		wantFrames(t, pull.recv(), body)
	}
	if n, err := zmq.Poll(ctx, items); n != 1 || err != nil || items[0].Ready != zmq.PollOut {
		t.Errorf("%d are ready, %v: %v", n, items[0].Ready, err)
	}
}
