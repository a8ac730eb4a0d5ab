// Identity prints what a ROUTER sees. Before each message it puts the routing id
// of the peer that sent it, which the peer chose or the ROUTER made up; a message
// that begins with a routing id goes to that peer. All brokers live on this.
//
// Look at the frames: REQ puts an empty one before its request, DEALER does not,
// and so whoever talks to both must tell the two apart.
//
//	go run ./examples/identity
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"zeromux/zmq"
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
	// Mandatory: to send to nobody is an error. A ROUTER without it drops the
	// message in silence.
	router, err := zmq.NewSocket(zmq.ROUTER, &zmq.Config{Router: zmq.Router{Mandatory: true}})
	if err != nil {
		return err
	}
	endpoint, err := router.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	for _, peer := range []struct {
		kind zmq.SocketType
		name string
	}{{zmq.REQ, ""}, {zmq.REQ, "Ada"}, {zmq.DEALER, "Bob"}} {
		if err := talk(ctx, router, endpoint, peer.kind, peer.name); err != nil {
			return err
		}
	}
	err = router.SendString(ctx, "Eve", "is anybody there?")
	fmt.Println("to Eve:", errors.Is(err, zmq.ErrHostUnreachable), "- nobody has that name")
	return zmq.Term(ctx)
}

// talk lets a peer send a message, and sends one back.
func talk(ctx context.Context, router *zmq.Socket, endpoint string, kind zmq.SocketType, name string) error {
	peer, err := zmq.NewSocket(kind, &zmq.Config{RoutingID: name})
	if err != nil {
		return err
	}
	if err := peer.Connect(endpoint); err != nil {
		return err
	}
	if err := peer.SendString(ctx, "hello"); err != nil {
		return err
	}

	m, err := router.Recv(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%v %q arrives as %s\n", kind, name, frames(m))

	// The envelope is all but the body. With it the answer finds its way.
	m.Frames[len(m.Frames)-1] = []byte("hello, " + kind.String())
	if err := router.Send(ctx, m); err != nil {
		return err
	}
	answer, err := peer.Recv(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%v %q receives %s\n", kind, name, frames(answer))
	return nil
}

// frames shows each frame. A routing id that a ROUTER made up is five octets, of
// which the first is zero.
func frames(m zmq.Message) string {
	var words []string
	for _, frame := range m.Frames {
		if len(frame) > 0 && frame[0] == 0 {
			words = append(words, fmt.Sprintf("[% x]", frame))
			continue
		}
		words = append(words, fmt.Sprintf("[%s]", frame))
	}
	return strings.Join(words, " ")
}
