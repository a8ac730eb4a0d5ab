package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"zeromux/zmq"
)

// goodbye is how long a process may take to end when it is asked to.
const goodbye = 5 * time.Second

// A process is this program in another role.
type process struct {
	cmd      *exec.Cmd
	lifeline io.Closer       // its standard input: when that ends, so does the process
	printed  strings.Builder // its standard output; read it after ended
	expected atomic.Bool     // to end
	ended    chan struct{}   // closed when it has, and err is set
	err      error
}

// startProcess starts this program in the role that args begin with.
func startProcess(args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.printed, os.Stderr
	if p.lifeline, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// pid is the number of the process.
func (p *process) pid() int { return p.cmd.Process.Pid }

// kill ends the process without a word, as the out-of-memory killer would.
func (p *process) kill() error {
	p.expected.Store(true)
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// stop asks the process to end, and sees to it.
func (p *process) stop() error {
	p.expected.Store(true)
	p.lifeline.Close()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(goodbye):
		return fmt.Errorf("process %d did not end when asked to: %w", p.pid(), p.kill())
	}
}

// watch returns an error when the process ends by itself.
func (p *process) watch(ctx context.Context) error {
	select {
	case <-p.ended:
		if p.expected.Load() {
			return nil
		}
		return fmt.Errorf("process %d ended by itself: %w", p.pid(), p.err)
	case <-ctx.Done():
		return nil
	}
}

// untilParentEnds runs a role of this process. Its context ends with standard
// input: when the parent says so, or is no more, however it ended. An interrupt
// from the terminal reaches all processes; the parent is the one to act on it.
func untilParentEnds(role func(context.Context, *zmq.Context) error) error {
	signal.Ignore(os.Interrupt)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // however it ends, it has ended
		cancel()
	}()
	c := zmq.NewContext(nil)
	err := role(ctx, c)
	if ctx.Err() != nil {
		err = nil
	}
	patient, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	_ = c.Term(patient) // what is unsent is of no use to anybody
	return err
}
