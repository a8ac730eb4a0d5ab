// Filetransfer sends a file in chunks that the receiver asks for. A sender that just
// sends fills the memory of whoever is slower, or loses what is beyond the high-water
// mark; one chunk per request is safe, and slow, since each waits for a round trip. So
// the receiver gives credit: it asks for some chunks ahead, and for another one each
// time that one has come. Memory is bounded, and the line is never idle.
//
// Use it for anything large that goes to one receiver: a file, a dump, a result.
//
// Look at the server, which knows nothing of its clients: each request says all.
//
//	go run ./examples/filetransfer
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"strconv"

	"zeromux/zmq"
)

const (
	chunk  = 64 << 10 // octets
	credit = 10       // chunks that may be on the way at once
	size   = 4_000_000
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
	file, err := os.CreateTemp("", "large")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	want := sha256.New()
	noise := rand.NewChaCha8([32]byte{})
	if _, err := io.CopyN(io.MultiWriter(file, want), noise, size); err != nil {
		return err
	}

	router, err := zmq.NewSocket(zmq.ROUTER, nil)
	if err != nil {
		return err
	}
	endpoint, err := router.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	start(func() error { return serve(ctx, router, file) })

	got := sha256.New()
	chunks, err := fetch(ctx, endpoint, got)
	if err != nil {
		return err
	}
	fmt.Println("received", chunks, "chunks, at most", credit, "of them on the way at once")
	fmt.Println("it is the same file:", bytes.Equal(got.Sum(nil), want.Sum(nil)))
	return zmq.Term(ctx)
}

// start runs a role on a goroutine until it fails or the sockets are no more.
func start(role func() error) {
	go func() {
		err := role()
		if over := errors.Is(err, zmq.ErrTerminated) || errors.Is(err, zmq.ErrClosed); err != nil && !over {
			log.Fatal(err)
		}
	}()
}

// serve sends the chunks of a file to whoever asks for them: the offset goes with each.
func serve(ctx context.Context, router *zmq.Socket, file io.ReaderAt) error {
	buffer := make([]byte, chunk)
	for m, err := range router.Messages(ctx) {
		if err != nil {
			return err
		}
		offset, err := strconv.ParseInt(string(m.Bytes()), 10, 64)
		if err != nil || offset < 0 || len(m.Frames) != 2 {
			continue // whatever it is, it is no request
		}
		n, err := file.ReadAt(buffer, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err := router.SendFrames(ctx, m.Frames[0], m.Frames[1], buffer[:n]); err != nil { // it copies
			return err
		}
	}
	return nil
}

// fetch writes the file to w. The chunks come in the order in which they were asked
// for, since there is one server, which serves in order. The last is shorter, or empty.
func fetch(ctx context.Context, endpoint string, w io.Writer) (chunks int, err error) {
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return 0, err
	}
	defer dealer.Close()
	if err := dealer.Connect(endpoint); err != nil {
		return 0, err
	}
	asked := 0
	for ; ; chunks++ {
		for ; asked < chunks+credit; asked++ {
			if err := dealer.SendString(ctx, strconv.Itoa(asked*chunk)); err != nil {
				return chunks, err
			}
		}
		m, err := dealer.Recv(ctx)
		if err != nil {
			return chunks, err
		}
		if len(m.Frames) != 2 || string(m.Frames[0]) != strconv.Itoa(chunks*chunk) {
			return chunks, fmt.Errorf("chunk %d is missing", chunks)
		}
		if _, err := w.Write(m.Bytes()); err != nil {
			return chunks, err
		}
		if len(m.Bytes()) < chunk {
			return chunks + 1, nil
		}
	}
}
