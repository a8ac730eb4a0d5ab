//go:build unix

package iomux_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// An echo server in one goroutine. The token says which descriptor is meant, or that it
// is the listener's.
func Example() {
	const listener = 0
	server, address := listen()
	defer unix.Close(server)
	mux, err := iomux.New("") // the best that there is
	if err != nil {
		log.Fatal(err)
	}
	defer mux.Close()
	if err := mux.Add(server, listener, iomux.Read); err != nil {
		log.Fatal(err)
	}
	go client(address)

	ready := make([]iomux.Event, 64)
	buffer := make([]byte, 4096)
	for served := 0; served < 1; {
		n, err := mux.Wait(ready, -1)
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range ready[:n] {
			if e.Token == listener {
				fd, _, err := unix.Accept(server)
				if err != nil {
					continue // it went away again
				}
				if err := errors.Join(unix.SetNonblock(fd, true), mux.Add(fd, uint64(fd), iomux.Read)); err != nil {
					log.Fatal(err)
				}
				continue
			}
			if n, _ := unix.Read(e.FD, buffer); n > 0 {
				fmt.Printf("echo: %s\n", buffer[:n])
				_, _ = unix.Write(e.FD, buffer[:n])
				continue
			}
			_ = mux.Remove(e.FD) // first this, then close
			unix.Close(e.FD)
			served++
		}
	}
	// Output:
	// echo: hello
}

// Where the system can wait for a Mux, Go's own poller does, and no thread is held up.
func ExampleNester() {
	mux, err := iomux.New("")
	if err != nil {
		log.Fatal(err)
	}
	defer mux.Close()
	inner, ok := mux.(iomux.Nester).Nest()
	if !ok {
		log.Print("use Wait with a timeout here")
		return
	}
	dup, err := unix.Dup(inner)
	if err != nil {
		log.Fatal(err)
	}
	unix.CloseOnExec(dup)
	if err := unix.SetNonblock(dup, true); err != nil {
		log.Fatal(err)
	}
	file := os.NewFile(uintptr(dup), "mux")
	defer file.Close()
	outer, err := file.SyscallConn()
	if err != nil {
		log.Fatal(err)
	}

	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	own, err := raw(r)
	if err != nil {
		log.Fatal(err)
	}
	defer unix.Close(own)
	if err := mux.Add(own, 1, iomux.Read); err != nil {
		log.Fatal(err)
	}
	go io.WriteString(w, "hello")

	ready := make([]iomux.Event, 64)
	n := 0
	err = outer.Read(func(uintptr) bool { // called again whenever the Mux has something to tell
		n, err = mux.Wait(ready, 0)
		return n > 0 || err != nil
	})
	fmt.Println(n, ready[0].Token, err)
	// Output:
	// 1 1 <nil>
}

func listen() (fd int, address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fd, err = raw(l.(syscall.Conn))
	if err != nil {
		log.Fatal(err)
	}
	return fd, l.Addr().String()
}

func client(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	_, _ = io.ReadFull(c, make([]byte, 5))
}

// raw duplicates the descriptor of c, which keeps its own.
func raw(c syscall.Conn) (fd int, err error) {
	conn, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlled := conn.Control(func(own uintptr) {
		if fd, err = unix.Dup(int(own)); err == nil {
			unix.CloseOnExec(fd)
		}
	})
	return fd, errors.Join(controlled, err)
}
