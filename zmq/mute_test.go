package zmq_test

import (
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// A PUSH reads nothing, so what a peer sends to it all the same is thrown away
// as it comes: it fills no memory, and the connection goes on.
func TestWhatAPeerSendsToPushIsThrownAway(t *testing.T) {
	ctx := within(t)
	c := newContext(t)
	push := newSocket(t, c, zmq.PUSH, &zmq.Config{HighWater: zmq.HighWater{Recv: zmq.Unlimited}})
	ours, theirs := zmtptest.Pipe()
	if err := push.Attach(ours); err != nil {
		t.Fatal(err)
	}
	peer := zmtptest.NewPeer(theirs)
	defer peer.Close()
	peer.Play(t, "send greeting\nexpect greeting\nsend ready PULL\nexpect ready PUSH")
	for range 3000 {
		peer.Play(t, `send frame "nobody asked for this"`)
	}
	if err := push.SendString(ctx, "a task"); err != nil {
		t.Fatal(err)
	}
	peer.Play(t, `expect frame "a task"`)
	if st := push.Stats(); st.RecvQueue != 0 {
		t.Errorf("%d messages wait for nobody", st.RecvQueue)
	}
}
