//go:build unix

package sys

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Main is the main function of a server: it reads the command line, listens, says
// where, and calls serve, which returns when ctx ends: at an interrupt (^C) or SIGTERM.
// Descriptors that are open then are closed by the kernel as the process ends.
func Main(serve func(ctx context.Context, l *Listener) error) {
	log.SetFlags(0)
	count := flag.Bool("count", false, "at the end, and at each SIGUSR1, tell the system calls, context switches and processor time so far")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "Usage of %s: [flags] [port of 127.0.0.1, if not any that is free]\n", filepath.Base(os.Args[0]))
		flag.PrintDefaults()
	}
	flag.Parse()
	port, err := strconv.ParseUint("0"+flag.Arg(0), 10, 16)
	if err != nil || flag.NArg() > 1 {
		log.Printf("unexpected arguments %q", flag.Args())
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *count {
		tellAtSignals()
	}
	l, err := Listen(int(port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on 127.0.0.1:%d\n", l.Port)
	err = serve(ctx, l)
	if *count {
		fmt.Println(Now())
	}
	if err != nil {
		log.Fatal(err)
	}
}

// tellAtSignals prints a Tally at each SIGUSR1, until the process ends.
func tellAtSignals() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
			fmt.Println(Now())
		}
	}()
}

// Until returns a descriptor that is readable from the end of ctx on: a server that
// waits for descriptors can wait for that one too. Nothing is written to the pipe
// behind it, but its other end is closed. Bernstein's name for this is the self-pipe
// trick.
func Until(ctx context.Context) (fd int, err error) {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = unix.Close(ends[1]) })
	return ends[0], nil
}
