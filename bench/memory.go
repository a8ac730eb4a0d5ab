package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errSkipped says why a row cannot be measured here. It is no failure.
var errSkipped = errors.New("skipped")

// weigh measures what connections cost the peer in resident memory: with all of
// them, less without any. keys are those of a row of CURVE.
func weigh(ctx context.Context, server *child, r row, k *keys, endpoint string, s *sample) error {
	if most := descriptors() - 100; r.peers > most {
		return fmt.Errorf("%w: %d connections are more than the %d descriptors that a process may have (ulimit -n); see -connections", errSkipped, r.peers, most+100)
	}
	arrive := sayNothing
	switch {
	case r.kind == idle:
		arrive = shakeHands
	case r.curve:
		arrive = k.knock
	}
	address := strings.TrimPrefix(endpoint, "tcp://")
	// One that comes and goes beforehand: what is made once belongs to the process.
	if _, err := serveOne(ctx, address, k, r.size); err != nil {
		return err
	}
	before, err := server.resident()
	if err != nil {
		return err
	}
	c, err := gather(ctx, address, r.peers, arrive)
	defer c.leave()
	if err != nil {
		return fmt.Errorf("after %d connections: %w", len(c.conns), err)
	}
	after, err := server.resident()
	if err != nil {
		return err
	}
	took, err := serveOne(ctx, address, k, r.size)
	if err != nil {
		return fmt.Errorf("beside %d connections an honest client is not served: %w", r.peers, err)
	}
	if n := c.closed(); n > 0 {
		return fmt.Errorf("%d of %d connections were closed meanwhile", n, r.peers)
	}
	s.Connections, s.Before, s.Served = r.peers, before, float64(took.Microseconds())/1e3
	s.Resident = float64(after-before) / float64(r.peers)
	return nil
}

// weighTopics measures what topics cost a publisher in resident memory, of which one
// subscriber has so many.
func (g rig) weighTopics(ctx context.Context, publisher *child, r row, v variant, endpoint string, s *sample) error {
	before, err := publisher.resident()
	if err != nil {
		return err
	}
	subscriber, err := start(ctx, v.name, v.program, g.args(r, v, r.kind.connects, endpoint)...)
	if err != nil {
		return err
	}
	defer subscriber.stop()
	if _, err := subscriber.next("start"); err != nil {
		return err
	}
	after, err := publisher.resident()
	if err != nil {
		return err
	}
	s.Connections, s.Before = r.topics, before
	s.Resident = float64(after-before) / float64(r.topics)
	return nil
}

// serveOne tells how long an honest client takes to connect, shake hands and get a
// reply.
func serveOne(ctx context.Context, address string, k *keys, size int) (took time.Duration, err error) {
	question := bytes.Repeat([]byte{'?'}, size)
	began := time.Now()
	c, err := gather(ctx, address, 1, func(conn net.Conn) error {
		if k != nil {
			return k.ask(conn, question)
		}
		d, err := (&plainDealer{conn: conn}).shakeHands()
		if err != nil {
			return err
		}
		return d.ask(question)
	})
	took = time.Since(began)
	c.leave()
	return took, err
}

// resident is the resident memory of the process in octets, after it has given
// back what it does not need, once that no longer changes.
func (c *child) resident() (int64, error) {
	last := int64(0)
	for range 20 {
		if _, err := c.tell("trim", "trimmed"); err != nil {
			return 0, err
		}
		now, err := residentOf(c.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if change := now - last; -64<<10 < change && change < 64<<10 {
			return now, nil
		}
		last = now
		time.Sleep(50 * time.Millisecond) // for what ends by itself after a handshake
	}
	return last, nil
}

// residentOf reads the resident memory of a process from /proc.
func residentOf(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("%w: this system does not tell: %w", errSkipped, err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("%w: this system does not tell the resident memory", errSkipped)
}

// descriptors is how many this process, and each that it starts, may have open.
// The Go runtime has raised our own limit to the hard one; the peers raise theirs.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 256
	}
	return int(min(limit.Max, 1<<30))
}
