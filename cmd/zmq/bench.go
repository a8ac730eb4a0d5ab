package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zeromux/zmq"
)

// The two things that are measured.
const (
	modeThroughput = "throughput"
	modeLatency    = "latency"
)

// How many messages and round trips are measured unless told otherwise: a second
// or two of work.
const (
	defaultMessages   = 1_000_000
	defaultRoundTrips = 20_000
	defaultSize       = 64
)

type benchCmd struct {
	Endpoint string `arg:"" optional:"" help:"Where local and remote meet. Plain, local binds it and remote connects to it; @ and > as elsewhere."`

	Mode      string        `enum:",throughput,latency" default:"" placeholder:"MODE" help:"throughput (PUSH to PULL) or latency (REQ to REP). Default: both in one process, throughput between two."`
	Role      string        `enum:"both,local,remote" default:"both" placeholder:"ROLE" help:"both: two sockets of this process. local: wait for remote, a second process, which says how many messages of what size. Default: both."`
	Transport []string      `placeholder:"NAME" help:"tcp, ipc, inproc; several with commas between. Default: all three."`
	Size      *int          `placeholder:"OCTETS" help:"Size of a message. Default: 64."`
	Count     *int          `short:"n" placeholder:"N" help:"How many messages or round trips are measured. Default: a million messages, 20000 round trips."`
	HWM       int           `name:"hwm" default:"1000" placeholder:"N" help:"High-water mark; 0: none. Default: 1000."`
	Timeout   time.Duration `short:"t" placeholder:"TIME" help:"End with exit code 3 when nothing moves for this long."`
	JSON      bool          `name:"json" help:"Print each result as a JSON object."`

	securityFlags `group:"security"`
}

// Help is what --help adds.
func (c *benchCmd) Help() string {
	return "Throughput is measured where messages arrive, from the first to the last; MB are 10^6 octets of the " +
		"messages. Latency is that of round trips, measured where requests are made. Between two machines: " +
		"zmq bench --role local tcp://*:5555 on one, zmq bench --role remote tcp://ONE:5555 on the other. So are CURVE, PLAIN and TLS measured, of which each role has its own flags."
}

// Run implements the command.
func (c *benchCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	var err error
	if c.Role == "both" {
		err = c.here(ctx)
	} else {
		err = c.between(ctx)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("bench: interrupted")
	case errors.Is(err, zmq.ErrTimeout):
		return timeoutf("bench: nothing moved for %v", c.Timeout)
	}
	return err
}

// check refuses what does not go together.
func (c *benchCmd) check() error {
	switch {
	case c.Size != nil && *c.Size < 0:
		return usagef("--size %d is below zero", *c.Size)
	case c.Count != nil && *c.Count < 1:
		return usagef("--count %d is below one", *c.Count)
	case c.HWM < 0:
		return usagef("--hwm %d is below zero", c.HWM)
	case c.Timeout < 0:
		return usagef("--timeout %v is below zero", c.Timeout)
	case c.Role == "both" && c.Endpoint != "":
		return usagef("an endpoint is for --role local and --role remote; --transport chooses in one process")
	case c.Role != "both" && c.Endpoint == "":
		return usagef("--role %s needs an endpoint", c.Role)
	case c.Role != "both" && len(c.Transport) > 0:
		return usagef("--transport is for one process; with --role the endpoint says it")
	case c.Role == "local" && (c.Size != nil || c.Count != nil):
		return usagef("--size and --count are for --role remote, which tells local")
	}
	if c.Role == "both" && c.securityFlags != (securityFlags{}) {
		return usagef("security is for --role local and --role remote, each of which has its own side of it")
	}
	for _, t := range c.Transport {
		if t != "tcp" && t != "ipc" && t != "inproc" {
			return usagef("--transport %q is none of tcp, ipc, inproc", t)
		}
	}
	return c.securityFlags.check()
}

// load is what is to be measured in a mode.
func (c *benchCmd) load(mode string) load {
	l := load{mode: mode, size: defaultSize, count: defaultMessages}
	if mode == modeLatency {
		l.count = defaultRoundTrips
	}
	if c.Size != nil {
		l.size = *c.Size
	}
	if c.Count != nil {
		l.count = *c.Count
	}
	return l
}

// config is the sockets' configuration. A password may have to be typed.
func (c *benchCmd) config(ctx context.Context) (*zmq.Config, error) {
	mark := c.HWM
	if mark == 0 {
		mark = zmq.Unlimited
	}
	config := &zmq.Config{
		HighWater:   zmq.HighWater{Send: mark, Recv: mark},
		SendTimeout: c.Timeout, RecvTimeout: c.Timeout,
	}
	return config, c.secure(ctx, config)
}

// here measures between two sockets of this process.
func (c *benchCmd) here(ctx context.Context) error {
	transports, modes := c.Transport, []string{c.Mode}
	if len(transports) == 0 {
		transports = []string{"inproc", "ipc", "tcp"}
	}
	if c.Mode == "" {
		modes = []string{modeThroughput, modeLatency}
	}
	folder, err := os.MkdirTemp("", "zmq-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	endpoints := map[string]string{
		"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://" + filepath.Join(folder, "bench"), "inproc": "inproc://bench",
	}
	for _, mode := range modes {
		for _, transport := range transports {
			result, err := c.pair(ctx, c.load(mode), endpoints[transport])
			if err != nil {
				return err
			}
			result.Transport = transport
			if err := result.print(c.JSON); err != nil {
				return err
			}
		}
	}
	return nil
}

// pair runs both roles at once and returns the result of the one that has it.
func (c *benchCmd) pair(ctx context.Context, l load, endpoint string) (*result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	local, err := c.join(ctx, "local", l.mode, place{bind: true, endpoint: endpoint})
	if err != nil {
		return nil, err
	}
	remote, err := c.join(ctx, "remote", l.mode, place{endpoint: local.LastEndpoint()})
	if err != nil {
		_ = local.Close() // the first error is the one that counts
		return nil, err
	}
	type outcome struct {
		result *result
		err    error
	}
	other := make(chan outcome, 1)
	go func() {
		r, err := runLocal(ctx, local, l.mode)
		if err != nil {
			stop() // remote would wait for it
		}
		other <- outcome{r, err}
	}()
	measured, err := runRemote(ctx, remote, l)
	if err != nil {
		stop()
	}
	o := <-other
	_ = remote.CloseContext(ctx) // all has arrived, or there was an error already
	_ = local.CloseContext(ctx)
	switch {
	case err != nil && !errors.Is(err, context.Canceled), o.err == nil && err != nil:
		return nil, err
	case o.err != nil:
		return nil, o.err
	case measured == nil:
		measured = o.result
	}
	return measured, nil
}

// between is one role of two processes.
func (c *benchCmd) between(ctx context.Context) error {
	mode := c.Mode
	if mode == "" {
		mode = modeThroughput
	}
	p, err := readPlace(c.Endpoint, c.Role == "local")
	if err != nil {
		return err
	}
	if err := c.goWith([]place{p}); err != nil {
		return err
	}
	s, err := c.join(ctx, c.Role, mode, p)
	if err != nil {
		return err
	}
	var measured *result
	if c.Role == "local" {
		measured, err = runLocal(ctx, s, mode)
	} else {
		measured, err = runRemote(ctx, s, c.load(mode))
	}
	closing := ctx
	if c.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, c.Timeout)
		defer cancel()
		closing = limited
	}
	if err != nil {
		_ = s.Close() // the first error is the one that counts
		return err
	}
	if err := s.CloseContext(closing); err != nil {
		if ctx.Err() == nil {
			return timeoutf("bench: messages not delivered after %v", c.Timeout)
		}
		return err
	}
	if measured == nil {
		return nil
	}
	measured.Transport = p.endpoint
	return measured.print(c.JSON)
}

// join makes the socket of a role at its place.
func (c *benchCmd) join(ctx context.Context, role, mode string, p place) (*zmq.Socket, error) {
	types := map[string]zmq.SocketType{
		"local" + modeThroughput: zmq.PULL, "remote" + modeThroughput: zmq.PUSH,
		"local" + modeLatency: zmq.REP, "remote" + modeLatency: zmq.REQ,
	}
	config, err := c.config(ctx)
	if err != nil {
		return nil, err
	}
	s, err := sockets().NewSocket(types[role+mode], config)
	if err != nil {
		return nil, err
	}
	if err := p.open(s); err != nil {
		_ = s.Close() // nothing has been sent
		return nil, err
	}
	return s, nil
}
