// Ending shows how calls that wait come to an end, and what becomes of messages that are
// still on their way when a socket is closed. There are four ways to end a wait, each
// with an error of its own; whoever writes a loop should know which of them means that
// something is wrong.
//
// Look at the last part: Close returns at once and what was sent goes out behind its
// back, for as long as Linger says. CloseContext and Term wait for that. A program that
// just ends throws it away.
//
//	go run ./examples/ending
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
	if err := waits(ctx); err != nil {
		return err
	}
	return linger(ctx)
}

// waits ends a Recv in every way there is.
func waits(ctx context.Context) error {
	patient, err := zmq.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = patient.Recv(short) // one call has enough
	fmt.Println("the context of the call is over:", errors.Is(err, context.DeadlineExceeded))

	hasty, err := zmq.NewSocket(zmq.PULL, &zmq.Config{RecvTimeout: 10 * time.Millisecond})
	if err != nil {
		return err
	}
	_, err = hasty.Recv(ctx) // every call of this socket has a limit
	fmt.Println("the socket's time is over:", errors.Is(err, zmq.ErrTimeout), errors.Is(err, os.ErrDeadlineExceeded))

	closed := ended(ctx, patient)
	patient.Close()
	fmt.Println("the socket was closed:", errors.Is(<-closed, zmq.ErrClosed))

	office := zmq.NewContext(nil) // beside the one that NewSocket uses
	in, err := office.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	terminated := ended(ctx, in)
	if err := office.Term(ctx); err != nil {
		return err
	}
	fmt.Println("the context of the socket was terminated:", errors.Is(<-terminated, zmq.ErrTerminated))

	// The call, the endpoint and the reason are fields of the error.
	var op *zmq.OpError
	_, err = hasty.Bind("carrier://pigeon")
	fmt.Println("an error that tells more:", errors.As(err, &op), op.Op, op.Endpoint, errors.Is(err, zmq.ErrUnknownScheme))
	return nil
}

// ended tells the error that Messages would end with in silence.
func ended(ctx context.Context, s *zmq.Socket) <-chan error {
	c := make(chan error, 1)
	go func() {
		_, err := s.Recv(ctx)
		c <- err
	}()
	return c
}

// linger closes a socket before its peer is there.
func linger(ctx context.Context) error {
	push, err := zmq.NewSocket(zmq.PUSH, nil)
	if err != nil {
		return err
	}
	if err := push.Connect("inproc://later"); err != nil {
		return err
	}
	if err := push.SendString(ctx, "a letter"); err != nil {
		return err
	}
	push.Close() // at once; the letter waits

	pull, err := zmq.NewSocket(zmq.PULL, nil)
	if err != nil {
		return err
	}
	if _, err := pull.Bind("inproc://later"); err != nil {
		return err
	}
	m, err := pull.Recv(ctx)
	if err != nil {
		return err
	}
	fmt.Println("sent by a socket that is closed:", m)
	return zmq.Term(ctx) // waits for all that is still to go out
}
