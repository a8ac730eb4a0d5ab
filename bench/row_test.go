package main

import (
	"regexp"
	"testing"
)

func TestTargetsAreThoseOfTheFirstReading(t *testing.T) {
	want := map[string]string{
		"PUSH/PULL tcp 16 B":    "≥ 3",
		"PUSH/PULL tcp 64 B":    "≥ 3",
		"PUSH/PULL tcp 256 B":   "≥ 2",
		"PUSH/PULL tcp 1 KiB":   "≥ 2",
		"PUSH/PULL tcp 4 KiB":   "≥ 1.3",
		"PUSH/PULL tcp 64 KiB":  "≥ 1.3",
		"PUSH/PULL inproc 64 B": "≥ 5",
		"REQ/REP tcp 64 B":      "≤ 0.75",
	}
	seen := 0
	for _, r := range rows() {
		if got := r.target.String(); got != want[r.String()] {
			t.Errorf("%s: target %q, want %q", r, got, want[r.String()])
		}
		if r.target != (target{}) {
			seen++
		}
	}
	if seen != len(want) {
		t.Errorf("%d rows have a target, want %d", seen, len(want))
	}
}

func TestTargetIsMet(t *testing.T) {
	for _, c := range []struct {
		name   string
		target target
		ratio  float64
		want   bool
	}{
		{"no target is always met", target{}, 0.1, true},
		{"a rate that reaches its target", target{atLeast: 3}, 3, true},
		{"a rate below its target", target{atLeast: 3}, 2.99, false},
		{"a time within its target", target{atMost: 0.75}, 0.75, true},
		{"a time beyond its target", target{atMost: 0.75}, 0.76, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.target.met(c.ratio); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestRowsAreChosenByName(t *testing.T) {
	got := matching(rows(), regexp.MustCompile(`^PUSH/PULL (tcp|inproc) 64 B$`))
	if len(got) != 2 || got[0].transport != "tcp" || got[1].transport != "inproc" {
		t.Errorf("got %v", got)
	}
}
