// Poller is a program with several things to wait for: tasks of a ventilator, warnings
// of a weather station, and the beacon of a service on a plain UDP socket. One
// goroutine waits for all of them at once, and is told which is ready.
//
// Where a goroutine for each will do, that is simpler. This is for who comes from
// zmq_poll, has state that one goroutine alone may touch, or a thousand sockets of
// which few are busy.
//
//	go run ./examples/poller
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"

	"zeromux/zmq"
)

// What there is to come.
const tasks, warnings, beacons = 10, 3, 1

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
	pull, err := zmq.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	toPull, err := pull.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	sub, err := zmq.NewSocket(zmq.SUB, nil)
	if err != nil {
		return err
	}
	toSub, err := sub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	if err := sub.Subscribe("hail"); err != nil {
		return err
	}
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer udp.Close()

	others := make(chan error, 3)
	go func() { others <- ventilator(ctx, toPull) }()
	go func() { others <- station(ctx, toSub) }()
	go func() { others <- service(udp.LocalAddr().String()) }()
	if err := listen(ctx, pull, sub, udp); err != nil {
		return err
	}
	if err := errors.Join(<-others, <-others, <-others); err != nil {
		return err
	}
	return zmq.Term(ctx)
}

// listen takes whatever comes, from wherever, until it has seen everything.
func listen(ctx context.Context, pull, sub *zmq.Socket, udp *net.UDPConn) error {
	p := zmq.NewPoller()
	defer p.Close()
	if err := errors.Join(p.Add(pull, zmq.PollIn, nil), p.Add(sub, zmq.PollIn, nil)); err != nil {
		return err
	}
	if _, err := p.AddConn(udp, zmq.PollIn, nil); err != nil {
		return err
	}
	done, warned, seen := 0, 0, 0
	for ready := make([]zmq.PollEvent, 3); done < tasks || warned < warnings || seen < beacons; {
		n, err := p.Wait(ctx, ready)
		if err != nil {
			return err
		}
		for _, e := range ready[:n] {
			// One message each: what is left is reported again.
			switch e.Socket {
			case pull:
				m, err := pull.TryRecv()
				if err != nil {
					return err
				}
				done++
				fmt.Printf("task %s is done\n", m)
			case sub:
				m, err := sub.TryRecv()
				if err != nil {
					return err
				}
				warned++
				fmt.Println(m)
			default: // the descriptor
				b := make([]byte, 100)
				n, err := udp.Read(b)
				if err != nil {
					return err
				}
				seen++
				fmt.Printf("beacon of %s\n", b[:n])
			}
		}
	}
	fmt.Printf("%d tasks, %d warnings of hail, %d beacon\n", done, warned, seen)
	return nil
}

// ventilator deals out tasks.
func ventilator(ctx context.Context, endpoint string) error {
	push, err := zmq.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return err
	}
	if err := push.Connect(endpoint); err != nil {
		return err
	}
	for i := range tasks {
		if err := push.SendString(ctx, fmt.Sprint(i+1)); err != nil {
			return err
		}
	}
	return push.CloseContext(ctx)
}

// station publishes the weather once somebody listens; it hails now and then.
func station(ctx context.Context, endpoint string) error {
	xpub, err := zmq.NewSocket(zmq.XPUB, nil)
	if err != nil {
		return err
	}
	if err := xpub.Connect(endpoint); err != nil {
		return err
	}
	if _, err := xpub.Recv(ctx); err != nil { // a subscription
		return err
	}
	for hour := range 8 * warnings {
		weather := "sun"
		if hour%8 == 0 {
			weather = "hail"
		}
		if err := xpub.SendString(ctx, fmt.Sprintf("%s at %d o'clock", weather, hour)); err != nil {
			return err
		}
	}
	return xpub.CloseContext(ctx)
}

// service says where it is.
func service(address string) error {
	udp, err := net.Dial("udp4", address)
	if err != nil {
		return err
	}
	defer udp.Close()
	_, err = udp.Write([]byte("service 1"))
	return err
}
