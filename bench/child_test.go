package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pretend makes the test binary play a peer that misbehaves.
const pretend = "ZEROMUX_BENCH_PRETEND"

func TestMain(m *testing.M) {
	switch os.Getenv(pretend) {
	case "":
		os.Exit(m.Run())
	case "silent":
		forever()
	case "stubborn":
		fmt.Println(`{"event":"hello"}`)
		forever()
	case "crash":
		fmt.Println(`{"event":"hello"}`)
		panic("on purpose")
	case "error":
		fmt.Println(`{"event":"hello"}`)
		fmt.Println(`{"event":"error","text":"the address is in use"}`)
	case "chatter":
		fmt.Println(`{"event":"hello"}`)
		fmt.Println(`good morning`)
	}
}

// forever waits for a signal that nobody sends.
func forever() {
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}

func TestChildThatSaysNothingIsKilledAtItsDeadline(t *testing.T) {
	t.Setenv(pretend, "silent")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	c, err := start(ctx, "peer", os.Args[0], "pull")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `peer pull: no "hello"`) {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestChildThatIgnoresQuitIsKilled(t *testing.T) {
	t.Setenv(pretend, "stubborn")
	c, err := start(t.Context(), "peer", os.Args[0], "pull")
	if err != nil {
		t.Fatal(err)
	}
	pid := c.cmd.Process.Pid
	c.stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

func TestChildsLastWordsAreShown(t *testing.T) {
	for _, c := range []struct{ name, pretend, want string }{
		{"a panic is quoted", "crash", "panic: on purpose"},
		{"a reported error is quoted", "error", "peer pull: the address is in use"},
		{"a line that is no event is quoted", "chatter", `peer pull: printed "good morning"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(pretend, c.pretend)
			child, err := start(t.Context(), "peer", os.Args[0], "pull")
			if err != nil {
				t.Fatal(err)
			}
			defer child.stop()
			if _, err := child.next("bound"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to hold %q", err, c.want)
			}
		})
	}
}
