package conformance

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// notReplayed are the vectors that need what there is not, each with what that is.
var notReplayed = map[string]string{
	"odd-dish-frame-without-group": "DISH is a draft type",
	"odd-server-multipart":         "SERVER is a draft type",
}

// apart are the vectors in which we differ from libzmq on purpose; each has a test
// of its own in differences_test.go.
var apart = []string{
	"heartbeat-ttl-overflow",
	"odd-duplicate-identity",
	"odd-duplicate-identity-handover",
	"odd-pair-second-connection",
}

// a wire is a way to connect a socket with a test.
type wire struct {
	name string
	open func(*ours, *zmq.Config)
	// begin is called when the socket is there, and returns the other end.
	begin func(*ours) net.Conn
	// play runs a test, in a bubble of fake time if the wire allows it.
	play func(*testing.T, func(*testing.T))
}

var wires = []wire{
	{
		"a pipe",
		func(o *ours, c *zmq.Config) {
			c.Network.Dial = func(context.Context, string, string) (net.Conn, error) {
				mine, theirs := net.Pipe()
				o.conns <- theirs
				return mine, nil
			}
		},
		func(o *ours) net.Conn {
			if asServer(o.dir) {
				return o.attach()
			}
			if err := o.socket.Connect("tcp://127.0.0.1:1"); err != nil {
				o.Fatal(err)
			}
			return <-o.conns
		},
		func(t *testing.T, f func(*testing.T)) { synctest.Test(t, f) },
	},
	{
		"the system",
		func(*ours, *zmq.Config) {},
		func(o *ours) net.Conn {
			if asServer(o.dir) {
				return o.dial(o.bind())
			}
			return o.listen()
		},
		func(t *testing.T, f func(*testing.T)) {
			t.Parallel() // time is real here, and passes for all at once
			f(t)
		},
	},
}

// attach gives the socket one end of a pipe and returns the other.
func (o *ours) attach() net.Conn {
	mine, theirs := net.Pipe()
	if err := o.socket.Attach(mine); err != nil {
		o.Fatal(err)
	}
	return theirs
}

// bind binds the socket and returns how to reach it.
func (o *ours) bind() (network, address string) {
	endpoint := "tcp://127.0.0.1:*"
	if o.vector.Transport == "ipc" {
		endpoint = "ipc://" + o.path()
	}
	bound, err := o.socket.Bind(endpoint)
	if err != nil {
		o.Fatal(err)
	}
	if o.vector.Transport == "ipc" {
		return "unix", bound[len("ipc://"):]
	}
	return "tcp", bound[len("tcp://"):]
}

func (o *ours) path() string {
	dir, err := os.MkdirTemp("", "zmq") // short, as the paths of sockets must be
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "socket")
}

func (o *ours) dial(network, address string) net.Conn {
	c, err := net.Dial(network, address)
	if err != nil {
		o.Fatal(err)
	}
	return c
}

// listen has the socket connect and returns the connection; more may follow.
func (o *ours) listen() net.Conn {
	network, address, scheme := "tcp", "127.0.0.1:0", "tcp://"
	if o.vector.Transport == "ipc" {
		network, address, scheme = "unix", o.path(), "ipc://"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		o.Fatal(err)
	}
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.conns <- c
		}
	}()
	o.stop = func() {
		_ = l.Close()
		<-accepting
	}
	if err := o.socket.Connect(scheme + l.Addr().String()); err != nil {
		o.Fatal(err)
	}
	return <-o.conns
}

func vectors(t testing.TB) []*zmtptest.Vector {
	t.Helper()
	all, err := zmtptest.LoadVectors(filepath.Join("..", "zmtp", "testdata", "vectors"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Our sockets say what libzmq's said, octet for octet, in every recorded
// conversation. RFC 37, RFC 23, RFC 15 and RFC 13.
func TestSocketsSayWhatLibzmqSaid(t *testing.T) {
	var replayed, left int
	for _, v := range vectors(t) {
		if why := notReplayed[v.Name]; why != "" {
			t.Logf("not replayed: %s: %s", v.Name, why)
			left++
			continue
		}
		if slices.Contains(apart, v.Name) {
			t.Logf("on purpose not as libzmq, in a test of its own: %s", v.Name)
			left++
			continue
		}
		replayed++
		for _, dir := range []zmtptest.Direction{zmtptest.ClientToServer, zmtptest.ServerToClient} {
			if v.Scripted == dir {
				continue
			}
			for _, w := range wires {
				t.Run(fmt.Sprintf("%s/%s over %s", v.Name, dir, w.name), func(t *testing.T) {
					w.play(t, func(t *testing.T) { replay(t, v, dir, w) })
				})
			}
		}
	}
	if left != len(notReplayed)+len(apart) || replayed+left != 80 {
		t.Errorf("%d vectors replayed and %d left out, of 80", replayed, left)
	}
}

// replay plays the other side of a vector to a socket of ours.
func replay(t *testing.T, v *zmtptest.Vector, dir zmtptest.Direction, w wire) {
	o := newOurs(t, v, dir, w.open)
	conn := w.begin(o)
	deadline := time.Now().Add(patience)
	if err := conn.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	peer := zmtptest.NewPeer(conn)
	done := make(chan error, 1)
	go func() { done <- o.do() }()
	if err := peer.Replay(v, dir.Other()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	o.checkEvents()
	o.checkQuestions(w)
	o.checkEnd()
	ends := slices.ContainsFunc(v.Steps, func(s zmtptest.Step) bool { return len(s.Octets) == 0 })
	if !ends && !strings.HasPrefix(v.Name, "heartbeat") {
		if err := o.socket.Close(); err != nil {
			t.Error(err)
		}
		peer.Play(t, "expect eof") // and nothing that libzmq did not say
	}
	_ = peer.Close()
	o.close()
	for len(o.conns) > 0 {
		_ = (<-o.conns).Close()
	}
}

// notedLater are vectors whose monitor reported something that depends on which side
// was faster.
var notedLater = map[string]string{
	"odd-socket-type-mismatch": "whichever side reads the other's READY first closes",
}

// checkEvents compares the events with the recorded ones, as far as both go on.
func (o *ours) checkEvents() {
	o.Helper()
	want := o.side.Events
	if notedLater[o.vector.Name] != "" || len(want) == 0 && o.vector.Scripted == "" {
		return
	}
	switch o.vector.Name {
	case "odd-early-close-connecter":
		want = want[:3] // what the second connection met is another matter
	case "stream-connect":
		want = want[1:] // HANDSHAKE_FAILED_NO_DETAIL, though there is no handshake
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = until(ctx, func() bool { return len(o.heard()) >= len(want) }) // what is missing shows below
	got := o.heard()
	if len(got) > len(want) && want != nil && got[len(want)-1].Name == "CONNECT_RETRIED" {
		got = got[:len(want)]
	}
	if !slices.Equal(got, want) {
		o.Errorf("events %v, want %v", got, want)
	}
}

// checkEnd checks whether the connection is over, and whether the socket connects
// anew, as libzmq did.
func (o *ours) checkEnd() {
	o.Helper()
	if closed, known := o.vector.Outcome["libzmq_closed_connection"]; known && !closed {
		if o.gone() {
			o.Errorf("the connection is over: %v", o.heard())
		}
	}
	again, known := o.vector.Outcome["libzmq_reconnects"]
	if !known {
		return
	}
	limit := 300 * time.Millisecond
	if again {
		limit = patience
	}
	select {
	case c := <-o.conns:
		_ = c.Close()
		if !again {
			o.Error("the socket connects anew")
		}
	case <-time.After(limit):
		if again {
			o.Error("the socket does not connect anew")
		}
	}
}
