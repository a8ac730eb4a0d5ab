package main

import (
	"fmt"
	"slices"
)

// A chart is a picture of the published report.
type chart struct {
	section string // the title of the section that it stands in; empty: above all
	file    string // its name in docs/benchmarks
	title   string
	svg     string
}

// charts draws what was measured.
func (p *report) charts(rows []row) []chart {
	all := []*chart{
		p.overview(rows),
		p.bySize(rows, "tcp", false, rate), p.bySize(rows, "ipc", false, rate), p.bySize(rows, "tcp", false, cost),
		p.bySize(rows, "tcp", true, rate), p.bySize(rows, "tcp", true, cost),
		p.latency(rows),
		p.groups(rows, "one-to-many.svg", "Deliveries per second", "64 B over tcp, by subscribers", rate, oneToMany),
		p.groups(rows, "many-clients.svg", "Round trips per second", "64 B over tcp, clients × messages that each keeps on the way", rate, manyClients),
		p.groups(rows, "connects.svg", "Connections per second", "With handshake and one round trip of 64 B, over tcp", rate, comeAndGo),
		p.groups(rows, "memory.svg", "Resident memory for each connection", "Of the server alone", resident, idle, halfOpen),
		p.dispatchChart(),
	}
	var drawn []chart
	for _, c := range all {
		if c != nil {
			drawn = append(drawn, *c)
		}
	}
	return drawn
}

// of the samples, the median and what it lies between.
func spreadOf(samples []sample, f figure) spread {
	if len(samples) == 0 {
		return spread{}
	}
	var values []float64
	for _, s := range samples {
		values = append(values, f.of(s))
	}
	return spread{median(values), slices.Min(values), slices.Max(values)}
}

// variants are the names of those that have samples on any of the rows.
func (p *report) variants(rows []row) (names []string) {
	for _, name := range []string{p.Theirs, p.Ours, p.Plain} {
		if name != "" && slices.ContainsFunc(rows, func(r row) bool { return len(p.of(r, name)) > 0 }) {
			names = append(names, name)
		}
	}
	return names
}

// choose keeps the rows that were measured and are wanted.
func (p *report) choose(rows []row, wanted func(row) bool) (kept []row) {
	for _, r := range rows {
		if wanted(r) && p.measured(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// overview shows every ratio as how many times as good as libzmq.
func (p *report) overview(rows []row) *chart {
	ch := barChart{
		title: "How many times as good as " + p.Theirs,
		about: "Rates as they are; times, CPU and memory turned round, so that more is better everywhere; by logarithms",
		text:  func(v float64) string { return fmt.Sprintf("%.3g", v) },
		tick:  func(v float64) string { return fmt.Sprintf("%.3g", v) },
		base:  1, goals: []float64{}, missed: []bool{},
		series: []series{{name: p.Ours}},
	}
	for _, r := range p.choose(rows, func(r row) bool { return len(r.wants) > 0 }) {
		for _, w := range r.wants {
			got := ratioOf(p.of(r, p.Ours), p.of(r, p.Theirs), w.figure.of)
			if got.rounds == 0 || got.lowest <= 0 {
				continue
			}
			v, goal := spread{got.median, got.lowest, got.highest}, w.goal.atLeast
			if !w.figure.moreIsBetter() {
				v = spread{1 / got.median, 1 / got.highest, 1 / got.lowest}
				if goal = 0; w.goal.atMost > 0 && !w.figure.absolute() {
					goal = 1 / w.goal.atMost
				}
			}
			name := r.String()
			if w.figure != rate && w.figure != resident {
				name += " " + w.figure.String()
			}
			judged, ok := p.judge(r, w.figure)
			ch.groups = append(ch.groups, name)
			ch.goals = append(ch.goals, goal)
			ch.missed = append(ch.missed, ok && !judged.goal)
			ch.series[0].values = append(ch.series[0].values, v)
		}
	}
	if len(ch.groups) == 0 {
		return nil
	}
	return &chart{file: "overview.svg", title: ch.title, svg: ch.draw()}
}

// bySize shows a figure of PUSH/PULL over the size of the message, with CURVE or
// without.
func (p *report) bySize(rows []row, transport string, curve bool, f figure) *chart {
	rows = p.choose(rows, func(r row) bool { return r.kind == oneWay && r.transport == transport && r.curve == curve })
	if len(rows) < 2 {
		return nil
	}
	over, file := transport, "one-way-"+transport
	if curve {
		over, file = over+", CURVE", file+"-curve"
	}
	ch := lineChart{
		title: "PUSH/PULL " + over + ": messages per second", about: "Median and spread of the rounds; both axes by logarithms",
		across: "octets a message",
		xText:  func(v float64) string { return octets(int(v)) }, yText: f.tick,
	}
	if f == cost {
		ch.title = "PUSH/PULL " + over + ": CPU seconds per million messages, both sides"
		file += "-cpu"
	}
	for _, r := range rows {
		ch.x = append(ch.x, float64(r.size))
	}
	for _, name := range p.variants(rows) {
		s := series{name: name}
		for _, r := range rows {
			s.values = append(s.values, spreadOf(p.of(r, name), f))
		}
		ch.series = append(ch.series, s)
	}
	return &chart{oneWay.title, file + ".svg", ch.title, ch.draw()}
}

// latency shows the percentiles of REQ/REP.
func (p *report) latency(rows []row) *chart {
	rows = p.choose(rows, func(r row) bool { return r.kind == thereAndBack })
	if len(rows) == 0 {
		return nil
	}
	ch := barChart{
		title: "REQ/REP: microseconds a round trip of 64 B", about: "Median and spread of the rounds, by logarithms",
		text: p50.text, tick: p50.tick,
	}
	names := p.variants(rows)
	ch.series = make([]series, len(names))
	for _, r := range rows {
		for _, f := range []figure{p50, p99, p999} {
			ch.groups = append(ch.groups, r.transport+" "+f.String())
			for i, name := range names {
				ch.series[i].name = name
				ch.series[i].values = append(ch.series[i].values, spreadOf(p.of(r, name), f))
			}
		}
	}
	return &chart{thereAndBack.title, "there-and-back.svg", ch.title, ch.draw()}
}

// groups shows a figure of all rows of some kinds in bars.
func (p *report) groups(rows []row, file, title, about string, f figure, kinds ...*kind) *chart {
	rows = p.choose(rows, func(r row) bool { return slices.Contains(kinds, r.kind) })
	if len(rows) == 0 {
		return nil
	}
	ch := barChart{title: title, about: about, text: f.text, tick: f.tick, linear: true}
	for _, r := range rows {
		ch.groups = append(ch.groups, r.String())
		if f == resident {
			ch.unit = 1024
			ch.goals = append(ch.goals, r.want(f).goal.atMost)
		}
	}
	for _, name := range p.variants(rows) {
		s := series{name: name}
		for _, r := range rows {
			s.values = append(s.values, spreadOf(p.of(r, name), f))
		}
		ch.series = append(ch.series, s)
	}
	return &chart{kinds[0].title, file, title, ch.draw()}
}
