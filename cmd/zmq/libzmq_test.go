package main

import (
	"testing"

	"zeromux/internal/zmtptest"
)

// Against libzmq, by way of Python, where that is installed.

// libzmq runs a script with pyzmq: s is a socket of the type, and endpoint the
// argument; others follow from sys.argv[3] on.
func libzmq(t *testing.T, socketType, endpoint, script string, more ...string) *process {
	t.Helper()
	path, reason := zmtptest.PyZMQ()
	if reason != "" {
		t.Skip(reason)
	}
	const before = "import sys, zmq\n" +
		"endpoint = sys.argv[1]\n" +
		"s = zmq.Context.instance().socket(getattr(zmq, sys.argv[2]))\n"
	script = before + script + "\ns.close()\nzmq.Context.instance().term()\n"
	return launch(t, path, append([]string{"-c", script, endpoint, socketType}, more...)...)
}

func TestLibzmqTakesWhatPushSends(t *testing.T) {
	e := ipcEndpoint(t)
	peer := libzmq(t, "PULL", e, "s.bind(endpoint)\nprint(s.recv_multipart(), s.recv_multipart())")
	start(t, "push", "--split", `\t`, e).says("one\ntwo\t\tframes\n").prints("")
	peer.prints("[b'one'] [b'two', b'', b'frames']\n")
}

func TestPullTakesWhatLibzmqSends(t *testing.T) {
	e := ipcEndpoint(t)
	pull := start(t, "pull", "-n", "2", "--format", "json", e)
	libzmq(t, "PUSH", e, "s.connect(endpoint)\ns.send(b'one')\ns.send_multipart([b'two', b'', b'\\xff' * 2])").prints("")
	pull.prints(`["one"]` + "\n" + `["two","",{"base64":"//8="}]` + "\n")
}

func TestLibzmqSubscribesToPub(t *testing.T) {
	e := ipcEndpoint(t)
	peer := libzmq(t, "SUB", e, "s.subscribe(b'b')\ns.connect(endpoint)\nprint(s.recv(), s.recv())")
	start(t, "pub", "--wait", "1", e).says("a1\nb1\na2\nb2\n").prints("")
	peer.prints("b'b1' b'b2'\n")
}

func TestSubSubscribesToLibzmq(t *testing.T) {
	e := ipcEndpoint(t)
	peer := libzmq(t, "XPUB", e, "s.bind(endpoint)\nprint(s.recv())\n[s.send(m) for m in (b'a1', b'b1', b'a2', b'b2')]")
	start(t, "sub", "-n", "2", "-s", "b", e).prints("b1\nb2\n")
	peer.prints("b'\\x01b'\n")
}

func TestReqAsksLibzmqAndRepAnswersIt(t *testing.T) {
	e := ipcEndpoint(t)
	peer := libzmq(t, "REP", e, "s.bind(endpoint)\nfor i in range(2): s.send(s.recv().upper())")
	start(t, "req", e).says("one\ntwo\n").prints("ONE\nTWO\n")
	peer.ends(exitDone)

	e = ipcEndpoint(t)
	rep := start(t, "rep", "--echo", "-n", "1", e)
	libzmq(t, "REQ", e, "s.connect(endpoint)\ns.send(b'hello')\nprint(s.recv())").prints("b'hello'\n")
	rep.prints("hello\n")
}

func TestRouterTalksToDealersOfLibzmq(t *testing.T) {
	e := ipcEndpoint(t)
	router := start(t, "router", "-n", "1", "--wait", "1", e).says("peer\thello\n")
	libzmq(t, "DEALER", e, "s.routing_id = b'peer'\ns.connect(endpoint)\nprint(s.recv())\ns.send(b'hi')").prints("b'hello'\n")
	router.prints("peer\thi\n")
}
