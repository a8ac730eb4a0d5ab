package main

import (
	"strings"
	"testing"
	"time"
)

// pretended is a report of rounds on all rows in which ours is as many times as
// good as libzmq.
func pretended(rows []row, rounds int, times float64) *report {
	p := &report{
		Date: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), Command: "make bench", Machine: "2 cores of a Pretender",
		Revision: "abc123", Settings: "some rounds", Theirs: "libzmq", Ours: "zeromux", Plain: "zeromux Recv",
	}
	for _, r := range rows {
		for round := 1; round <= rounds; round++ {
			noise := 1 + 0.1*float64(round%3-1)
			theirs := sample{
				Row: r.String(), Variant: p.Theirs, Library: "libzmq 9.8.7", Round: round,
				Messages: int64(1e9 * noise / float64(r.size)), Seconds: 1, SendCPU: 0.4, ReceiveCPU: 0.6,
				P50: 50, P99: 120, P999: 800, Connections: r.peers, Resident: 20_000, Served: 3,
			}
			ours := theirs
			ours.Variant, ours.Library = p.Ours, "zeromux"
			ours.Messages = int64(float64(theirs.Messages) * times)
			ours.SendCPU, ours.ReceiveCPU = theirs.SendCPU/times, theirs.ReceiveCPU/times
			ours.P50, ours.P99, ours.P999 = theirs.P50/times, theirs.P99/times, theirs.P999/times
			ours.Resident = theirs.Resident / times
			p.Samples = append(p.Samples, theirs, ours)
			if r.kind.plain {
				ours.Variant, ours.ReceiveAllocs = p.Plain, 1
				p.Samples = append(p.Samples, ours)
			}
		}
	}
	return p
}

func TestReportJudgesByTheMedianOfTheRounds(t *testing.T) {
	r := row{kind: oneWay, transport: "tcp", size: 16, wants: []want{{figure: rate, goal: atLeast(4)}}}
	p := &report{Theirs: "libzmq", Ours: "zeromux", Plain: "zeromux Recv"}
	for round, rate := range []int64{9_000_000, 2_000_000, 4_000_000} {
		p.Samples = append(p.Samples,
			sample{Row: r.String(), Variant: "libzmq", Round: round, Messages: 1_000_000, Seconds: 1, SendCPU: 0.4, ReceiveCPU: 0.6},
			sample{Row: r.String(), Variant: "zeromux", Round: round, Messages: rate, Seconds: 1, SendCPU: 0.1, ReceiveCPU: 0.15, ReceiveAllocs: 1.5})
	}
	var out strings.Builder
	if err := p.print(&out, []row{r}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Messages per second", "1.00 M", "4.00 M", "x4.00 (2.00..9.00)", "≥ 4 met",
		"0.4 + 0.6", "0.1 + 0.15", "x0.25 (0.25..0.25)", "objects zeromux", "1.50",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
}

func TestEverySectionOfTheReportIsPrinted(t *testing.T) {
	all := rows(10_000)
	var out strings.Builder
	if err := pretended(all, 3, 2).print(&out, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"libzmq 9.8.7, zeromux abc123; 2 cores of a Pretender",
		"ONE WAY", "THERE AND BACK", "ONE TO MANY", "MANY CLIENTS OF ONE SERVER", "COMING AND GOING", "MEMORY",
		"Microseconds", "REQ/REP ipc 64 B p99.9", "Deliveries per second", "Round trips per second", "Connections per second",
		"each of 10000 connections", "9.77 KiB", "one more client",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
}

func TestRowWithoutResultIsNamed(t *testing.T) {
	all := []row{
		{kind: thereAndBack, transport: "tcp", size: 64},
		{kind: idle, transport: "tcp"},
	}
	p := &report{Theirs: "libzmq", Ours: "zeromux", Skipped: map[string]string{"memory, idle tcp": "skipped: too few descriptors"}}
	var out strings.Builder
	if err := p.print(&out, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"REQ/REP tcp 64 B: no result", "memory, idle tcp: skipped: too few descriptors"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
}

func TestFailedRunsAreAnError(t *testing.T) {
	if err := (&report{}).failure(); err != nil {
		t.Error(err)
	}
	err := (&report{Failed: []string{"PUSH/PULL: lost", "REQ/REP: late"}}).failure()
	if err == nil || !strings.Contains(err.Error(), "2 runs failed, the first: PUSH/PULL: lost") {
		t.Errorf("got %v", err)
	}
}
