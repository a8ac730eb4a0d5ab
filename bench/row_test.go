package main

import (
	"regexp"
	"testing"
)

func TestGoalsAndBarsAreThoseThatWereSet(t *testing.T) {
	want := map[string]string{
		"PUSH/PULL tcp 16 B rate":                      "≥ 4, bar ≥ 3",
		"PUSH/PULL tcp 16 B CPU":                       "≤ 0.4",
		"PUSH/PULL tcp 64 B rate":                      "≥ 4, bar ≥ 3",
		"PUSH/PULL tcp 64 B CPU":                       "≤ 0.4",
		"PUSH/PULL tcp 256 B rate":                     "≥ 3, bar ≥ 2",
		"PUSH/PULL tcp 256 B CPU":                      "≤ 0.4",
		"PUSH/PULL tcp 1 KiB rate":                     "≥ 2.5, bar ≥ 2",
		"PUSH/PULL tcp 4 KiB rate":                     "≥ 2, bar ≥ 1.3",
		"PUSH/PULL tcp 16 KiB rate":                    "≥ 2",
		"PUSH/PULL tcp 64 KiB rate":                    "≥ 1.4, bar ≥ 1.3",
		"PUSH/PULL tcp 1 MiB rate":                     "≥ 1.2",
		"PUSH/PULL ipc 16 B rate":                      "≥ 4",
		"PUSH/PULL ipc 16 B CPU":                       "≤ 0.4",
		"PUSH/PULL ipc 64 B rate":                      "≥ 4",
		"PUSH/PULL ipc 64 B CPU":                       "≤ 0.4",
		"PUSH/PULL ipc 256 B rate":                     "≥ 3",
		"PUSH/PULL ipc 256 B CPU":                      "≤ 0.4",
		"PUSH/PULL ipc 1 KiB rate":                     "≥ 2.5",
		"PUSH/PULL ipc 4 KiB rate":                     "≥ 2",
		"PUSH/PULL ipc 16 KiB rate":                    "≥ 2",
		"PUSH/PULL ipc 64 KiB rate":                    "≥ 1.4",
		"PUSH/PULL ipc 1 MiB rate":                     "≥ 1.2",
		"PUSH/PULL inproc 64 B rate":                   "≥ 6, bar ≥ 5",
		"PUSH/PULL inproc 64 B CPU":                    "≤ 0.4",
		"PUSH/PULL tcp 64 B, CURVE rate":               "≥ 1.3",
		"PUSH/PULL tcp 1 KiB, CURVE rate":              "≥ 1.2",
		"PUSH/PULL tcp 64 KiB, CURVE rate":             "≥ 0.8",
		"REQ/REP tcp 64 B p50":                         "≤ 0.5, bar ≤ 0.75",
		"REQ/REP tcp 64 B p99":                         "≤ 0.7",
		"REQ/REP tcp 64 B p99.9":                       "≤ 0.7",
		"REQ/REP ipc 64 B p50":                         "≤ 0.5",
		"REQ/REP ipc 64 B p99":                         "≤ 0.7",
		"REQ/REP ipc 64 B p99.9":                       "≤ 0.7",
		"REQ/REP inproc 64 B p50":                      "≤ 0.1",
		"REQ/REP inproc 64 B p99":                      "≤ 0.7",
		"REQ/REP inproc 64 B p99.9":                    "≤ 0.7",
		"PUB/SUB tcp 64 B to 1 rate":                   "≥ 3",
		"PUB/SUB tcp 64 B to 8 rate":                   "≥ 3",
		"PUB/SUB tcp 64 B to 64 rate":                  "≥ 3",
		"PUB/SUB tcp 64 B, 100000 subscriptions rate":  "≥ 3",
		"ROUTER/DEALER tcp 64 B, 100 × 10 rate":        "≥ 2",
		"ROUTER/DEALER tcp 64 B, 1000 × 1 rate":        "≥ 1.7",
		"connects tcp 64 B rate":                       "≥ 2",
		"connects tcp 64 B, CURVE rate":                "≥ 1.5",
		"proxy XSUB-XPUB tcp 100 B rate":               "≥ 2",
		"proxy ROUTER-DEALER tcp 100 B, 10 × 100 rate": "≥ 2",
		"memory, idle tcp memory":                      "≤ 2.5 KiB",
		"memory, half-open tcp memory":                 "≤ 8 KiB",
		"memory, half-open tcp, CURVE memory":          "≤ 8 KiB",
		"poller tcp 64 B, 1 of 1000 p50":               "≤ 0.33",
		"poller inproc 64 B, 1 of 1000 p50":            "≤ 0.33",
	}
	seen := 0
	for _, r := range rows(10_000) {
		for _, w := range r.wants {
			got := w.text(w.goal)
			if w.bar != (target{}) {
				got += ", bar " + w.text(w.bar)
			}
			name := r.String() + " " + w.figure.String()
			if got != want[name] {
				t.Errorf("%s: %q, want %q", name, got, want[name])
			}
			seen++
		}
	}
	if seen != len(want) {
		t.Errorf("%d figures have a goal, want %d", seen, len(want))
	}
}

func TestNamesOfRowsTellThemApart(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows(10_000) {
		if seen[r.String()] {
			t.Errorf("two rows are called %s", r)
		}
		seen[r.String()] = true
	}
}

func TestRowsAreChosenByName(t *testing.T) {
	got := matching(rows(10_000), regexp.MustCompile(`^PUSH/PULL (tcp|inproc) 64 B$`))
	if len(got) != 2 || got[0].transport != "tcp" || got[1].transport != "inproc" {
		t.Errorf("got %v", got)
	}
}
