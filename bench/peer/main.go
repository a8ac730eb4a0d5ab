// Command peer is our side of every comparison: zeromux, driven by one call per
// message. ../cpeer does the same with libzmq; both take the same command line
// and print the same lines of JSON, so the harness treats them alike.
//
//	peer ROLE -endpoint=E [-size=N] [-warmup=MS] [-window=MS] [-recv=into|plain]
//	     [-peers=N] [-depth=N] [-topics=N] [-handshake=MS]
//	     [-secret-key=K [-public-key=K -server-key=K]]
//
// The roles pull, rep, pollrep, pub and router bind; push, req, subs, dealers and
// visitors connect; forwarder and queue are steerable proxies that bind, and feeder and
// worker connect to them from the other side; registrar binds, and subscribing and
// holding connect, for subscriptions alone; pushpull, reqrep and pollreq hold both ends
// in one process, for inproc. With keys, which are of CURVE and in Z85, all connections
// have that mechanism, and who knows no server's key is the server. Options
// keep their defaults but where the command line and fanout.go say otherwise.
// On standard input "mark" asks for a mark event, "trim" for giving back all
// memory that is not needed; "quit" or end of file ends the process at once.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"zeromux/zmq"
)

// peer is what the command line asked for, and what has been done so far.
type peer struct {
	endpoint       string
	size           int           // octets a message
	warmup, window time.Duration // before measuring, and measuring
	plain          bool          // Recv instead of RecvInto
	peers          int           // how many subscribers, clients or visitors at once, or sockets in a poller
	depth          int           // messages that each client keeps on the way
	topics         int           // subscriptions of each subscriber
	curve          zmq.Curve     // of every socket
	handshake      time.Duration // what one may take; 0 is the default
	passed         atomic.Int64  // messages sent, deliveries due, or replies sent
}

// event is one line of output; the fields that a kind of event does not use stay away.
type event struct {
	Event    string `json:"event"`
	Library  string `json:"library,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Text     string `json:"text,omitempty"`
	Messages int64  `json:"messages,omitempty"`
	Ns       int64  `json:"ns,omitempty"`
	CPUNs    int64  `json:"cpu_ns,omitempty"`
	Allocs   int64  `json:"allocs,omitempty"` // objects; libzmq does not tell
	P50Ns    int64  `json:"p50_ns,omitempty"`
	P99Ns    int64  `json:"p99_ns,omitempty"`
	P999Ns   int64  `json:"p999_ns,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		say(event{Event: "error", Text: err.Error()})
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("no role: want one of " + roleNames())
	}
	play, ok := roles[args[0]]
	if !ok {
		return fmt.Errorf("role %q: want one of %s", args[0], roleNames())
	}
	p := &peer{}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&p.endpoint, "endpoint", "", "where to bind or connect")
	flags.IntVar(&p.size, "size", 64, "octets a message, at least 8")
	warmup := flags.Int("warmup", 300, "milliseconds before measuring")
	window := flags.Int("window", 1000, "milliseconds to measure")
	receive := flags.String("recv", "into", "into: RecvInto, plain: Recv")
	flags.IntVar(&p.peers, "peers", 1, "subscribers, clients or visitors at once, or sockets in a poller")
	flags.IntVar(&p.depth, "depth", 1, "messages that each client keeps on the way")
	flags.IntVar(&p.topics, "topics", 1, "subscriptions of each subscriber")
	handshake := flags.Int("handshake", 0, "milliseconds that a handshake may take, 0 for the default")
	flags.TextVar(&p.curve.SecretKey, "secret-key", zmq.CurveSecretKey{}, "key of CURVE")
	flags.TextVar(&p.curve.PublicKey, "public-key", zmq.CurvePublicKey{}, "key of CURVE: of a client")
	flags.TextVar(&p.curve.ServerKey, "server-key", zmq.CurvePublicKey{}, "key of CURVE: of the server that a client talks to")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if p.size < 8 {
		return errors.New("a message must hold its sequence number: at least 8 octets")
	}
	if *receive != "into" && *receive != "plain" {
		return fmt.Errorf("-recv=%s: want into or plain", *receive)
	}
	p.plain = *receive == "plain"
	p.warmup = time.Duration(*warmup) * time.Millisecond
	p.window = time.Duration(*window) * time.Millisecond
	p.handshake = time.Duration(*handshake) * time.Millisecond
	p.curve.Server = !p.curve.SecretKey.IsZero() && p.curve.ServerKey.IsZero()

	say(event{Event: "hello", Library: "zeromux"})
	go p.control()
	return play(p)
}

// roles are what a peer can be. Each runs until an error ends it; control ends
// the process.
var roles = map[string]func(*peer) error{
	"pull":     func(p *peer) error { return p.bound(zmq.PULL, nil, p.pull) },
	"push":     (*peer).push,
	"rep":      func(p *peer) error { return p.bound(zmq.REP, nil, p.rep) },
	"req":      (*peer).req,
	"pollrep":  func(p *peer) error { return p.bound(zmq.REP, nil, p.pollRep) },
	"pub":      func(p *peer) error { return p.bound(zmq.PUB, nothingDropped, p.pub) },
	"subs":     func(p *peer) error { return p.many(p.sub) },
	"router":   func(p *peer) error { return p.bound(zmq.ROUTER, nil, p.router) },
	"dealers":  func(p *peer) error { return p.many(p.dealer) },
	"visitors": func(p *peer) error { return p.many(p.visitor) },
	"forwarder": func(p *peer) error {
		return p.proxy(zmq.XSUB, nil, zmq.XPUB, nothingDropped)
	},
	"queue":       func(p *peer) error { return p.proxy(zmq.DEALER, nil, zmq.ROUTER, nil) },
	"feeder":      func(p *peer) error { return p.dialled(zmq.PUB, nothingDropped, p.pub) },
	"worker":      func(p *peer) error { return p.dialled(zmq.DEALER, nil, p.router) },
	"registrar":   func(p *peer) error { return p.bound(zmq.XPUB, nil, p.registrar) },
	"subscribing": func(p *peer) error { return p.register(false) },
	"holding":     func(p *peer) error { return p.register(true) },
	"pushpull": func(p *peer) error {
		return p.bound(zmq.PULL, nil, func(s *zmq.Socket) error {
			return firstError(p.push, func() error { return p.pull(s) })
		})
	},
	"reqrep": func(p *peer) error {
		return p.bound(zmq.REP, nil, func(s *zmq.Socket) error {
			return firstError(func() error { return p.rep(s) }, p.req)
		})
	},
	"pollreq": func(p *peer) error {
		return p.bound(zmq.REP, nil, func(s *zmq.Socket) error {
			return firstError(func() error { return p.pollRep(s) }, p.req)
		})
	},
}

func roleNames() string {
	return strings.Join(slices.Sorted(maps.Keys(roles)), ", ")
}

// firstError runs both at once and returns what the first to end returns.
func firstError(f, g func() error) error {
	ended := make(chan error, 2)
	go func() { ended <- f() }()
	go func() { ended <- g() }()
	return <-ended
}

// control does what standard input says.
func (p *peer) control() {
	for in := bufio.NewScanner(os.Stdin); in.Scan() && in.Text() != "quit"; {
		switch in.Text() {
		case "mark":
			say(event{Event: "mark", Messages: p.passed.Load(), CPUNs: cpu(), Allocs: allocs()})
		case "trim":
			// A second time for what pools keep through one collection.
			debug.FreeOSMemory()
			debug.FreeOSMemory()
			say(event{Event: "trimmed"})
		}
	}
	os.Exit(0)
}

// with returns config and what the command line adds to it.
func (p *peer) with(config *zmq.Config) *zmq.Config {
	var all zmq.Config
	if config != nil {
		all = *config
	}
	if all.Security.Curve == p.curve && all.Reconnect.HandshakeTimeout == p.handshake {
		return config // as it is: nothing is asked, or it is there already
	}
	all.Security.Curve, all.Reconnect.HandshakeTimeout = p.curve, p.handshake
	return &all
}

// bound makes a socket that binds, says where, and plays with it.
func (p *peer) bound(t zmq.SocketType, config *zmq.Config, play func(*zmq.Socket) error) error {
	s, err := zmq.NewSocket(t, p.with(config))
	if err != nil {
		return err
	}
	at, err := s.Bind(p.endpoint)
	if err != nil {
		return err
	}
	say(event{Event: "bound", Endpoint: at})
	return play(s)
}

// dial makes a socket that connects.
func (p *peer) dial(t zmq.SocketType, config *zmq.Config) (*zmq.Socket, error) {
	s, err := zmq.NewSocket(t, p.with(config))
	if err != nil {
		return nil, err
	}
	return s, s.Connect(p.endpoint)
}

// dialled makes a socket that connects, and plays with it.
func (p *peer) dialled(t zmq.SocketType, config *zmq.Config, play func(*zmq.Socket) error) error {
	s, err := p.dial(t, config)
	if err != nil {
		return err
	}
	return play(s)
}

var errSize = errors.New("a message of the wrong size arrived")

// receive takes one message, checks its size and returns its body, which is
// valid until the next call with the same m.
func (p *peer) receive(s *zmq.Socket, m *zmq.Message) ([]byte, error) {
	var err error
	if p.plain {
		*m, err = s.Recv(context.Background())
	} else {
		err = s.RecvInto(context.Background(), m)
	}
	if err != nil {
		return nil, err
	}
	if len(m.Frames) != 1 || len(m.Frames[0]) != p.size {
		return nil, errSize
	}
	return m.Frames[0], nil
}

// stride is how many messages pass between two looks at the clock.
func (p *peer) stride() int64 {
	return int64(max(1, min(64, 262144/p.size)))
}

// allocs is how many objects this process has allocated. It stops the world for
// a moment: not within a window.
func allocs() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Mallocs)
}

func sequence(body []byte) uint64         { return binary.NativeEndian.Uint64(body) }
func setSequence(body []byte, seq uint64) { binary.NativeEndian.PutUint64(body, seq) }

// say prints one line, in one write, so that lines of two goroutines never mix.
func say(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // a struct of strings and integers
	}
	_, _ = os.Stdout.Write(append(line, '\n')) // nobody is left to tell
}
