package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A report is everything that was measured, and who took part.
type report struct {
	Date     time.Time         `json:"date"`
	Command  string            `json:"command"`
	Machine  string            `json:"machine"`
	Revision string            `json:"revision,omitempty"` // of this checkout
	Settings string            `json:"settings"`
	Theirs   string            `json:"theirs"` // names of the variants
	Ours     string            `json:"ours"`
	Plain    string            `json:"plain,omitempty"`   // ours with plain Recv
	Narrow   string            `json:"narrow,omitempty"`  // why this is not the whole comparison
	Skipped  map[string]string `json:"skipped,omitempty"` // why, by row
	Failed   []string          `json:"failed,omitempty"`  // runs that are left out, and why
	Samples  []sample          `json:"samples"`

	Dispatches []dispatch `json:"dispatches,omitempty"` // of our multiplexers
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

// measured says whether there is something to compare on a row.
func (p *report) measured(r row) bool {
	return len(p.of(r, p.Theirs)) > 0 && len(p.of(r, p.Ours)) > 0
}

// failure is the error of runs that failed.
func (p *report) failure() error {
	if len(p.Failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d runs failed, the first: %s", len(p.Failed), p.Failed[0])
}

// libraries names those that took part, with their versions.
func (p *report) libraries() string {
	var names []string
	for _, s := range p.Samples {
		name := s.Library
		if name == p.Ours && p.Revision != "" {
			name += " " + p.Revision
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// A section is a part of the report: what the rows of a title have to tell.
type section struct {
	title string
	parts []part
}

// A part is a table and what stands above it.
type part struct {
	above string
	table table
}

// sections puts what was measured into tables.
func (p *report) sections(rows []row) []section {
	var all []section
	for len(rows) > 0 {
		title := rows[0].kind.title
		var own, others []row
		for _, r := range rows {
			switch {
			case r.kind.title != title:
				others = append(others, r)
			case p.measured(r):
				own = append(own, r)
			}
		}
		if len(own) > 0 {
			all = append(all, section{title, p.parts(own)})
		}
		rows = others
	}
	if len(p.Dispatches) > 0 {
		all = append(all, p.dispatchSection())
	}
	return all
}

// parts are the tables of rows of one kind.
func (p *report) parts(rows []row) []part {
	k := rows[0].kind
	switch k.first {
	case resident:
		var n int
		for _, s := range p.of(rows[0], p.Ours) {
			n = s.Connections
		}
		memory := part{fmt.Sprintf("Resident memory of the server for each of %d %s", n, k.counts), p.figures(rows, resident)}
		if k == topicMemory {
			return []part{memory}
		}
		return []part{
			memory,
			{"Milliseconds in which one more client, beside them, connects and gets its reply", p.figures(rows, served)},
		}
	case p50:
		return []part{
			{"Microseconds", p.figures(rows, p50, p99, p999)},
			{p.aboutCost(k), p.costs(rows)},
		}
	}
	said := strings.ToUpper(k.counts[:1]) + k.counts[1:] + " per second"
	return []part{
		{said, p.figures(rows, rate)},
		{p.aboutCost(k), p.costs(rows)},
	}
}

func (p *report) aboutCost(k *kind) string {
	said := "CPU seconds per million " + k.counts + ", " + k.sides
	if !strings.Contains(p.Ours, "libzmq") {
		said += "; objects that " + p.Ours + " allocates for each"
	}
	return said
}

// figures has a line for each row and figure.
func (p *report) figures(rows []row, figures ...figure) table {
	var t table
	t.line("", p.Theirs, p.Ours, "ratio", "goal", p.Plain, "ratio")
	for _, r := range rows {
		for _, f := range figures {
			name := r.String()
			if len(figures) > 1 {
				name += " " + f.String()
			}
			theirs, ours, plain := p.of(r, p.Theirs), p.of(r, p.Ours), p.of(r, p.Plain)
			cells := []string{
				name, f.text(medianOf(theirs, f.of)), f.text(medianOf(ours, f.of)),
				ratioOf(ours, theirs, f.of).String(), p.goalText(r, f), "", "",
			}
			if len(plain) > 0 {
				cells[5], cells[6] = f.text(medianOf(plain, f.of)), ratioOf(plain, theirs, f.of).String()
			}
			t.line(cells...)
		}
	}
	return t
}

// costs has a line for each row: processor time, and objects allocated.
func (p *report) costs(rows []row) table {
	var t table
	objects, plainObjects := "objects "+p.Ours, ""
	if p.Plain != "" {
		plainObjects = "objects " + p.Plain
	}
	t.line("", "CPU "+p.Theirs, "CPU "+p.Ours, "ratio", "goal", objects, plainObjects)
	for _, r := range rows {
		theirs, ours, plain := p.of(r, p.Theirs), p.of(r, p.Ours), p.of(r, p.Plain)
		t.line(r.String(), costText(theirs), costText(ours), ratioOf(ours, theirs, cost.of).String(), p.goalText(r, cost),
			objectsText(ours), objectsText(plain))
	}
	return t
}

func (p *report) goalText(r row, f figure) string {
	if v, ok := p.judge(r, f); ok {
		return v.String()
	}
	return ""
}
