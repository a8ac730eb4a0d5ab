package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// needLibzmq skips a test where the C peer cannot be built, but not where
// everything is said to be installed.
func needLibzmq(t *testing.T) string {
	t.Helper()
	program, err := buildC(t.Context())
	if err != nil {
		if os.Getenv("CI") != "" || os.Getenv("ZEROMUX_REQUIRE_INTEROP") != "" {
			t.Fatal(err)
		}
		t.Skip("no libzmq to compare with: ", err)
	}
	return program
}

func TestBothPeersPlayEveryRole(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to build our peer with")
	}
	ours, err := buildGo(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	variants := []variant{
		{name: "zeromux", program: ours, receive: "into"},
		{name: "zeromux Recv", program: ours, receive: "plain"},
		{name: "libzmq", program: needLibzmq(t), receive: "plain"},
		{name: "libzmq zmq_recv", program: needLibzmq(t), receive: "into"},
	}
	dir, err := os.MkdirTemp("", "zb") // t.TempDir is too long for an ipc address
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	g := rig{warmup: 10 * time.Millisecond, window: 20 * time.Millisecond, dir: dir}
	many := []row{
		{kind: oneOfMany, transport: "tcp", size: 64, peers: 20},
		{kind: oneOfMany, transport: "inproc", size: 64, peers: 20},
		{kind: oneToMany, transport: "tcp", size: 64, peers: 1},
		{kind: oneToMany, transport: "tcp", size: 64, peers: 3},
		{kind: oneToMany, transport: "tcp", size: 64, peers: 1, topics: 1500},
		{kind: manyClients, transport: "tcp", size: 64, peers: 5, depth: 2},
		{kind: forwarding, transport: "tcp", size: 100},
		{kind: queueing, transport: "tcp", size: 100, peers: 3, depth: 5},
		{kind: comeAndGo, transport: "tcp", size: 64, peers: 2},
		{kind: idle, transport: "tcp", size: 64, peers: 40},
		{kind: halfOpen, transport: "tcp", size: 64, peers: 40},
		{kind: comeAndGo, transport: "tcp", size: 64, peers: 2, curve: true},
		{kind: halfOpen, transport: "tcp", size: 64, peers: 40, curve: true},
	}
	for _, v := range variants {
		all := []row{
			{kind: oneWay, transport: "tcp", size: 16},
			{kind: oneWay, transport: "tcp", size: 64 << 10, curve: true},
			{kind: oneWay, transport: "ipc", size: 4 << 10},
			{kind: oneWay, transport: "inproc", size: 64},
			{kind: thereAndBack, transport: "tcp", size: 64},
			{kind: thereAndBack, transport: "ipc", size: 64},
			{kind: thereAndBack, transport: "inproc", size: 64},
		}
		if v.name == "zeromux" || v.name == "libzmq" {
			all = append(all, many...)
		}
		for _, r := range all {
			t.Run(v.name+" "+r.String(), func(t *testing.T) {
				s, err := g.run(t.Context(), r, v)
				if errors.Is(err, errSkipped) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				checkSample(t, r, s)
			})
		}
	}
}

// checkSample demands what every sample of a row must tell.
func checkSample(t *testing.T, r row, s sample) {
	t.Helper()
	switch r.kind.first {
	case resident:
		if s.Connections != r.peers || s.Before <= 0 || s.Served <= 0 {
			t.Errorf("got %+v", s)
		}
		return
	case p50:
		if !(0 < s.P50 && s.P50 <= s.P99 && s.P99 <= s.P999) {
			t.Errorf("percentiles do not rise: %+v", s)
		}
	}
	if s.Messages <= 0 || s.Seconds <= 0 || s.ReceiveCPU <= 0 || (r.transport != "inproc" && s.SendCPU <= 0) {
		t.Errorf("got %+v", s)
	}
}

func TestMoreConnectionsThanDescriptorsAreSkippedWithTheReason(t *testing.T) {
	r := row{kind: idle, transport: "tcp", peers: descriptors()}
	err := weigh(t.Context(), nil, r, nil, "tcp://127.0.0.1:1", &sample{})
	if !errors.Is(err, errSkipped) || !strings.Contains(err.Error(), "-connections") {
		t.Errorf("got %v", err)
	}
}

func TestReportNamesRowsAndSavesSamples(t *testing.T) {
	needLibzmq(t)
	file := filepath.Join(t.TempDir(), "samples.json")
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-against-itself", "-quick", "-rounds=1", "-rows=REQ/REP inproc", "-json=" + file}, &out, &progress)
	if err != nil {
		t.Fatal(err, progress.String())
	}
	for _, want := range []string{"REQ/REP inproc 64 B p50", "REQ/REP inproc 64 B p99.9"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var saved report
	if err := json.Unmarshal(b, &saved); err != nil || len(saved.Samples) != 2 {
		t.Errorf("got %d samples, %v; want 2: a row, two variants", len(saved.Samples), err)
	}
	if !strings.Contains(progress.String(), "stays as it is: not every row") {
		t.Errorf("it is not said that nothing is published:\n%s", &progress)
	}
}
