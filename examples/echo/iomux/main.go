//go:build unix

// Iomux is the echo server on package iomux of this module, which stands over epoll,
// kqueue, poll and select. It reads like the one on epoll, and runs where there is none.
//
// Two things are done for it there. Wake ends a Wait from any goroutine, so the server
// needs no pipe to itself. And a number that was closed and given out again is never
// mistaken for what it was before, even if several goroutines share the Mux.
//
//	go run ./examples/echo/iomux [-count] [-backend poll] [PORT]
package main

import (
	"context"
	"errors"
	"flag"
	"log"

	"golang.org/x/sys/unix"

	"zeromux/examples/echo/internal/sys"
	"zeromux/iomux"
)

func main() {
	backend := flag.String("backend", "", "the `call` to wait with: epoll, kqueue, poll or select (default the best that there is)")
	sys.Main(func(ctx context.Context, l *sys.Listener) error { return serve(ctx, l, iomux.Backend(*backend)) })
}

type server struct {
	mux      iomux.Mux
	listener *sys.Listener
	left     map[int][]byte // by descriptor: what has been read and not written yet
	buffer   []byte
}

func serve(ctx context.Context, l *sys.Listener, backend iomux.Backend) error {
	mux, err := iomux.New(backend)
	if err != nil {
		return err
	}
	defer mux.Close()
	context.AfterFunc(ctx, func() { _ = mux.Wake() })
	// The client may have gone between Wait and accept, which would then wait for the
	// next one, and everybody else with it. So the listener does not block either.
	if err := unix.SetNonblock(l.FD, true); err != nil {
		return err
	}
	if err := mux.Add(l.FD, 0, iomux.Read); err != nil {
		return err
	}
	s := server{mux: mux, listener: l, left: map[int][]byte{}, buffer: make([]byte, 64<<10)}
	ready := make([]iomux.Event, 128) // if more are ready, the next Wait has them
	for {
		sys.Count("Wait") // select, poll, epoll_wait or kevent, once
		n, err := mux.Wait(ready, -1)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range ready[:n] {
			switch {
			case e.FD == l.FD:
				s.accept()
			case len(s.left[e.FD]) > 0:
				s.send(e.FD, s.left[e.FD])
			default: // what a hang-up or an error is, read tells
				s.receive(e.FD)
			}
		}
	}
}

func (s *server) accept() {
	fd, err := s.listener.Accept()
	if err != nil {
		return // that was about one connection
	}
	if err = unix.SetNonblock(fd, true); err == nil {
		sys.Count("Add")
		err = s.mux.Add(fd, 0, iomux.Read) // we tell connections by their descriptors, not by tokens
	}
	if err != nil { // such as ErrRefused of select
		log.Printf("a connection is turned away: %v", err)
		sys.Close(fd)
	}
}

// receive reads what there is, once: if there is more, Wait says so again. After the end
// of the stream nothing is left to be written, for else we would not read. An error,
// such as the reset of a client that has crashed, is the end of this connection alone.
func (s *server) receive(fd int) {
	n, err := sys.Read(fd, s.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN): // the kernel says ready, and sometimes it is not
	case n == 0 || err != nil:
		s.drop(fd)
	default:
		s.send(fd, s.buffer[:n])
	}
}

// send writes what the kernel takes of b, and keeps the rest for when it takes more.
// Until then nothing is read of this client, and it is TCP that makes the client wait.
func (s *server) send(fd int, b []byte) {
	n, err := sys.Write(fd, b)
	switch {
	case errors.Is(err, unix.EAGAIN):
		n = 0
	case err != nil:
		s.drop(fd)
		return
	}
	before := len(s.left[fd]) > 0
	if n < len(b) {
		s.left[fd] = append(s.left[fd][:0], b[n:]...)
	} else {
		delete(s.left, fd)
	}
	switch after := len(s.left[fd]) > 0; {
	case after && !before:
		err = s.interest(fd, iomux.Write)
	case before && !after:
		err = s.interest(fd, iomux.Read)
	}
	if err != nil {
		s.drop(fd)
	}
}

func (s *server) interest(fd int, interest iomux.Interest) error {
	sys.Count("Modify")
	return s.mux.Modify(fd, 0, interest)
}

// drop ends a connection.
func (s *server) drop(fd int) {
	delete(s.left, fd)
	sys.Count("Remove")
	_ = s.mux.Remove(fd) // first this, then close
	sys.Close(fd)
}
