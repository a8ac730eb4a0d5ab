package interop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
	"zeromux/zmtp"
)

// A subject is a socket whose events are read: of either implementation, in
// libzmq's format 1. An event is written KIND|VALUE|ENDPOINT.
type subject interface {
	bind(endpoint string) string
	connect(endpoint string)
	tryBind(endpoint string) error
	release(op, endpoint string) // unbind or disconnect
	shut()
	// until reads events up to one of a kind.
	until(kind string) []string
}

func (s *theirs) tryBind(endpoint string) error {
	s.r.t.Helper()
	_, err := s.r.try("bind", s.name, endpoint)
	return err
}

func (s *theirs) release(op, endpoint string) { s.r.t.Helper(); s.r.do(op, s.name, endpoint) }
func (s *theirs) shut()                       { s.r.t.Helper(); s.r.do("shut", s.name, "0") }

func (s *theirs) until(kind string) []string {
	s.r.t.Helper()
	return s.r.do("told", s.name, kind, millis(patience))
}

// watched is one of our sockets with a monitor.
type watched struct {
	*ours
	reader *zmq.Socket
}

func watchOurs(u *ours) watched {
	u.t.Helper()
	if err := u.s.Monitor("inproc://monitor", zmq.AllEvents, zmq.MonitorOptions{}); err != nil {
		u.t.Fatal(err)
	}
	reader, err := u.s.Context().NewSocket(zmq.PAIR, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	if err := reader.Connect("inproc://monitor"); err != nil {
		u.t.Fatal(err)
	}
	return watched{u, reader}
}

func (w watched) tryBind(endpoint string) error {
	_, err := w.s.Bind(endpoint)
	return err
}

func (w watched) release(op, endpoint string) {
	w.t.Helper()
	do := w.s.Unbind
	if op == "disconnect" {
		do = w.s.Disconnect
	}
	var left *os.PathError // something of an ipc endpoint stays behind, which libzmq does not say
	if err := do(endpoint); err != nil && !errors.As(err, &left) {
		w.t.Fatal(err)
	}
}

func (w watched) shut() { w.t.Helper(); w.close() }

// kindNames are libzmq's names of the events.
var kindNames = map[uint16]string{
	0x0001: "CONNECTED", 0x0002: "CONNECT_DELAYED", 0x0004: "CONNECT_RETRIED", 0x0008: "LISTENING",
	0x0010: "BIND_FAILED", 0x0020: "ACCEPTED", 0x0040: "ACCEPT_FAILED", 0x0080: "CLOSED", 0x0100: "CLOSE_FAILED",
	0x0200: "DISCONNECTED", 0x0400: "MONITOR_STOPPED", 0x0800: "HANDSHAKE_FAILED_NO_DETAIL",
	0x1000: "HANDSHAKE_SUCCEEDED", 0x2000: "HANDSHAKE_FAILED_PROTOCOL", 0x4000: "HANDSHAKE_FAILED_AUTH",
}

func (w watched) until(kind string) (seen []string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	for {
		m, err := w.reader.Recv(ctx)
		if err != nil {
			w.t.Fatalf("waiting for %s after %q: %v", kind, seen, err)
		}
		head := m.Frames[0]
		name := kindNames[binary.NativeEndian.Uint16(head)]
		seen = append(seen, fmt.Sprintf("%s|%d|%s", name, binary.NativeEndian.Uint32(head[2:]), m.Frames[1]))
		if name == kind {
			return seen
		}
	}
}

// A scene is a subject, and what happens to it.
type scene struct {
	*testing.T
	ctx context.Context
	subject
	transport string
	told      []string
}

// wait reads events up to one of a kind.
func (x *scene) wait(kind string) { x.Helper(); x.told = append(x.told, x.until(kind)...) }

// end closes the subject and reads what is left.
func (x *scene) end() { x.Helper(); x.shut(); x.wait("MONITOR_STOPPED") }

// listen is a listener where the subject may connect, and its endpoint.
func (x *scene) listen() (net.Listener, string) {
	x.Helper()
	network, address := "tcp", "127.0.0.1:0"
	if x.transport == "ipc" {
		network, address = "unix", strings.TrimPrefix(wildcard(x.T, "ipc"), "ipc://")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = l.Close() })
	return l, x.transport + "://" + l.Addr().String()
}

// nobody is an endpoint where nobody listens.
func (x *scene) nobody() string {
	l, endpoint := x.listen()
	_ = l.Close()
	return endpoint
}

// peer opens a connection with the subject, from the side that is not its own, and
// says something.
func (x *scene) peer(binds bool, says []byte) net.Conn {
	x.Helper()
	var c net.Conn
	var err error
	if binds {
		network, address, _ := strings.Cut(x.bind(wildcard(x.T, x.transport)), "://")
		if network == "ipc" {
			network = "unix"
		}
		c, err = net.Dial(network, address)
	} else {
		l, endpoint := x.listen()
		x.connect(endpoint)
		c, err = l.Accept()
	}
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = c.Close() })
	_, _ = c.Write(says)
	go func() { _, _ = io.Copy(io.Discard, c) }()
	return c
}

// greeting is a greeting of ZMTP 3.1 and what follows it.
func greeting(mechanism string, then ...[]byte) []byte {
	b := zmtp.AppendGreeting(nil, zmtp.Greeting{Major: 3, Minor: 1, Mechanism: mechanism}, 0)
	return append(b, slices.Concat(then...)...)
}

func command(body []byte) []byte { return zmtp.AppendFrame(nil, zmtp.FlagCommand, body) }

func ready(socketType string) []byte {
	return command(zmtp.AppendReady(nil, zmtp.Metadata{{Name: zmtp.PropertySocketType, Value: []byte(socketType)}}))
}

func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// settings are options by libzmq's names, in milliseconds and octets.
type settings map[string]int

func (o settings) ours(c *zmq.Config) {
	for name, n := range o {
		ms := time.Duration(n) * time.Millisecond
		switch name {
		case "RECONNECT_IVL":
			c.Reconnect.Interval = ms
			if n < 0 {
				c.Reconnect.Interval = zmq.Never
			}
		case "RECONNECT_IVL_MAX":
			c.Reconnect.Max = ms
		case "CONNECT_TIMEOUT":
			c.Reconnect.ConnectTimeout = ms
		case "HANDSHAKE_IVL":
			c.Reconnect.HandshakeTimeout = ms
		case "MAXMSGSIZE":
			c.Limits.MessageSize = int64(n)
		default:
			panic("no such option: " + name)
		}
	}
}

// The sequences of events, each with both transports unless one is named. What an
// option leaves to chance, such as a second attempt, is far away. Not among them is
// the end of a connection with a peer of ZMTP 1.0 or 2.0, or of STREAM, which knows no
// handshake: libzmq reports it as a handshake that failed, whatever was said, and we
// as the end of a connection.
var sequences = []struct {
	name    string
	only    string
	options settings
	play    func(*scene)
}{
	{"nobody listens", "", settings{"RECONNECT_IVL": 20, "RECONNECT_IVL_MAX": 60_000}, func(x *scene) {
		x.connect(x.nobody())
		for range 6 { // the last pause is long enough to end in it
			x.wait("CONNECT_RETRIED")
		}
		x.end()
	}},
	{"nobody listens, and the endpoint is disconnected", "", settings{"RECONNECT_IVL": 60_000}, func(x *scene) {
		endpoint := x.nobody()
		x.connect(endpoint)
		x.wait("CONNECT_RETRIED")
		x.release("disconnect", endpoint)
		x.end()
	}},
	{"nobody listens, and there is one attempt alone", "", settings{"RECONNECT_IVL": -1}, func(x *scene) {
		x.connect(x.nobody())
		x.wait("CLOSED")
		x.end()
	}},
	{"a name that means nothing", "tcp", settings{"RECONNECT_IVL": 60_000}, func(x *scene) {
		x.connect("tcp://nobody.invalid:5")
		x.wait("CONNECT_RETRIED")
		x.end()
	}},
	{"nobody answers, and the endpoint is disconnected", "tcp", settings{"RECONNECT_IVL": 60_000}, func(x *scene) {
		endpoint := unanswered(x)
		x.connect(endpoint)
		x.wait("CONNECT_DELAYED")
		x.release("disconnect", endpoint)
		x.wait("CLOSED")
		x.end()
	}},
	{"nobody answers, and the socket is closed", "tcp", settings{"RECONNECT_IVL": 60_000}, func(x *scene) {
		x.connect(unanswered(x))
		x.wait("CONNECT_DELAYED")
		x.end()
	}},
	{"nobody answers in time", "tcp", settings{"RECONNECT_IVL": 60_000, "CONNECT_TIMEOUT": 100}, func(x *scene) {
		x.connect(unanswered(x))
		x.wait("CONNECT_RETRIED")
		x.end()
	}},
	{"it connects, and its peer leaves", "", settings{"RECONNECT_IVL": 60_000}, func(x *scene) {
		c := x.peer(false, greeting("NULL", ready("DEALER")))
		x.wait("HANDSHAKE_SUCCEEDED")
		_ = c.Close()
		x.wait("CONNECT_RETRIED")
		x.end()
	}},
	{"it connects, and its peer comes back", "", settings{"RECONNECT_IVL": 20, "RECONNECT_IVL_MAX": 60_000}, func(x *scene) {
		l, endpoint := x.listen()
		x.connect(endpoint)
		for range 2 {
			c, err := l.Accept()
			if err != nil {
				x.Fatal(err)
			}
			_, _ = c.Write(greeting("NULL", ready("DEALER")))
			x.wait("HANDSHAKE_SUCCEEDED")
			_ = c.Close()
			x.wait("DISCONNECTED")
		}
		c, err := l.Accept()
		if err != nil {
			x.Fatal(err)
		}
		defer c.Close()
		x.wait("CONNECTED")
		x.end()
	}},
	{"it connects once, and its peer leaves", "", settings{"RECONNECT_IVL": -1}, func(x *scene) {
		c := x.peer(false, greeting("NULL", ready("DEALER")))
		x.wait("HANDSHAKE_SUCCEEDED")
		_ = c.Close()
		x.wait("DISCONNECTED")
		x.end()
	}},
	{"it connects, and disconnects", "", nil, func(x *scene) {
		l, endpoint := x.listen()
		x.connect(endpoint)
		c, err := l.Accept()
		if err != nil {
			x.Fatal(err)
		}
		_, _ = c.Write(greeting("NULL", ready("DEALER")))
		x.wait("HANDSHAKE_SUCCEEDED")
		x.release("disconnect", endpoint)
		x.end()
		_ = c.Close()
	}},
	{"it connects, and is closed", "", nil, func(x *scene) {
		x.peer(false, greeting("NULL", ready("DEALER")))
		x.wait("HANDSHAKE_SUCCEEDED")
		x.end()
	}},
	{"it connects, and is closed during the handshake", "", nil, func(x *scene) {
		x.peer(false, nil)
		x.wait("CONNECTED")
		x.end()
	}},
	{"it binds, and is unbound", "", nil, func(x *scene) {
		endpoint := x.bind(wildcard(x.T, x.transport))
		x.wait("LISTENING")
		x.release("unbind", endpoint)
		x.wait("CLOSED")
		x.end()
	}},
	{"it binds, and is closed", "", nil, func(x *scene) {
		x.bind(wildcard(x.T, x.transport))
		x.end()
	}},
	{"it binds, and its peer leaves", "", nil, func(x *scene) {
		c := x.peer(true, greeting("NULL", ready("DEALER")))
		x.wait("HANDSHAKE_SUCCEEDED")
		_ = c.Close()
		x.wait("DISCONNECTED")
		x.end()
	}},
	{"it binds, and is closed while its peer is there", "", nil, func(x *scene) {
		x.peer(true, greeting("NULL", ready("DEALER")))
		x.wait("HANDSHAKE_SUCCEEDED")
		x.end()
	}},
	{"it binds what another has", "tcp", nil, func(x *scene) {
		l, _ := x.listen()
		if x.tryBind("tcp://"+l.Addr().String()) == nil {
			x.Error("it is bound")
		}
		x.wait("BIND_FAILED")
		x.end()
	}},
	{"it binds where there is no directory", "ipc", nil, func(x *scene) {
		if x.tryBind("ipc:///nowhere/at/all") == nil {
			x.Error("it is bound")
		}
		x.wait("BIND_FAILED")
		x.end()
	}},
	{"it binds a wildcard whose directory others use", "ipc", nil, func(x *scene) {
		endpoint := x.bind("ipc://*")
		other := strings.TrimPrefix(endpoint, "ipc://") + ".other"
		if err := os.WriteFile(other, nil, 0o600); err != nil {
			x.Fatal(err)
		}
		defer os.RemoveAll(strings.TrimSuffix(other, "/socket.other"))
		x.release("unbind", endpoint)
		x.wait("CLOSE_FAILED")
		x.end()
	}},
}

// unanswered is an endpoint whose system does not answer: as many wait there as can.
func unanswered(x *scene) string {
	endpoint, err := fullListener(x.T)
	if err != nil {
		x.Skip(err)
	}
	return endpoint
}

// refusals are handshakes that come to nothing, with the subject on either side. After
// an ERROR, libzmq 4.3.4 waits for the end of the connection and may report that as
// well; later versions hang up at once, and so do we.
var refusals = []struct {
	name    string
	options settings
	says    []byte
	then    func(net.Conn)
	again   bool // who has connected tries again
}{
	{"another mechanism", nil, greeting("PLAIN"), nil, false},
	{"a type that does not fit", nil, greeting("NULL", ready("PUB")), nil, false},
	{"a type that there is not", nil, greeting("NULL", ready("NONSENSE")), nil, false},
	{"a command that is not due", nil, greeting("NULL", command([]byte("\x05HELLO"))), nil, false},
	{"no command", nil, greeting("NULL", []byte{0, 1, 'x'}), nil, false},
	{"metadata that is cut short", nil, greeting("NULL", command([]byte("\x05READY\x0bSocket"))), nil, false},
	{"an ERROR that is malformed", nil, greeting("NULL", command([]byte("\x05ERROR\x09400"))), nil, false},
	{"the end before the greeting", nil, nil, closeWrite, true},
	{"the end within the greeting", nil, greeting("NULL")[:20], closeWrite, true},
	{"the end behind the greeting", nil, greeting("NULL"), closeWrite, true},
	{"silence", settings{"HANDSHAKE_IVL": 100}, nil, nil, true},
	{"silence behind the greeting", settings{"HANDSHAKE_IVL": 100}, greeting("NULL"), nil, true},
}

// Our monitor tells what libzmq's tells, in the same order, of the same things
// happening to a socket.
func TestOurMonitorTellsTheSameAsTheirs(t *testing.T) {
	r := startLibzmq(bounded(t, tableTime), t)
	for _, s := range sequences {
		for _, transport := range bothTransports {
			if s.only == "" || s.only == transport {
				t.Run(s.name+"/"+transport, func(t *testing.T) { compare(t, r, transport, s.options, s.play) })
			}
		}
	}
	for _, f := range refusals {
		for _, side := range []struct {
			name  string
			binds bool
		}{{"it binds", true}, {"it connects", false}} {
			t.Run(f.name+"/"+side.name, func(t *testing.T) {
				options := settings{"RECONNECT_IVL": 60_000}
				for name, n := range f.options {
					options[name] = n
				}
				compare(t, r, "tcp", options, func(x *scene) {
					c := x.peer(side.binds, f.says)
					if f.then != nil {
						f.then(c)
					}
					x.wait("DISCONNECTED")
					if f.again && !side.binds {
						x.wait("CONNECT_RETRIED")
					}
					x.end()
				})
			})
		}
	}
}

// compare plays a scene to both implementations.
func compare(t *testing.T, r *remote, transport string, options settings, play func(*scene)) {
	ctx := bounded(t, testTime)
	them := r.socket(t, "DEALER")
	for name, n := range options {
		them.set(name, n)
	}
	them.monitor()
	theirs := &scene{T: t, ctx: ctx, subject: them, transport: transport}
	play(theirs)
	ours := &scene{T: t, ctx: ctx, subject: watchOurs(ourSocket(ctx, t, "DEALER", options.ours)), transport: transport}
	play(ours)
	want, got := plain(theirs.told), plain(ours.told)
	if !slices.Equal(got, want) {
		t.Errorf("we tell\n\t%s\nthey tell\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

var (
	aPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	aPath = regexp.MustCompile(`(ipc://|^)[^ ]*/(zi|tmp)\w+/`)
)

// plain writes events so that two runs can be compared: without ports, directories
// and descriptors.
func plain(told []string) (all []string) {
	for _, text := range told {
		kind, rest, _ := strings.Cut(text, "|")
		value, endpoint, _ := strings.Cut(rest, "|")
		endpoint = aPath.ReplaceAllString(aPort.ReplaceAllString(endpoint, "HOST:PORT"), "${1}DIR/")
		switch kind {
		case "LISTENING", "ACCEPTED", "CONNECTED", "CLOSED", "DISCONNECTED":
			value = "a descriptor"
		case "CONNECT_RETRIED":
			if ms, err := strconv.Atoi(value); err == nil && ms >= 20 && ms < 120_000 { // libzmq 4.3.4 adds something at random
				value = "a pause"
			}
		}
		if kind == "CLOSED" && endpoint == "" {
			endpoint = "tcp://HOST:PORT" // libzmq does not say which when a bind has failed
		}
		all = append(all, kind+" "+value+" "+endpoint)
	}
	return all
}
