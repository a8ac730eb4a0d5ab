//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// table tells what the servers did under a load, in Markdown.
func table(l load, samples map[string][]sample) string {
	var b strings.Builder
	b.WriteString("| server | messages/s | system calls a message | context switches a message | processor time a message |\n")
	b.WriteString("|---|---|---|---|---|\n")
	for _, name := range servers {
		all := samples[name]
		rate := median(all, func(s sample) float64 { return float64(s.messages) / s.took.Seconds() })
		if rate == 0 {
			fmt.Fprintf(&b, "| %s | none: serves %d of %d | | | |\n", name, served(all), l.busy)
			continue
		}
		each := func(of func(sample) int) string {
			return digits(median(all, func(s sample) float64 { return float64(of(s)) / float64(s.messages) }))
		}
		note := ""
		if n := served(all); n < l.busy {
			note = fmt.Sprintf(" (serves %d of %d)", n, l.busy)
		}
		fmt.Fprintf(&b, "| %s | %.0f%s | %s | %s | %s µs |\n", name, rate, note,
			each(func(s sample) int { return s.tally.All() }),
			each(func(s sample) int { return s.tally.Switches }),
			each(func(s sample) int { return s.tally.Micros }))
	}
	return b.String()
}

// served is how many of the busy connections had an answer, in the worst round.
func served(all []sample) int {
	return slices.MinFunc(all, func(a, b sample) int { return a.served - b.served }).served
}

// median is that of a figure of each sample.
func median(all []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range all {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// digits writes a figure in three digits, or more where it is larger.
func digits(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// machine says when and where this was.
func machine() string {
	system := unix.Utsname{}
	_ = unix.Uname(&system)                 // what this cannot tell stays empty
	load, _ := os.ReadFile("/proc/loadavg") // nor this
	before, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%s, %d cores of %s, Linux %s, %s, load %s before the start",
		time.Now().Format("2 January 2006"), runtime.NumCPU(), processor(), unix.ByteSliceToString(system.Release[:]), runtime.Version(), before)
}

// processor is the name that the kernel has for it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
