package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A report is everything that was measured, and who took part.
type report struct {
	Machine  string   `json:"machine"`
	Settings string   `json:"settings"`
	Samples  []sample `json:"samples"`

	theirs, ours, plain string // names of the variants; plain may be empty
}

// of picks the samples of a row and a variant.
func (p *report) of(r row, variant string) []sample {
	var picked []sample
	for _, s := range p.Samples {
		if s.Row == r.String() && s.Variant == variant {
			picked = append(picked, s)
		}
	}
	return picked
}

// libraries names those that took part, with their versions.
func (p *report) libraries() string {
	var names []string
	for _, s := range p.Samples {
		if !slices.Contains(names, s.Library) {
			names = append(names, s.Library)
		}
	}
	return strings.Join(names, ", ")
}

// print writes the tables and returns how many targets were missed.
func (p *report) print(w io.Writer, rows []row) (missed int, err error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s; %s\n%s\n", p.libraries(), p.Machine, p.Settings)
	var throughput, latency []row
	for _, r := range rows {
		switch {
		case len(p.of(r, p.theirs)) == 0 || len(p.of(r, p.ours)) == 0:
			fmt.Fprintf(&text, "%s: no result\n", r)
		case r.roundTrips():
			latency = append(latency, r)
		default:
			throughput = append(throughput, r)
		}
	}
	if len(throughput) > 0 {
		missed += p.throughput(&text, throughput)
	}
	if len(latency) > 0 {
		missed += p.latency(&text, latency)
	}
	_, err = io.WriteString(w, text.String())
	return missed, err
}

func (p *report) throughput(text *strings.Builder, rows []row) (missed int) {
	text.WriteString("\nMessages per second; CPU seconds per million messages, sender + receiver\n\n")
	var t table
	t.line("", p.theirs, p.ours, "ratio", "target", p.plain, "ratio", "CPU "+p.theirs, "CPU "+p.ours, "ratio")
	for _, r := range rows {
		theirs, ours, plain := p.of(r, p.theirs), p.of(r, p.ours), p.of(r, p.plain)
		got := ratioOf(ours, theirs, sample.rate)
		verdict, miss := judge(r.target, got)
		missed += miss
		plainRate, plainRatio := "", ""
		if len(plain) > 0 {
			plainRate = perSecond(medianOf(plain, sample.rate))
			plainRatio = ratioOf(plain, theirs, sample.rate).String()
		}
		t.line(r.String(),
			perSecond(medianOf(theirs, sample.rate)), perSecond(medianOf(ours, sample.rate)), got.String(), verdict,
			plainRate, plainRatio,
			cpuText(theirs), cpuText(ours), ratioOf(ours, theirs, sample.cpu).String())
	}
	t.appendTo(text)
	return missed
}

func (p *report) latency(text *strings.Builder, rows []row) (missed int) {
	text.WriteString("\nRound trips, in microseconds; CPU seconds per million round trips, replier + requester\n\n")
	var t table
	t.line("", p.theirs, p.ours, "ratio", "target", "CPU "+p.theirs, "CPU "+p.ours, "ratio")
	for _, r := range rows {
		theirs, ours := p.of(r, p.theirs), p.of(r, p.ours)
		got := ratioOf(ours, theirs, func(s sample) float64 { return s.P50 })
		verdict, miss := judge(r.target, got)
		missed += miss
		t.line(r.String()+" p50",
			micros(theirs, func(s sample) float64 { return s.P50 }), micros(ours, func(s sample) float64 { return s.P50 }), got.String(), verdict,
			cpuText(theirs), cpuText(ours), ratioOf(ours, theirs, sample.cpu).String())
		for _, tail := range []struct {
			name   string
			figure func(sample) float64
		}{
			{"p99", func(s sample) float64 { return s.P99 }},
			{"p99.9", func(s sample) float64 { return s.P999 }},
		} {
			t.line(r.String()+" "+tail.name,
				micros(theirs, tail.figure), micros(ours, tail.figure), ratioOf(ours, theirs, tail.figure).String(), "", "", "", "")
		}
	}
	t.appendTo(text)
	return missed
}

// judge says whether a target was reached; miss is 1 if it was not.
func judge(t target, got ratio) (verdict string, miss int) {
	switch {
	case t == target{}:
		return "", 0
	case t.met(got.median):
		return t.String() + " met", 0
	}
	return t.String() + " MISSED", 1
}

func (r ratio) String() string {
	if r.rounds == 0 {
		return "-"
	}
	return fmt.Sprintf("x%.2f (%.2f..%.2f)", r.median, r.lowest, r.highest)
}

// perSecond writes a rate in three digits.
func perSecond(rate float64) string {
	switch {
	case rate >= 1e6:
		return fmt.Sprintf("%.2f M", rate/1e6)
	case rate >= 1e3:
		return fmt.Sprintf("%.1f k", rate/1e3)
	}
	return fmt.Sprintf("%.0f", rate)
}

func micros(samples []sample, figure func(sample) float64) string {
	return fmt.Sprintf("%.1f", medianOf(samples, figure))
}

func cpuText(samples []sample) string {
	send := medianOf(samples, func(s sample) float64 { return s.SendCPU })
	receive := medianOf(samples, func(s sample) float64 { return s.ReceiveCPU })
	if send == 0 {
		return fmt.Sprintf("%.3g", receive)
	}
	return fmt.Sprintf("%.3g + %.3g", send, receive)
}
