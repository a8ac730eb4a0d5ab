//go:build linux

package main

import (
	"strings"
	"testing"
	"time"

	"zeromux/examples/echo/internal/sys"
)

func TestATableShowsMediansAndWhoIsNotServed(t *testing.T) {
	of := func(served, messages, reads int) sample {
		return sample{served, messages, 500 * time.Millisecond, sys.Tally{
			Calls: map[string]int{"read": reads, "write": messages}, Switches: messages / 2, Micros: 200 * messages,
		}}
	}
	samples := map[string][]sample{
		"blocking": {of(1, 1000, 1000)},
		"busy":     {of(10, 500, 99_500)},
		"select":   {of(10, 100, 200), of(10, 5000, 5000), of(10, 300, 450)},
		"poll":     {of(0, 0, 0)},
		"epoll":    {of(10, 100, 100)},
		"iomux":    {of(10, 100, 1150)},
	}
	got := table(load{busy: 10}, samples)
	for _, want := range []string{
		"| blocking | 2000 (serves 1 of 10) | 2.00 | 0.50 | 200 µs |\n",
		"| busy | 1000 | 200 | 0.50 | 200 µs |\n",
		"| select | 600 | 2.50 | 0.50 | 200 µs |\n",
		"| poll | none: serves 0 of 10 | | | |\n",
		"| iomux | 200 | 12.5 | 0.50 | 200 µs |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log("\n" + got)
	}
}

func TestALoadSaysWhatItIs(t *testing.T) {
	for l, want := range map[load]string{
		{1, 0}:     "1 connection",
		{10, 0}:    "10 connections",
		{1, 1000}:  "1 connection beside 1000 idle ones",
		{10, 1000}: "10 connections beside 1000 idle ones",
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAMachineHasAName(t *testing.T) {
	if got := machine(); strings.Count(got, ", ") < 3 || !strings.Contains(got, " cores of ") || !strings.HasSuffix(got, " before the start") {
		t.Errorf("%q", got)
	}
}
