package main

import (
	"strings"
	"testing"
)

func TestReportJudgesByTheMedianOfTheRounds(t *testing.T) {
	r := row{pattern: "PUSH/PULL", transport: "tcp", size: 16, target: target{atLeast: 3}}
	p := &report{theirs: "libzmq", ours: "zeromux", plain: "zeromux Recv"}
	for round, rate := range []int64{9_000_000, 2_000_000, 4_000_000} {
		p.Samples = append(p.Samples,
			sample{Row: r.String(), Variant: "libzmq", Round: round, Messages: 1_000_000, Seconds: 1, SendCPU: 0.4, ReceiveCPU: 0.6},
			sample{Row: r.String(), Variant: "zeromux", Round: round, Messages: rate, Seconds: 1, SendCPU: 0.1, ReceiveCPU: 0.15})
	}
	var out strings.Builder
	if missed, err := p.print(&out, []row{r}); missed != 0 || err != nil {
		t.Errorf("%d targets missed, want none", missed)
	}
	for _, want := range []string{"1.00 M", "4.00 M", "x4.00 (2.00..9.00)", "≥ 3 met", "0.4 + 0.6", "0.1 + 0.15", "x0.25 (0.25..0.25)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	r.target.atLeast = 5
	out.Reset()
	if missed, err := p.print(&out, []row{r}); missed != 1 || err != nil || !strings.Contains(out.String(), "≥ 5 MISSED") {
		t.Errorf("%d targets missed, want one, and said so:\n%s", missed, &out)
	}
}

func TestRowWithoutResultIsNamed(t *testing.T) {
	r := row{pattern: "REQ/REP", transport: "tcp", size: 64}
	var out strings.Builder
	_, err := (&report{theirs: "libzmq", ours: "zeromux"}).print(&out, []row{r})
	if err != nil || !strings.Contains(out.String(), "REQ/REP tcp 64 B: no result") {
		t.Errorf("got\n%s", &out)
	}
}
