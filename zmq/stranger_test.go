package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/zmq"
	"zeromux/zmtp"
)

// A stranger is a client of CURVE that is spoken by hand and does not keep to the rules.
type stranger struct {
	testing.TB
	net.Conn
	curve mechanism.Mechanism
	said  []byte
}

// knock opens a connection and says a greeting.
func knock(t testing.TB, address string, keys *mechanism.CurveKeys) *stranger {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	config := mechanism.Config{Metadata: zmtp.Metadata{{Name: zmtp.PropertySocketType, Value: []byte("PULL")}}}
	s := &stranger{TB: t, Conn: conn, curve: mechanism.NewCurveClient(config, keys)}
	s.say(zmtp.AppendGreeting(nil, zmtp.Greeting{Major: 3, Minor: 1, Mechanism: "CURVE"}, 0))
	return s
}

// say writes octets, if the server still hears them.
func (s *stranger) say(octets ...[]byte) {
	b := slices.Concat(octets...)
	s.said = append(s.said, b...)
	_, _ = s.Write(b)
}

// next is the command that comes next in an honest handshake, as a frame.
func (s *stranger) next() []byte {
	s.Helper()
	command, ok, err := s.curve.Next()
	if !ok || err != nil {
		s.Fatalf("no command: %v", err)
	}
	return zmtp.AppendFrame(nil, zmtp.FlagCommand, command)
}

// hear reads one command of the server, and its greeting before the first.
func (s *stranger) hear(skip int) {
	s.Helper()
	_ = s.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, skip+2)
	_, err := io.ReadFull(s, b)
	if err == nil {
		body := make([]byte, b[skip+1]) // no command of a server is long
		if _, err = io.ReadFull(s, body); err == nil {
			err = s.curve.Handle(body)
		}
	}
	if err != nil {
		s.Fatal(err)
	}
}

// welcome gets as far as the server's WELCOME, and initiate is what would be next.
func (s *stranger) welcome() (initiate []byte) {
	s.Helper()
	s.say(s.next())
	s.hear(zmtp.GreetingSize)
	return s.next()
}

// wantEnd fails unless the server closes the connection.
func (s *stranger) wantEnd() {
	s.Helper()
	_ = s.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, s); errors.Is(err, os.ErrDeadlineExceeded) {
		s.Error("the server keeps the connection")
	}
}

// frameOf is the head of a command of so many octets.
func frameOf(size uint64) []byte {
	b := []byte{byte(zmtp.FlagCommand) | 2}
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(size>>shift))
	}
	return b
}

// What clients do that nobody has let in, and whether the server hangs up at once. It
// waits for the others for as long as a handshake may take.
var mischief = []struct {
	name string
	do   func(*stranger)
	ends bool
}{
	// CVE-2020-15166: whoever said nothing had a place among the peers.
	{"says no more than a greeting", func(*stranger) {}, false},
	{"says half a HELLO", func(s *stranger) { s.say(s.next()[:100]) }, false},
	{"never sends INITIATE", func(s *stranger) { s.welcome() }, false},
	{"sends a flood of HELLOs", func(s *stranger) { s.say(bytes.Repeat(s.next(), 1000)) }, true},
	{"sends a HELLO that is cut short", func(s *stranger) {
		hello := s.next()
		hello[1]--
		s.say(hello[:len(hello)-1])
	}, true},
	{"sends a HELLO with a bit turned", func(s *stranger) {
		hello := s.next()
		hello[len(hello)-1] ^= 1
		s.say(hello)
	}, true},
	{"sends an INITIATE that is cut short", func(s *stranger) {
		initiate := s.welcome()
		body := initiate[2 : len(initiate)-1]
		if len(initiate) > 257 {
			body = initiate[9 : len(initiate)-1]
		}
		s.say(zmtp.AppendFrame(nil, zmtp.FlagCommand, body))
	}, true},
	// CVE-2019-13132: the metadata of an INITIATE ran over what was meant for them.
	{"sends an INITIATE with much that opens to nothing", func(s *stranger) {
		initiate := s.welcome()
		s.say(zmtp.AppendFrame(nil, zmtp.FlagCommand, append(initiate[len(initiate)-200:], make([]byte, 100<<10)...)))
	}, true},
	// CVE-2019-6250: the size of a frame went around the end of the address space.
	{"announces a frame of all octets that there are", func(s *stranger) { s.say(frameOf(1<<64-1), make([]byte, 1000)) }, true},
	{"announces an INITIATE of a terabyte", func(s *stranger) { s.welcome(); s.say(frameOf(1<<40), []byte("\x08INITIATE")) }, true},
	{"sends a message before it is let in", func(s *stranger) { s.say(zmtp.AppendFrame(nil, 0, []byte("\x07MESSAGE and so on"))) }, true},
	{"says that it is ready without security", func(s *stranger) { s.say([]byte("\x04\x06\x05READY")) }, true},
}

// Whatever clients do that nobody has let in: an honest one is served, gets all that is
// sent, and nothing goes to anybody else.
func TestStrangersKeepNobodyOut(t *testing.T) {
	server, client, unknown := newIdentity(t), newIdentity(t), newIdentity(t)
	keys, err := mechanism.NewCurveClientKeys(unknown.public, [zmq.CurveKeySize]byte(unknown.secret.Bytes()), server.public)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mischief {
		t.Run(m.name, func(t *testing.T) {
			c := newContext(t)
			push := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: curveServer(server)})
			endpoint := bind(t, push, "tcp://127.0.0.1:*")
			var all []*stranger
			for range 20 {
				s := knock(t, strings.TrimPrefix(endpoint, "tcp://"), keys)
				m.do(s)
				all = append(all, s)
			}
			pull := newSocket(t, c, zmq.PULL, &zmq.Config{Security: curveClient(client, server.public)})
			connect(t, pull, endpoint)
			for i := range 50 { // in turn to all who are there
				send(t, push, fmt.Sprint(i))
				want(t, pull, fmt.Sprint(i))
			}
			if n := len(push.Peers()); n != 1 {
				t.Errorf("there are %d peers", n)
			}
			for _, s := range all {
				if m.ends {
					s.wantEnd()
				}
			}
		})
	}
}

// What came over one connection is worth nothing on another, and nothing the second time
// on its own. RFC 26 "Security against Replay Attacks".
func TestWhatWasSentBeforeIsNotTakenAgain(t *testing.T) {
	server, client := newIdentity(t), newIdentity(t)
	keys, err := mechanism.NewCurveClientKeys(client.public, [zmq.CurveKeySize]byte(client.secret.Bytes()), server.public)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		order []int // of the messages that were sealed
		come  int   // how many are received
	}{
		"all in order":   {[]int{0, 1, 2}, 3},
		"one is missing": {[]int{0, 2}, 2},
		"one is again":   {[]int{0, 1, 1, 2}, 2},
		"two changed":    {[]int{1, 0, 2}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{Security: curveServer(server)})
			address := strings.TrimPrefix(bind(t, dealer, "tcp://127.0.0.1:*"), "tcp://")
			s := knock(t, address, keys)
			s.curve = mechanism.NewCurveClient(mechanism.Config{Metadata: zmtp.Metadata{
				{Name: zmtp.PropertySocketType, Value: []byte("DEALER")}, {Name: zmtp.PropertyIdentity},
			}}, keys)
			s.say(s.welcome())
			s.hear(0)
			if !s.curve.Done() {
				t.Fatal("the handshake is not done")
			}
			var sealed [][]byte
			for i := range 3 {
				body, err := s.curve.Seal(nil, 0, fmt.Append(nil, i))
				if err != nil {
					t.Fatal(err)
				}
				sealed = append(sealed, zmtp.AppendFrame(nil, 0, body))
			}
			var stream []byte
			for _, i := range test.order {
				stream = append(stream, sealed[i]...)
			}
			s.say(stream)
			for _, i := range test.order[:test.come] {
				want(t, dealer, fmt.Sprint(i))
			}
			if test.come < len(test.order) {
				s.wantEnd()
			}
			other := knock(t, address, keys) // says all the same, to another cookie
			other.say(s.said[zmtp.GreetingSize:])
			other.wantEnd()
		})
	}
}

// A client that never gets further than WELCOME, which is as far as one comes who has no
// key, costs the server little, stacks included.
func TestAHalfOpenSecureConnectionTakesLittleMemory(t *testing.T) {
	if raceEnabled || runtime.GOOS == "windows" {
		t.Skip("a connection takes more")
	}
	const (
		connections = 400
		most        = 10 << 10 // octets each, of which the client's end here takes less than two
	)
	server, unknown := newIdentity(t), newIdentity(t)
	keys, err := mechanism.NewCurveClientKeys(unknown.public, [zmq.CurveKeySize]byte(unknown.secret.Bytes()), server.public)
	if err != nil {
		t.Fatal(err)
	}
	c := newContext(t)
	push := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: curveServer(server)})
	address := strings.TrimPrefix(bind(t, push, "tcp://127.0.0.1:*"), "tcp://")
	knock(t, address, keys).welcome() // what is made once
	taken := func() int {
		heap()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc + m.StackInuse)
	}
	before := taken()
	for range connections {
		s := knock(t, address, keys)
		s.welcome()
		s.curve, s.said = nil, nil
	}
	if each := (taken() - before) / connections; each > most {
		t.Errorf("each takes %d octets", each)
	}
}
