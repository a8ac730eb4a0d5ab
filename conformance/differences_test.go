package conformance

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// This file has the vectors in which libzmq does what we do better not: each test
// plays what the scripted side said, and checks what we do.

// vectorNamed returns a vector.
func vectorNamed(t testing.TB, name string) *zmtptest.Vector {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no vector %s", name)
	return nil
}

// upTo returns a vector that ends before its first step of some name.
func upTo(v *zmtptest.Vector, what string) *zmtptest.Vector {
	short := *v
	i := slices.IndexFunc(v.Steps, func(s zmtptest.Step) bool { return strings.HasPrefix(s.What, what) })
	short.Steps = v.Steps[:i]
	return &short
}

// second opens another connection of a vector's scripted side and says the same, but
// "two" in place of "one".
func (o *ours) second() net.Conn {
	conn := o.attach()
	all := bytes.Join(o.vector.Octets(o.dir.Other()), nil)
	all = bytes.Replace(all, []byte("one"), []byte("two"), 1)
	go func() { _, _ = conn.Write(all) }() // who is not served is not read to the end
	return conn
}

// expectEnd reads to the end of a connection.
func expectEnd(t testing.TB, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("the connection does not end: %v", err)
	}
}

// A second peer of the same identity is told by the end of its connection that it is
// not served. libzmq keeps the connection and never looks at it again.
func TestASecondPeerOfTheSameIdentityIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vectorNamed(t, "odd-duplicate-identity")
		o := newOurs(t, v, zmtptest.ServerToClient, func(*ours, *zmq.Config) {})
		first := zmtptest.NewPeer(o.attach())
		if err := first.Replay(v, zmtptest.ClientToServer); err != nil {
			t.Error(err)
		}
		second := o.second()
		expectEnd(t, second)
		first.Play(t, `send frame "three"`)
		o.mustReceive("same", "one")
		o.mustReceive("same", "three")
		synctest.Wait()
		if events := o.heard(); !slices.Equal(events, v.Server.Events) {
			t.Errorf("events %v, want %v", events, v.Server.Events)
		}
		o.close()
		_, _ = first.Close(), second.Close()
	})
}

// With ROUTER_HANDOVER the second peer takes the identity over, and the first is
// told. libzmq keeps the first connection and never looks at it again.
func TestAPeerWhoseIdentityIsTakenOverIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vectorNamed(t, "odd-duplicate-identity-handover")
		o := newOurs(t, v, zmtptest.ServerToClient, func(*ours, *zmq.Config) {})
		first := zmtptest.NewPeer(o.attach())
		if err := first.Replay(v, zmtptest.ClientToServer); err != nil {
			t.Error(err)
		}
		o.mustReceive("same", "one")
		second := o.second()
		go first.Play(t, "expect eof")
		said := make(chan []byte)
		go func() {
			stream, _ := io.ReadAll(second)
			said <- stream
		}()
		o.mustReceive("same", "two")
		if err := o.socket.SendString(context.Background(), "same", "to the second"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		_ = second.Close()
		if stream := <-said; !bytes.HasSuffix(stream, []byte("\x00\x0dto the second")) {
			t.Errorf("the second peer was sent %q", stream)
		}
		o.close()
		_, _ = first.Close(), second.Close()
	})
}

// A second peer of a PAIR is told by the end of its connection. libzmq keeps the
// connection and never looks at it again.
func TestASecondPeerOfAPairIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vectorNamed(t, "odd-pair-second-connection")
		o := newOurs(t, v, zmtptest.ServerToClient, func(*ours, *zmq.Config) {})
		first := zmtptest.NewPeer(o.attach())
		if err := first.Replay(v, zmtptest.ClientToServer); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		second := o.second()
		expectEnd(t, second)
		first.Play(t, `send frame "three"`)
		o.mustReceive("one")
		o.mustReceive("three")
		if err := o.socket.SendString(context.Background(), "to the first"); err != nil {
			t.Error(err)
		}
		first.Play(t, `expect frame "to the first"`)
		o.close()
		_, _ = first.Close(), second.Close()
	})
}

// A time to live is what it says. libzmq counts modulo 65.536 s and gives up a peer
// that promised 65.6 s after 64 ms.
func TestATimeToLiveOfMoreThanAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vectorNamed(t, "heartbeat-ttl-overflow")
		o := newOurs(t, v, zmtptest.ServerToClient, func(*ours, *zmq.Config) {})
		peer := zmtptest.NewPeer(o.attach())
		if err := peer.Replay(upTo(v, "end of stream"), zmtptest.ClientToServer); err != nil {
			t.Error(err)
		}
		began := time.Now()
		peer.Play(t, "expect silence 65s\nexpect eof")
		if took := time.Since(began); took < 65600*time.Millisecond || took > 65700*time.Millisecond {
			t.Errorf("the connection ended after %v", took)
		}
		o.close()
		_ = peer.Close()
	})
}

// mustReceive receives a message.
func (o *ours) mustReceive(frames ...string) {
	o.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := o.socket.Recv(ctx)
	if err != nil {
		o.Errorf("%q did not come: %v", frames, err)
		return
	}
	var got []string
	for _, f := range m.Frames {
		got = append(got, string(f))
	}
	if !slices.Equal(got, frames) {
		o.Errorf("received %q, want %q", got, frames)
	}
}
