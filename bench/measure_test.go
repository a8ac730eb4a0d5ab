package main

import (
	"bytes"
	"encoding/json"
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
		{"zeromux", ours, "into"},
		{"zeromux Recv", ours, "plain"},
		{"libzmq", needLibzmq(t), "plain"},
		{"libzmq zmq_recv", needLibzmq(t), "into"},
	}
	dir, err := os.MkdirTemp("", "zb") // t.TempDir is too long for an ipc address
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	g := rig{warmup: 10 * time.Millisecond, window: 20 * time.Millisecond, dir: dir}
	for _, v := range variants {
		for _, r := range []row{
			{pattern: "PUSH/PULL", transport: "tcp", size: 16},
			{pattern: "PUSH/PULL", transport: "ipc", size: 4 << 10},
			{pattern: "PUSH/PULL", transport: "inproc", size: 64},
			{pattern: "REQ/REP", transport: "tcp", size: 64},
			{pattern: "REQ/REP", transport: "ipc", size: 64},
			{pattern: "REQ/REP", transport: "inproc", size: 64},
		} {
			t.Run(v.name+" "+r.String(), func(t *testing.T) {
				s, err := g.run(t.Context(), r, v)
				if err != nil {
					t.Fatal(err)
				}
				if s.Messages <= 0 || s.Seconds <= 0 || s.ReceiveCPU <= 0 {
					t.Errorf("got %+v", s)
				}
				if r.roundTrips() && !(0 < s.P50 && s.P50 <= s.P99 && s.P99 <= s.P999) {
					t.Errorf("percentiles do not rise: %+v", s)
				}
			})
		}
	}
}

func TestReportNamesRowsAndSavesSamples(t *testing.T) {
	needLibzmq(t)
	file := filepath.Join(t.TempDir(), "samples.json")
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-against-itself", "-quick", "-rounds=1", "-rows=inproc", "-json=" + file}, &out, &progress)
	if err != nil {
		t.Fatal(err, progress.String())
	}
	for _, want := range []string{"PUSH/PULL inproc 64 B", "REQ/REP inproc 64 B p99.9"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var saved report
	if err := json.Unmarshal(b, &saved); err != nil || len(saved.Samples) != 4 {
		t.Errorf("got %d samples, %v; want 4: two rows, two variants", len(saved.Samples), err)
	}
}

func TestWrongFlagsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a pattern that matches no row", []string{"-rows=carrier pigeon"}, "carrier pigeon"},
		{"a pattern that is none", []string{"-rows=("}, "-rows"},
		{"a negative number of rounds", []string{"-rounds=-1"}, "-rounds"},
		{"a stray argument", []string{"tcp"}, `"tcp"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := run(t.Context(), c.args, &bytes.Buffer{}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to name %s", err, c.want)
			}
		})
	}
}
