// Wordcount shows what ZeroMQ is for, in one terminal, in under a minute.
//
// A ventilator hands out the text of the Go source tree, six workers count its
// words, and a sink adds up what they found:
//
//	                  ┌── tcp ──── worker process ──┐
//	ventilator (PUSH) ┼── ipc ──── worker process ──┼ (PULL) sink
//	        ▲         └── inproc ─ goroutine ───────┘          │
//	        └───────────────── confirmed task numbers ─────────┘
//
// Under the live run one worker process is killed and comes back. A PUSH socket
// does not know what became of a message, so the ventilator keeps each task
// until the sink has confirmed it, and sends it again; the sink drops what it
// has already. Meanwhile a publisher tells two subscribers how things go, one
// of them the screen, and a client asks a server that does not exist yet.
//
// In the end one process counts the same files without ZeroMQ. If a single word
// differs, the program fails.
//
//	go run ./examples/wordcount                 # the Go source tree
//	go run ./examples/wordcount FILE FOLDER …   # something else
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The roles that this program plays as a process of its own, by first argument.
const (
	roleWorker = "as-worker" // NAME TASKS RESULTS [miscounts]
	roleScribe = "as-scribe" // NEWS
)

// patienceOfAll is how long the program may take at the very most.
const patienceOfAll = 5 * time.Minute

// options are what the command line may say.
type options struct {
	least    time.Duration // how long the live run lasts at least
	miscount string        // a worker that counts wrong
	paths    []string
}

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case roleWorker:
			exit(workerProcess(os.Args[2:]))
		case roleScribe:
			exit(scribeProcess(os.Args[2:]))
		}
	}
	var o options
	flag.DurationVar(&o.least, "least", 6*time.Second, "how long the live run lasts at least")
	flag.StringVar(&o.miscount, "miscount", "", "let this `worker`, such as ipc-1, count a word too many: the comparison must find it")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(flag.CommandLine.Output(), "usage: wordcount [flags] [file or folder …]")
		flag.PrintDefaults()
	}
	flag.Parse()
	o.paths = flag.Args()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, patienceOfAll)
	defer cancel()
	exit(run(ctx, o))
}

// exit ends the program, with the code that err deserves.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run plays the whole piece: the live run, the plain count, and the comparison.
func run(ctx context.Context, o options) error {
	t, err := list(ctx, o.paths)
	if err != nil {
		return err
	}
	out := newScreen(os.Stdout)
	out.title(t)
	result, err := perform(ctx, o, t, out)
	if err != nil {
		return err
	}
	out.shares(result)
	if err := result.check(); err != nil {
		return err
	}
	out.line("\n  The same files again, in one process and without ZeroMQ …")
	began := time.Now()
	plain, err := countPlainly(ctx, t)
	if err != nil {
		return err
	}
	out.totals(result, plain, time.Since(began))
	if err := compare(result.words, plain, result.passes); err != nil {
		return err
	}
	out.line("  Equal, word for word.")
	return nil
}
