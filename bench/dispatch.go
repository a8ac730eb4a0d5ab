package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dispatchName is what -rows chooses the dispatches by. They are no row: there is
// nothing of libzmq's to compare them with.
const dispatchName = "dispatch among idle descriptors"

// A dispatch is what one call of a multiplexer costs that hands out the one ready
// descriptor among so many.
type dispatch struct {
	Backend     string  `json:"backend"` // epoll, poll, select or kqueue
	Descriptors int     `json:"descriptors"`
	Round       int     `json:"round"`
	Ns          float64 `json:"ns"`
}

// dispatches runs the benchmark of package iomux.
func dispatches(ctx context.Context, s settings) ([]dispatch, error) {
	folder, err := here()
	if err != nil {
		return nil, err
	}
	time := "100ms"
	if s.quick {
		time = "10ms"
	}
	bench := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=^BenchmarkDispatch$", "-benchtime="+time, fmt.Sprint("-count=", s.rounds), "./iomux")
	bench.Dir = filepath.Dir(folder)
	out, err := bench.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return parseDispatches(string(out)), nil
}

var dispatchLine = regexp.MustCompile(`^BenchmarkDispatch/(\w+)/(\d+)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

// parseDispatches reads what go test prints; a line again is another round.
func parseDispatches(out string) (all []dispatch) {
	for line := range strings.Lines(out) {
		found := dispatchLine.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		n, err := strconv.Atoi(found[2])
		ns, err2 := strconv.ParseFloat(found[3], 64)
		if err != nil || err2 != nil {
			continue
		}
		d := dispatch{Backend: found[1], Descriptors: n, Ns: ns, Round: 1}
		for _, before := range all {
			if before.Backend == d.Backend && before.Descriptors == n {
				d.Round++
			}
		}
		all = append(all, d)
	}
	return all
}

const dispatchTitle = "One ready descriptor among many"

// dispatchNs is a back end among so many descriptors; the zero spread where it
// cannot have as many.
func (p *report) dispatchNs(backend string, n int) spread {
	var values []float64
	for _, d := range p.Dispatches {
		if d.Backend == backend && d.Descriptors == n {
			values = append(values, d.Ns)
		}
	}
	if len(values) == 0 {
		return spread{}
	}
	return spread{median(values), slices.Min(values), slices.Max(values)}
}

// dispatchAxes are the back ends and the numbers of descriptors that there are.
func (p *report) dispatchAxes() (backends []string, descriptors []int) {
	for _, d := range p.Dispatches {
		if !slices.Contains(backends, d.Backend) {
			backends = append(backends, d.Backend)
		}
		if !slices.Contains(descriptors, d.Descriptors) {
			descriptors = append(descriptors, d.Descriptors)
		}
	}
	slices.Sort(backends)
	slices.Sort(descriptors)
	return backends, descriptors
}

// dispatchSection is the table of them.
func (p *report) dispatchSection() section {
	backends, descriptors := p.dispatchAxes()
	var t table
	t.line(append([]string{"descriptors"}, backends...)...)
	for _, n := range descriptors {
		cells := []string{strconv.Itoa(n)}
		for _, backend := range backends {
			text := "-"
			if v := p.dispatchNs(backend, n); v.median > 0 {
				text = fmt.Sprintf("%s (%s..%s)", micros(v.median), micros(v.lowest), micros(v.highest))
			}
			cells = append(cells, text)
		}
		t.line(cells...)
	}
	return section{dispatchTitle, []part{{"Microseconds a dispatch, by the back ends of package iomux", t}}}
}

// dispatchChart draws them.
func (p *report) dispatchChart() *chart {
	backends, descriptors := p.dispatchAxes()
	if len(descriptors) < 2 || len(backends) > seriesClasses {
		return nil
	}
	ch := lineChart{
		title: "Microseconds a dispatch of one ready descriptor", about: "Median and spread of the rounds; both axes by logarithms",
		across: "descriptors registered",
		xText:  func(v float64) string { return strconv.Itoa(int(v)) },
		yText:  micros,
	}
	for _, n := range descriptors {
		ch.x = append(ch.x, float64(n))
	}
	for _, backend := range backends {
		s := series{name: backend}
		for _, n := range descriptors {
			s.values = append(s.values, p.dispatchNs(backend, n))
		}
		ch.series = append(ch.series, s)
	}
	return &chart{dispatchTitle, "dispatch.svg", ch.title, ch.draw()}
}

// micros writes nanoseconds as microseconds in three digits.
func micros(ns float64) string { return strconv.FormatFloat(ns/1e3, 'g', 3, 64) }
