//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"zeromux/examples/echo/internal/sys"
)

// A sample is what a server did and used within the window.
type sample struct {
	served   int // busy connections that had an answer at all
	messages int
	took     time.Duration
	tally    sys.Tally
}

// measure runs a server under a load.
func measure(ctx context.Context, s settings, program string, l load) (sample, error) {
	p, err := start(ctx, program)
	if err != nil {
		return sample{}, err
	}
	one, err := p.under(ctx, s, l)
	return one, errors.Join(err, p.end())
}

// A process is a server that runs.
type process struct {
	cmd     *exec.Cmd
	output  *bufio.Reader
	address string
}

func start(ctx context.Context, program string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, "-count")}
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.output = bufio.NewReader(stdout)
	line, err := p.output.ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, p.cmd.Wait())
	}
	_, p.address, _ = strings.Cut(strings.TrimSpace(line), "listening on ")
	return p, nil
}

// tally asks the server for what it has used so far.
func (p *process) tally() (sys.Tally, error) {
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return sys.Tally{}, err
	}
	line, err := p.output.ReadString('\n')
	if err != nil {
		return sys.Tally{}, err
	}
	return sys.ParseTally(strings.TrimSpace(line))
}

func (p *process) end() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, p.output) // what it says in the end; Wait tells of errors
	return p.cmd.Wait()
}

func (p *process) under(ctx context.Context, s settings, l load) (one sample, err error) {
	for range l.idle {
		idle, err := net.Dial("tcp", p.address)
		if err != nil {
			return one, err
		}
		defer idle.Close()
	}
	clients := make([]client, l.busy)
	var running sync.WaitGroup
	defer running.Wait()
	answered := make(chan struct{}, l.busy)
	for i := range clients {
		c := &clients[i]
		if c.conn, err = net.Dial("tcp", p.address); err != nil {
			return one, err
		}
		defer c.conn.Close() // ends run
		running.Go(func() { c.run(answered) })
	}
	patience := time.After(s.patience)
wait:
	for range clients {
		select {
		case <-answered:
			one.served++
		case <-patience:
			break wait
		case <-ctx.Done():
			return one, ctx.Err()
		}
	}

	before, err := p.tally()
	if err != nil {
		return one, err
	}
	began, done := time.Now(), messages(clients)
	select {
	case <-time.After(s.window):
	case <-ctx.Done():
		return one, ctx.Err()
	}
	after, err := p.tally()
	if err != nil {
		return one, err
	}
	one.messages, one.took = messages(clients)-done, time.Since(began)
	one.tally = after.Since(before)
	for i := range clients {
		if err := clients[i].failed.Load(); err != nil {
			return one, *err
		}
	}
	return one, nil
}

// A client sends a message and waits for the answer, again and again.
type client struct {
	conn     net.Conn
	messages atomic.Int64
	failed   atomic.Pointer[error]
}

// run ends when the connection is closed, and tells of the first answer.
func (c *client) run(answered chan<- struct{}) {
	message, answer := make([]byte, 64), make([]byte, 64)
	for {
		copy(message, fmt.Sprintf("message %d", c.messages.Load()))
		_, err := c.conn.Write(message)
		if err == nil {
			_, err = io.ReadFull(c.conn, answer)
		}
		if err == nil && string(answer) != string(message) {
			err = fmt.Errorf("the answer to %q is %q", message, answer)
		}
		if err != nil {
			c.failed.Store(&err)
			return
		}
		if c.messages.Add(1) == 1 {
			answered <- struct{}{}
		}
	}
}

func messages(clients []client) (n int) {
	for i := range clients {
		n += int(clients[i].messages.Load())
	}
	return n
}
