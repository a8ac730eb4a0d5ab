package examples_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

// babble sends messages of one to four frames, made of all that the protocols of the
// lessons know and more, in every order.
func babble(t *testing.T, kind zmq.SocketType, endpoint string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sockets := zmq.NewContext(nil)
	s, err := sockets.NewSocket(kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
	if kind == zmq.XPUB {
		if _, err := s.Recv(ctx); err != nil { // a subscription: it is heard from now on
			t.Fatal(err)
		}
	}
	words := []string{"", "MDPC01", "MDPW01", "\x01", "\x02", "\x03", "mmi.service", "ICANHAZ?", "12345678", "ttl=x\n"}
	var send func(frames []string, left int)
	send = func(frames []string, left int) {
		if len(frames) > 0 {
			if err := s.SendString(ctx, frames...); err != nil {
				t.Fatal(err)
			}
			for { // replies are not wanted, but have to be taken
				if _, err := s.TryRecv(); err != nil {
					break
				}
			}
		}
		if left == 0 {
			return
		}
		for _, word := range words {
			send(append(frames[:len(frames):len(frames)], word), left-1)
		}
	}
	send(nil, 4)
	if err := sockets.Term(ctx); err != nil { // when all is sent
		t.Fatal(err)
	}
}

func TestTheMajordomoBrokerBearsWhateverIsSent(t *testing.T) {
	broker := start(t, "majordomo", "-role", "broker", "-at", "tcp://127.0.0.1:*")
	babble(t, zmq.DEALER, broker)
	startSaying(t, 0, "majordomo", "-role", "worker", "-at", broker)
	if got := said(t, lesson(t, "majordomo", "-role", "client", "-at", broker)); !strings.Contains(got, "is there echo? true\n") {
		t.Errorf("the client says %q", got)
	}
}

func TestTheParanoidPirateQueueBearsWhateverIsSent(t *testing.T) {
	at := endpoints(t, 2)
	front, back := at[0], at[1]
	start(t, "paranoidpirate", "-role", "queue", "-front", front, "-back", back)
	babble(t, zmq.DEALER, back)
	startSaying(t, 0, "paranoidpirate", "-role", "worker", "-back", back)
	got := said(t, lesson(t, "paranoidpirate", "-role", "client", "-front", front))
	if !regexp.MustCompile(`client: worker \d+ did request 7\n$`).MatchString(got) {
		t.Errorf("the client says %q", got)
	}
}

func TestTheCloneServerBearsWhateverIsSent(t *testing.T) {
	at := endpoints(t, 3)
	places := []string{"-snapshots", at[0], "-updates", at[1], "-collector", at[2]}
	start(t, "clone", append([]string{"-role", "server"}, places...)...)
	babble(t, zmq.DEALER, at[0])
	babble(t, zmq.XPUB, at[2])
	got := startSaying(t, 1, "clone", append([]string{"-role", "client"}, places...)...)[0]
	if want := "client: has joined at number 0, with 0 values"; got != want { // none of it has five frames
		t.Errorf("the client says %q, want %q", got, want)
	}
}
