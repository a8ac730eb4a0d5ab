// Lazypirate is a client that does not hang when its server does: it waits for
// a reply for a while, then throws its REQ socket away, opens another and asks
// again, and gives up after three attempts. The server here is slow once,
// crashes once, and leaves in the end.
//
// The same request may reach the server twice. That is no harm when it changes
// nothing, or when the server knows requests by number.
//
//	go run ./examples/lazypirate
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"zeromux/zmq"
)

const (
	patience = 250 * time.Millisecond // for one reply
	attempts = 3
)

func main() {
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	s := &server{endpoint: "tcp://127.0.0.1:*"}
	if err := s.open(); err != nil {
		return err
	}
	p := &pirate{endpoint: s.endpoint}
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx) }()
	if err := p.askAll(ctx); err != nil {
		return err
	}
	return <-served
}

// askAll asks until the server has left.
func (p *pirate) askAll(ctx context.Context) error {
	defer p.close()
	for i := 1; i <= lastRequest+1; i++ {
		reply, err := p.ask(ctx, fmt.Sprint("request ", i))
		if errors.Is(err, errGone) {
			fmt.Println("client:", err)
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Println("client: received", reply)
	}
	return nil
}

// A pirate is a client that tries again.
type pirate struct {
	endpoint string
	req      *zmq.Socket // nil: none is open
}

var errGone = errors.New("the server seems to be gone, giving up")

// ask sends a request and waits for its reply, three times at most.
func (p *pirate) ask(ctx context.Context, request string) (reply string, err error) {
	for range attempts {
		if err := p.open(); err != nil {
			return "", err
		}
		if err := p.req.SendString(ctx, request); err != nil {
			return "", err
		}
		m, err := p.req.Recv(ctx)
		if err == nil {
			return m.String(), nil
		}
		if !errors.Is(err, zmq.ErrTimeout) {
			return "", err
		}
		fmt.Printf("client: no reply to %s\n", request)
		p.close() // a REQ that waits for a reply can send nothing else
	}
	return "", errGone
}

// open connects a socket if none is open. What it has not sent when it is
// closed is of no use any more.
func (p *pirate) open() (err error) {
	if p.req != nil {
		return nil
	}
	p.req, err = zmq.NewSocket(zmq.REQ, &zmq.Config{RecvTimeout: patience, Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	return p.req.Connect(p.endpoint)
}

func (p *pirate) close() {
	if p.req != nil {
		p.req.Close()
		p.req = nil
	}
}

// When the server misbehaves, by number of the request that it receives.
const (
	slowAt      = 3
	crashAt     = 6
	lastRequest = 7 // of those that the client numbers
)

// A server is not to be relied on.
type server struct {
	endpoint string
	rep      *zmq.Socket
}

func (s *server) open() (err error) {
	if s.rep, err = zmq.NewSocket(zmq.REP, nil); err != nil {
		return err
	}
	s.endpoint, err = s.rep.Bind(s.endpoint)
	return err
}

// serve answers until it has answered the last request.
func (s *server) serve(ctx context.Context) error {
	for received := 1; ; received++ {
		m, err := s.rep.Recv(ctx)
		if err != nil {
			return err
		}
		switch received {
		case slowAt:
			fmt.Printf("server: is busy with %s\n", m)
			<-time.After(patience * 3 / 2)
		case crashAt:
			fmt.Printf("server: crashes at %s\n", m)
			s.rep.Close()
			if err := s.open(); err != nil {
				return err
			}
			continue
		}
		if err := s.rep.SendString(ctx, "reply to "+m.String()); err != nil {
			return err
		}
		if m.String() == fmt.Sprint("request ", lastRequest) {
			fmt.Println("server: leaves")
			return s.rep.CloseContext(ctx)
		}
	}
}
