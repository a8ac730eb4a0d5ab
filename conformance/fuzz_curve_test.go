package conformance

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"zeromux/zmq"
	"zeromux/zmtp"
)

// both are the securities of a server and a client that go together. They are made once.
var both = sync.OnceValue(func() [2]zmq.Security {
	t := new(testing.T) // it fails where there are no random numbers
	own, other := newIdentity(t), newIdentity(t)
	return [2]zmq.Security{curveServer(own), curveClient(other, own.public)}
})

// afterHandshake is how many commands a hand may have behind it, from the greeting on to
// the end of the handshake.
const afterHandshake = 2

func seedCurve(f *testing.F) {
	for after := range byte(afterHandshake + 2) {
		for _, octets := range []string{
			"", "\x04\x26\x05READY", "\x04\xc8\x05HELLO\x01\x00", "\x06\x00\x00\x00\x00\x00\x00\x01\x01\x08INITIATE", "\x04\xa8\x07WELCOME",
			"\x04\x09\x05ERROR\x03400", "\x00\x29\x07MESSAGE\x00\x00\x00\x00\x00\x00\x00\x03", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff\x07MESSAGE",
		} {
			f.Add(after, []byte(octets))
		}
		f.Add(after, zmtp.AppendGreeting(nil, zmtp.Greeting{Mechanism: "CURVE"}, 0))
		f.Add(after, bytes.Repeat(zmtp.AppendFrame(nil, zmtp.FlagCommand, make([]byte, 200)), 3))
	}
}

// FuzzBindCurve has a client say anything at all to a server of CURVE, at once, after the
// greeting, or after commands that were as they should be. Nothing of it is received,
// and the next client is served.
func FuzzBindCurve(f *testing.F) {
	seedCurve(f)
	f.Fuzz(func(t *testing.T, after byte, octets []byte) {
		inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
			server := s.socket(zmq.DEALER, secured(both()[0]), dial)
			server.connect("tcp://127.0.0.1:1")
			s.rave(accept(), both()[1], after, octets)
			s.serves(server, both()[1])
		})
	})
}

// FuzzConnectCurve has a server say anything at all to a client of CURVE.
func FuzzConnectCurve(f *testing.F) {
	seedCurve(f)
	f.Fuzz(func(t *testing.T, after byte, octets []byte) {
		inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
			client := s.socket(zmq.DEALER, secured(both()[1]), dial)
			client.connect("tcp://127.0.0.1:1")
			s.rave(accept(), both()[0], after, octets)
			s.serves(client, both()[0])
		})
	})
}

// rave says octets to a socket, some way into a handshake, and hangs up.
func (s *stage) rave(conn net.Conn, security zmq.Security, after byte, octets []byte) {
	s.Helper()
	said := make(chan struct{})
	if n := int(after) % (afterHandshake + 2); n > 0 {
		take(s, conn, sideOf(s, security, zmq.DEALER)).advance(n - 1)
	}
	go func() {
		defer close(said)
		_, _ = conn.Write(octets) // for as long as it is heard
		_ = conn.Close()
	}()
	_, _ = io.Copy(io.Discard, conn)
	<-said
}

// serves checks that a socket talks to another, as if nothing had been before.
func (s *stage) serves(a *actor, security zmq.Security) {
	s.Helper()
	b := s.socket(zmq.DEALER, secured(security))
	ours, theirs := net.Pipe()
	if err := a.Attach(ours); err != nil {
		s.Fatal(err)
	}
	if err := b.Attach(theirs); err != nil {
		s.Fatal(err)
	}
	b.peers(1)
	b.send("hello")
	a.want("hello")
	a.silent()
}
