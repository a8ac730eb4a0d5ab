package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A variant is one of the libraries under comparison, in one way of use.
type variant struct {
	name    string // how the report calls it
	program string
	receive string // the -recv of cpeer/main.c and peer/main.go
	keys    *keys  // of this one run, where it has CURVE
}

// A sample is what one run of one variant on one row yielded.
type sample struct {
	Row      string  `json:"row"`
	Variant  string  `json:"variant"`
	Library  string  `json:"library"` // with its version, as far as it tells
	Round    int     `json:"round"`
	Messages int64   `json:"messages,omitempty"` // or round trips, deliveries, connections
	Seconds  float64 `json:"seconds,omitempty"`
	// Processor seconds per million messages: of who sends, replies or serves,
	// and of who receives, asks or subscribes. One process does both for inproc,
	// and Send is 0.
	SendCPU    float64 `json:"send_cpu_s_per_million,omitempty"`
	ReceiveCPU float64 `json:"receive_cpu_s_per_million,omitempty"`
	// Objects allocated for each message, as far as the library tells.
	SendAllocs    float64 `json:"send_allocs,omitempty"`
	ReceiveAllocs float64 `json:"receive_allocs,omitempty"`
	// Round trips only, in microseconds.
	P50  float64 `json:"p50_us,omitempty"`
	P99  float64 `json:"p99_us,omitempty"`
	P999 float64 `json:"p999_us,omitempty"`
	// Memory only.
	Connections int     `json:"connections,omitempty"` // or topics
	Resident    float64 `json:"resident_octets_per_connection,omitempty"`
	Before      int64   `json:"resident_octets_before,omitempty"` // of the whole process
	Served      float64 `json:"served_in_ms,omitempty"`           // one more client, beside all of these
}

// A rig runs peers: how long, and where their files may lie.
type rig struct {
	warmup, window time.Duration
	dir            string // short, for ipc addresses
}

// deadline is what a whole run may take before its processes are killed.
func (g rig) deadline() time.Duration { return 90*time.Second + 10*(g.warmup+g.window) }

// run measures one variant on one row, once.
func (g rig) run(ctx context.Context, r row, v variant) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, g.deadline())
	defer cancel()
	if r.curve {
		var err error
		if v.keys, err = newKeys(); err != nil {
			return sample{}, err
		}
	}
	role, alone := r.kind.binds, r.transport == "inproc"
	if alone {
		role = r.kind.alone
	}
	binder, err := start(ctx, v.name, v.program, g.args(r, v, role, g.endpoint(r))...)
	if err != nil {
		return sample{}, err
	}
	defer binder.stop()
	bound, err := binder.next("bound")
	if err != nil {
		return sample{}, err
	}
	got := sample{Library: binder.library}
	switch {
	case r.kind == topicMemory:
		err := g.weighTopics(ctx, binder, r, v, bound.Endpoint, &got)
		return got, err
	case r.kind.first == resident:
		err := weigh(ctx, binder, r, v.keys, bound.Endpoint, &got)
		return got, err
	case alone:
		err := one(binder, &got)
		return got, err
	}
	if r.kind.feeds != "" {
		feeder, err := start(ctx, v.name, v.program, g.args(r, v, r.kind.feeds, bound.Endpoint)...)
		if err != nil {
			return sample{}, err
		}
		defer feeder.stop()
		if bound, err = binder.next("bound"); err != nil {
			return sample{}, err
		}
	}
	connecter, err := start(ctx, v.name, v.program, g.args(r, v, r.kind.connects, bound.Endpoint)...)
	if err != nil {
		return sample{}, err
	}
	defer connecter.stop()
	measuring, other := binder, connecter
	if r.kind.connecterMeasures {
		measuring, other = connecter, binder
	}
	err = both(measuring, other, &got)
	return got, err
}

func (g rig) args(r row, v variant, role, endpoint string) []string {
	times := max(1, r.kind.patience)
	all := []string{
		role, "-endpoint=" + endpoint, fmt.Sprint("-size=", r.size), "-recv=" + v.receive,
		fmt.Sprint("-warmup=", times*g.warmup.Milliseconds()), fmt.Sprint("-window=", times*g.window.Milliseconds()),
		fmt.Sprint("-peers=", max(1, r.peers)), fmt.Sprint("-depth=", max(1, r.depth)), fmt.Sprint("-topics=", max(1, r.topics)),
	}
	if r.kind == halfOpen { // nobody is to be closed before he was weighed
		all = append(all, fmt.Sprint("-handshake=", g.deadline().Milliseconds()))
	}
	return append(all, v.keys.args(role == r.kind.binds)...)
}

// endpoint is where the binding peer binds.
func (g rig) endpoint(r row) string {
	switch r.transport {
	case "tcp":
		return "tcp://127.0.0.1:*"
	case "ipc":
		path := filepath.Join(g.dir, "ipc")
		_ = os.Remove(path) // of the run before; bind tells if it cannot go
		return "ipc://" + path
	}
	return "inproc://bench"
}

// one reads the result of a process that is both ends.
func one(c *child, s *sample) error {
	if _, err := c.next("start"); err != nil {
		return err
	}
	end, err := c.next("end")
	if err != nil {
		return err
	}
	s.take(end)
	return nil
}

// both reads the result of the process that measures, and what the other one
// did meanwhile. The other's cost is divided by the other's own count, so that
// it does not matter how late it hears of the window's ends.
func both(measuring, other *child, s *sample) error {
	if _, err := measuring.next("start"); err != nil {
		return err
	}
	before, err := other.mark()
	if err != nil {
		return err
	}
	end, err := measuring.next("end")
	if err != nil {
		return err
	}
	after, err := other.mark()
	if err != nil {
		return err
	}
	s.take(end)
	n := after.Messages - before.Messages
	if n <= 0 { // a window so short that the other never came round to counting
		n = end.Messages
	}
	s.SendCPU = perMillion(after.CPUNs-before.CPUNs, n)
	s.SendAllocs = float64(after.Allocs-before.Allocs) / float64(n)
	return nil
}

// take enters what the measuring process found.
func (s *sample) take(end event) {
	s.Messages, s.Seconds = end.Messages, float64(end.Ns)/1e9
	if n := end.Messages; n > 0 {
		s.ReceiveCPU = perMillion(end.CPUNs, n)
		s.ReceiveAllocs = float64(end.Allocs) / float64(n)
	}
	s.P50, s.P99, s.P999 = float64(end.P50Ns)/1e3, float64(end.P99Ns)/1e3, float64(end.P999Ns)/1e3
}

// perMillion turns nanoseconds for n messages into seconds for a million.
func perMillion(ns, n int64) float64 { return float64(ns) / 1e3 / float64(n) }
