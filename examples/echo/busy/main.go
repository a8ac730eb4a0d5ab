//go:build unix

// Busy is the echo server that never sleeps. Its descriptors are non-blocking: a call
// that would have to wait returns EAGAIN instead. So one thread can serve everybody, by
// asking one after the other, again and again, whether there is something to do.
//
// Its price is a processor, whole and all the time, also when nobody says anything: each
// round is a read of each connection and an accept, nearly all of them in vain. The
// more idle connections there are, the longer each message waits for its turn.
//
// Where a processor can be spared for a few connections this is the fastest way to
// notice anything: nobody has to be woken.
//
//	go run ./examples/echo/busy [-count] [PORT]
package main

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"zeromux/examples/echo/internal/sys"
)

func main() { sys.Main(serve) }

// A connection either has something left to be written, or is read from. So of a client
// that does not read nothing more is taken, and it is TCP that makes the client wait.
type connection struct {
	fd   int
	left []byte // what has been read and not written yet
}

func serve(ctx context.Context, l *sys.Listener) error {
	if err := unix.SetNonblock(l.FD, true); err != nil {
		return err
	}
	var all []*connection
	buffer := make([]byte, 64<<10)
	for ctx.Err() == nil {
		for { // all that have come
			fd, err := l.Accept()
			if err != nil {
				break // mostly EAGAIN
			}
			if err := unix.SetNonblock(fd, true); err != nil {
				sys.Close(fd)
				continue
			}
			all = append(all, &connection{fd: fd})
		}
		all = slices.DeleteFunc(all, func(c *connection) bool {
			over := !c.step(buffer)
			if over {
				sys.Close(c.fd)
			}
			return over
		})
	}
	return nil
}

// step does what can be done without waiting. It reports false when the connection is
// over, be it by an error or by the end of the stream.
func (c *connection) step(buffer []byte) (more bool) {
	fresh := len(c.left) == 0
	if fresh {
		n, err := sys.Read(c.fd, buffer)
		if errors.Is(err, unix.EAGAIN) {
			return true // as nearly always
		}
		if n == 0 || err != nil {
			return false
		}
		c.left = buffer[:n]
	}
	n, err := sys.Write(c.fd, c.left)
	if errors.Is(err, unix.EAGAIN) {
		n, err = 0, nil
	}
	if err != nil {
		return false
	}
	c.left = c.left[n:]
	if fresh {
		c.left = slices.Clone(c.left) // the next connection reads into buffer
	}
	return true
}
