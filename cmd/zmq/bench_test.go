package main

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// results reads what bench --json has printed.
func results(t *testing.T, p *process) (list []result) {
	t.Helper()
	for line := range strings.Lines(p.ends(exitDone).stdout.String()) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

// check finds results that make no sense.
func (r result) check(t *testing.T, mode, transport string, size, count int) {
	t.Helper()
	if r.Mode != mode || r.Transport != transport || r.Size != size || r.Count != count {
		t.Errorf("got %+v, want %s over %s, %d messages of %d octets", r, mode, transport, count, size)
	}
	if r.Seconds <= 0 || r.PerSecond <= 0 || r.Megabytes <= 0 {
		t.Errorf("%s over %s took %v s, %v messages/s, %v MB/s", mode, transport, r.Seconds, r.PerSecond, r.Megabytes)
	}
	if (r.Percentiles != nil) != (mode == modeLatency) {
		t.Fatalf("%s over %s has percentiles %v", mode, transport, r.Percentiles)
	}
	if p := r.Percentiles; p != nil && !slices.IsSorted([]float64{0, p.P50, p.P90, p.P99, p.P999, p.Max}) {
		t.Errorf("%s over %s: percentiles %+v", mode, transport, *p)
	}
}

func TestBenchMeasuresEveryTransportInOneProcess(t *testing.T) {
	got := results(t, start(t, "bench", "--json", "--size", "100", "--count", "50"))
	if len(got) != 6 {
		t.Fatalf("%d results, want 6: %+v", len(got), got)
	}
	for i, transport := range []string{"inproc", "ipc", "tcp"} {
		got[i].check(t, modeThroughput, transport, 100, 50)
		got[i+3].check(t, modeLatency, transport, 100, 50)
	}
}

func TestBenchPrintsLinesForPeople(t *testing.T) {
	p := start(t, "bench", "--transport", "inproc", "--count", "10").ends(exitDone)
	for _, part := range []string{"throughput  inproc", "messages/s", "MB/s", "latency     inproc", "p99.9", "µs\n"} {
		if !strings.Contains(p.stdout.String(), part) {
			t.Errorf("it printed %q, without %q", p.stdout, part)
		}
	}
}

func TestBenchMeasuresBetweenTwoProcesses(t *testing.T) {
	for _, mode := range []string{modeThroughput, modeLatency} {
		t.Run(mode, func(t *testing.T) {
			e := ipcEndpoint(t)
			local := start(t, "bench", "--json", "--role", "local", "--mode", mode, e)
			remote := start(t, "bench", "--json", "--role", "remote", "--mode", mode, "--count", "30", "--size", "0", e)
			got := append(results(t, local), results(t, remote)...)
			if len(got) != 1 {
				t.Fatalf("%d results, want one: %+v", len(got), got)
			}
			got[0].Megabytes = 1 // of nothing
			got[0].check(t, mode, e, 0, 30)
		})
	}
}

// freePort is the number of a port that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestBenchMeasuresSecureSockets(t *testing.T) {
	for name, of := range map[string]secured{"TLS": overTLS(t), "CURVE": byCurve(t), "PLAIN": byPassword(t)} {
		t.Run(name, func(t *testing.T) {
			e := strings.Replace(of.endpoint, "*", freePort(t), 1)
			local := start(t, with(of.server, "bench", "--json", "--role", "local", "-t", "20s", e)...)
			remote := start(t, with(of.client, "bench", "--json", "--role", "remote", "--count", "30", "--size", "10", "-t", "20s", e)...)
			got := append(results(t, local), results(t, remote)...)
			if len(got) != 1 {
				t.Fatalf("%d results, want one: %+v", len(got), got)
			}
			got[0].check(t, modeThroughput, e, 10, 30)
		})
	}
}

func TestBenchRefusesSecurityThatNobodyWouldObey(t *testing.T) {
	of := byCurve(t)
	start(t, with(of.client, "bench")...).complains(exitUsage, "--role")
	start(t, with(of.client, "bench", "--role", "remote", "--user", "Ada", "tcp://127.0.0.1:9")...).complains(exitUsage, "PLAIN or CURVE")
	start(t, "bench", "--role", "remote", "--tls-ca", "none", "tcp://127.0.0.1:9").complains(exitUsage, "tls+tcp")
	start(t, "bench", "--role", "local", "--curve", "none", "tcp://127.0.0.1:*").complains(exitError, "none")
}

func TestBenchRefusesOtherPeers(t *testing.T) {
	e := ipcEndpoint(t)
	local := start(t, "bench", "--role", "local", e)
	start(t, "push", "-m", "hello", e).prints("")
	local.complains(exitError, "no zmq bench", "hello")
}

func TestPercentilesAreOfTheSortedTrips(t *testing.T) {
	trips := make([]time.Duration, 1000)
	for i := range trips {
		trips[len(trips)-1-i] = time.Duration(i+1) * time.Microsecond
	}
	r := latency(load{mode: modeLatency, size: 10, count: 1000}, time.Second, trips)
	if want := (percentiles{500, 900, 990, 999, 1000}); *r.Percentiles != want {
		t.Errorf("got %+v, want %+v", *r.Percentiles, want)
	}
	if r.PerSecond != 1000 || r.Megabytes != 0.01 {
		t.Errorf("got %v messages/s, %v MB/s", r.PerSecond, r.Megabytes)
	}
}
