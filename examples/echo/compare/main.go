//go:build linux

// Compare runs each of the echo servers under the same loads and prints what they do
// and what that costs them, as tables. A message is 64 octets there and back; a
// connection that is busy sends the next when it has the answer.
//
//	go run ./examples/echo/compare [-rounds 5] [-window 200ms] [-patience 500ms] [-idle 1000]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"runtime/debug"
	"time"
)

// servers are the folders beside this one.
var servers = []string{"blocking", "busy", "select", "poll", "epoll", "iomux"}

// A load is so many connections that are busy, beside others that never say anything
// and were there before.
type load struct{ busy, idle int }

func (l load) String() string {
	text := fmt.Sprintf("%d connections", l.busy)
	if l.busy == 1 {
		text = "1 connection"
	}
	if l.idle > 0 {
		text += fmt.Sprintf(" beside %d idle ones", l.idle)
	}
	return text
}

type settings struct {
	rounds   int
	window   time.Duration
	patience time.Duration
	idle     int
}

func main() {
	log.SetFlags(0)
	var s settings
	flag.IntVar(&s.rounds, "rounds", 5, "how often everything is measured; the tables show medians")
	flag.DurationVar(&s.window, "window", 200*time.Millisecond, "how long a server is measured under a load in each round")
	flag.DurationVar(&s.patience, "patience", 500*time.Millisecond, "how long to wait, before that, until each busy connection has had an answer")
	flag.IntVar(&s.idle, "idle", 1000, "how many idle connections there are, when there are some; select takes about 1010")
	flag.Parse()
	if flag.NArg() > 0 || s.rounds < 1 || s.window <= 0 || s.patience <= 0 || s.idle < 1 {
		log.Printf("unexpected arguments %q, or a number that is not positive", flag.Args())
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, s settings, out io.Writer) error {
	folder, err := os.MkdirTemp("", "echo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := build(ctx, folder); err != nil {
		return err
	}
	where := machine()
	loads := []load{{1, 0}, {10, 0}, {1, s.idle}, {10, s.idle}}
	samples := map[load]map[string][]sample{}
	for _, l := range loads {
		samples[l] = map[string][]sample{}
	}
	for range s.rounds {
		for _, l := range loads {
			for _, name := range servers {
				one, err := measure(ctx, s, filepath.Join(folder, name), l)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", name, l, err)
				}
				samples[l][name] = append(samples[l][name], one)
			}
		}
	}
	report := fmt.Sprintf("%s; medians of %d rounds, %v each\n", where, s.rounds, s.window)
	for _, l := range loads {
		report += fmt.Sprintf("\n%s:\n\n%s", l, table(l, samples[l]))
	}
	_, err = io.WriteString(out, report)
	return err
}

// build builds the servers into a folder, wherever the program was started.
func build(ctx context.Context, folder string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("the program does not know where it comes from")
	}
	args := []string{"build", "-o", folder}
	for _, name := range servers {
		args = append(args, path.Join(path.Dir(info.Path), name))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, output)
	}
	return nil
}
