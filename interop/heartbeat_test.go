//go:build unix

package interop

import (
	"syscall"
	"testing"
	"time"

	"zeromux/zmq"
)

func TestTheirHeartbeatsAreAnswered(t *testing.T) {
	ctx := bounded(t, testTime)
	us, them := ourSocket(ctx, t, "PULL"), startLibzmq(ctx, t).socket(t, "PUSH")
	them.set("HEARTBEAT_IVL", 100)
	them.set("HEARTBEAT_TIMEOUT", 1000)
	them.monitor()
	them.connect(us.bind("tcp://127.0.0.1:*"))
	them.event("HANDSHAKE_SUCCEEDED")
	// Without an answer they would hang up after 1100 ms.
	if them.tryEvent("DISCONNECTED", 2*time.Second) {
		t.Fatal("they hung up on a quiet connection: their PING was not answered")
	}
	them.send("still here")
	wantFrames(t, us.recv(), "still here")
}

func TestPeerThatStopsAnsweringHeartbeatsIsDropped(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	us, them := ourSocket(ctx, t, "PULL", withHeartbeat(100*time.Millisecond, time.Second)), r.socket(t, "PUSH")
	them.connect(us.bind("tcp://127.0.0.1:*"))
	them.send("hello")
	wantFrames(t, us.recv(), "hello")
	r.freeze()
	us.wait(zmq.EventDisconnected)
	r.thaw()
	them.send("hello again") // theirs is the side that reconnects
	wantFrames(t, us.recv(), "hello again")
}

func TestTheTimeToLiveOfTheirHeartbeatsIsKept(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	us, them := ourSocket(ctx, t, "PULL"), r.socket(t, "PUSH")
	them.set("HEARTBEAT_IVL", 100)
	them.set("HEARTBEAT_TTL", 1000)
	them.set("HEARTBEAT_TIMEOUT", 10000)
	them.monitor()
	them.connect(us.bind("tcp://127.0.0.1:*"))
	them.event("HANDSHAKE_SUCCEEDED")
	if them.tryEvent("DISCONNECTED", 2*time.Second) {
		t.Fatal("the connection ends although heartbeats come")
	}
	r.freeze() // and none do any more
	us.wait(zmq.EventDisconnected)
	r.thaw()
}

// freeze stops the other process without ending it; thaw lets it go on.
func (r *remote) freeze() { r.signal(syscall.SIGSTOP) }
func (r *remote) thaw()   { r.signal(syscall.SIGCONT) }

func (r *remote) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}
