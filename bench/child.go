package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// quitTime is how long a peer may take to end after it was told to.
const quitTime = 2 * time.Second

// An event is one line that a peer printed.
type event struct {
	Event    string // hello, bound, start, mark, trimmed, end or error
	Library  string
	Endpoint string
	Text     string
	Messages int64
	Ns       int64 `json:"ns"`
	CPUNs    int64 `json:"cpu_ns"`
	Allocs   int64
	P50Ns    int64 `json:"p50_ns"`
	P99Ns    int64 `json:"p99_ns"`
	P999Ns   int64 `json:"p999_ns"`
}

// A child is a running peer. The context of its start is its deadline: at its
// end the process is killed, and whoever reads from it gets an error.
type child struct {
	ctx     context.Context
	name    string // program and role, for errors
	library string // what it speaks with, as it says itself
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	stderr  head
}

// start runs program in a role and reads its greeting.
func start(ctx context.Context, name, program string, args ...string) (*child, error) {
	c := &child{ctx: ctx, name: name + " " + args[0], cmd: exec.CommandContext(ctx, program, args...)}
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = quitTime
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	c.in, c.out = in, bufio.NewScanner(out)
	hello, err := c.next("hello")
	if err != nil {
		c.stop()
		return nil, err
	}
	c.library = hello.Library
	return c, nil
}

// next reads one event, which has to be of the kind that is wanted.
func (c *child) next(want string) (event, error) {
	if !c.out.Scan() {
		return event{}, c.died(want)
	}
	var e event
	if err := json.Unmarshal(c.out.Bytes(), &e); err != nil {
		return event{}, fmt.Errorf("%s: printed %q: %w", c.name, c.out.Text(), err)
	}
	if e.Event == "error" {
		return event{}, fmt.Errorf("%s: %s", c.name, e.Text)
	}
	if e.Event != want {
		return event{}, fmt.Errorf("%s: printed %q, want the event %q", c.name, c.out.Text(), want)
	}
	return e, nil
}

// mark asks how much has been done and what it cost so far.
func (c *child) mark() (event, error) { return c.tell("mark", "mark") }

// tell gives an order and reads the event that answers it.
func (c *child) tell(order, answer string) (event, error) {
	if _, err := io.WriteString(c.in, order+"\n"); err != nil {
		return event{}, c.died(answer)
	}
	return c.next(answer)
}

// died says why a child that should have said something has not.
func (c *child) died(want string) error {
	ended := c.ctx.Err()
	c.stop()
	switch text := strings.TrimSpace(c.stderr.String()); {
	case ended != nil:
		return fmt.Errorf("%s: no %q until %w; killed", c.name, want, ended)
	case text != "":
		return fmt.Errorf("%s: ended before %q (%v): %s", c.name, want, c.cmd.ProcessState, text)
	default:
		return fmt.Errorf("%s: ended before %q (%v)", c.name, want, c.cmd.ProcessState)
	}
}

// stop tells the process to end, kills it if it does not, and waits for it.
// It may be called again. Errors of it all mean that the process is gone
// already; how it went is in c.cmd.ProcessState.
func (c *child) stop() {
	if c.cmd.ProcessState != nil {
		return
	}
	_, _ = io.WriteString(c.in, "quit\n")
	_ = c.in.Close()
	patience := time.AfterFunc(quitTime, func() { _ = c.cmd.Process.Kill() })
	defer patience.Stop()
	_ = c.cmd.Wait()
}

// head keeps the first octets written to it: a crash says its reason first.
type head struct{ bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	const most = 4096
	if room := most - h.Len(); room > 0 {
		h.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
