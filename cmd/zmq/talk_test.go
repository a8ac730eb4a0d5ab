package main

import (
	"io"
	"net"
	"strings"
	"testing"
)

func TestDealerAndRouterTalk(t *testing.T) {
	e := ipcEndpoint(t)
	router := start(t, "router", "-n", "2", "--wait", "2", e).says("alice\thello\n0x00ff\thi\tthere\n")
	alice := start(t, "dealer", "-n", "1", "--identity", "alice", "-m", "from alice", e)
	other := start(t, "dealer", "-n", "1", "--identity", "0x00ff", "-m", "from another", e)
	alice.prints("hello\n")
	other.prints("hi\tthere\n")
	got := router.ends(exitDone).stdout.String()
	for _, line := range []string{"alice\tfrom alice\n", "0x00ff\tfrom another\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("router printed %q, without %q", got, line)
		}
	}
}

func TestRouterTellsWhoIsNotThere(t *testing.T) {
	e := ipcEndpoint(t)
	router := start(t, "router", "--send-only", "--wait", "1", e).says("bob\tlost\nalice\thello\n")
	start(t, "dealer", "-n", "1", "--identity", "alice", e).says("").prints("hello\n")
	router.ends(exitError)
	if got, want := router.stderr.String(), "zmq: ROUTER: no peer has the routing id bob\nzmq: not all messages were sent\n"; got != want {
		t.Errorf("it said %q, want %q", got, want)
	}
}

func TestRouterAnswersARequest(t *testing.T) {
	e := ipcEndpoint(t)
	router := start(t, "router", "-n", "1", e)
	req := start(t, "req", "-m", "question", "--identity", "r", e)
	router.stdout.await(t, "r\t\tquestion")
	router.says("r\t\tanswer\n")
	req.prints("answer\n")
	router.prints("r\t\tquestion\n")
}

func TestDealerAsksRep(t *testing.T) {
	e := ipcEndpoint(t)
	rep := start(t, "rep", "--echo", "-n", "2", e)
	start(t, "dealer", "-n", "2", "--split", ",", e).says(",one\n,two\n").prints("\tone\n\ttwo\n")
	rep.prints("one\ntwo\n")
}

func TestPairTalksBothWays(t *testing.T) {
	e := ipcEndpoint(t)
	a := start(t, "pair", "-n", "2", "@"+e).says("1\n2\n")
	b := start(t, "pair", "-n", "2", e).says("3\n4\n")
	a.prints("3\n4\n")
	b.prints("1\n2\n")
}

func TestSendOnlyEndsWhenAllIsSent(t *testing.T) {
	e := ipcEndpoint(t)
	a := start(t, "pair", "--send-only", "-m", "bye", "@"+e)
	b := start(t, "pair", "-n", "1", e).says("")
	a.prints("")
	b.prints("bye\n")
}

func TestXPubPrintsSubscriptions(t *testing.T) {
	e := ipcEndpoint(t)
	xpub := start(t, "xpub", "--format", "quoted", "-n", "2", e)
	xsub := start(t, "xsub", "-n", "1", "--input", "quoted", e).says(`"\x01news"` + "\n")
	xpub.stdout.await(t, `"\x01news"`)
	xpub.says("weather\nnews at ten\n")
	xsub.prints("news at ten\n")
	xpub.prints(`"\x01news"` + "\n" + `"\x00news"` + "\n")
}

func TestStreamTalksPlainTCP(t *testing.T) {
	stream := start(t, "stream", "--verbose", "-n", "2", "@tcp://127.0.0.1:*")
	conn, err := net.Dial("tcp", strings.TrimPrefix(stream.bound(), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(stream.stdout.await(t, "\tping"), "\t")
	stream.says(id + "\tpong\n" + id + "\t\n")
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "pong" {
		t.Errorf("read %q (%v), want pong and the end", got, err)
	}
	stream.prints(id + "\t\n" + id + "\tping\n")
}
