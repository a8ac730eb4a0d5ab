package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

// A result is what one run has measured.
type result struct {
	Mode      string `json:"mode"`
	Transport string `json:"transport"` // or the endpoint, between two processes
	Size      int    `json:"size"`      // octets of a message
	Count     int    `json:"count"`
	// Seconds is how long all took; the rates follow from it. A round trip
	// counts once.
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"messages_per_second"`
	Megabytes float64 `json:"megabytes_per_second"`
	// Percentiles are of round trips, in microseconds; nil for throughput.
	Percentiles *percentiles `json:"microseconds,omitempty"`
}

// percentiles are round trips that so many of a hundred do not exceed.
type percentiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

func throughput(l load, took time.Duration) *result {
	seconds := max(took, time.Nanosecond).Seconds()
	rate := float64(l.count) / seconds
	return &result{
		Mode: l.mode, Size: l.size, Count: l.count,
		Seconds: seconds, PerSecond: rate, Megabytes: rate * float64(l.size) / 1e6,
	}
}

// latency sorts trips.
func latency(l load, took time.Duration, trips []time.Duration) *result {
	r := throughput(l, took)
	slices.Sort(trips)
	r.Percentiles = &percentiles{
		P50: nth(trips, 0.5), P90: nth(trips, 0.9), P99: nth(trips, 0.99), P999: nth(trips, 0.999), Max: nth(trips, 1),
	}
	return r
}

// nth is the smallest of the sorted trips that share of them do not exceed, in
// microseconds.
func nth(trips []time.Duration, share float64) float64 {
	i := int(math.Ceil(share*float64(len(trips)))) - 1
	return float64(trips[max(i, 0)].Nanoseconds()) / 1e3
}

// print prints r on standard output, as a line for people or for programs.
func (r *result) print(asJSON bool) error {
	if asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return printLine(string(line))
	}
	line := fmt.Sprintf("%-10s  %-6s  %7d B  %9d messages     %9.0f messages/s  %8.1f MB/s",
		r.Mode, r.Transport, r.Size, r.Count, r.PerSecond, r.Megabytes)
	if p := r.Percentiles; p != nil {
		line = fmt.Sprintf("%-10s  %-6s  %7d B  %9d round trips  p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f µs",
			r.Mode, r.Transport, r.Size, r.Count, p.P50, p.P90, p.P99, p.P999, p.Max)
	}
	return printLine(line)
}

func printLine(line string) error {
	if _, err := fmt.Fprintln(os.Stdout, line); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
