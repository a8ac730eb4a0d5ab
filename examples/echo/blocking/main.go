//go:build linux

// Blocking is the first of the echo servers and the shortest: each call waits until it
// has done its work. A client is accepted, read from, written to, until it leaves; then
// it is the next one's turn.
//
// Its price is that it serves one connection at a time. The kernel welcomes all others,
// they may even send, and they get no answer until those before them have left. And one
// that does not read what it is sent holds up everybody.
//
// It costs two calls a message, read and write. While there is nothing to read the
// thread sleeps in the wait queue of that one socket: the kernel wakes it when octets
// arrive, and nothing is ever searched. No other server here has less to do.
//
//	go run ./examples/echo/blocking [-count] [PORT]
package main

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"zeromux/examples/echo/internal/sys"
)

func main() { sys.Main(serve) }

func serve(ctx context.Context, l *sys.Listener) error {
	// A thread that sleeps in a call for one descriptor cannot be told of anything
	// else. Somebody else has to end the call: shutdown(2) makes accept return EINVAL
	// and read the end of the stream, now and from now on.
	var waitsFor atomic.Int64 // the descriptor that we may be asleep for
	context.AfterFunc(ctx, func() { _ = unix.Shutdown(int(waitsFor.Load()), unix.SHUT_RDWR) })

	for {
		// First say what we wait for, then look at ctx: if it ends after the look,
		// waitsFor is what we said.
		waitsFor.Store(int64(l.FD))
		if ctx.Err() != nil {
			return nil
		}
		fd, err := l.Accept()
		if errors.Is(err, unix.EINVAL) {
			return nil
		}
		if err != nil {
			continue // that was about one connection
		}
		waitsFor.Store(int64(fd))
		if ctx.Err() == nil {
			echo(fd)
		}
		sys.Close(fd)
	}
}

// echo sends back what comes, until nothing more will. An error, such as the reset of a
// client that has crashed, is the end of this connection alone.
func echo(fd int) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := sys.Read(fd, buffer)
		if n == 0 || err != nil {
			return // all that was read has been sent back, so a half-close needs no care
		}
		for rest := buffer[:n]; len(rest) > 0; rest = rest[n:] {
			// A write that a signal cuts short may have written a part.
			if n, err = sys.Write(fd, rest); err != nil {
				return
			}
		}
	}
}
