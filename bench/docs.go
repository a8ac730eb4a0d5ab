package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// publish writes docs/benchmarks.md and what belongs to it, unless the run was too
// narrow for that: then it says why not.
func (s settings) publish(p *report, chosen []row, stderr io.Writer) error {
	if !s.write {
		return nil
	}
	docs := s.docs
	if docs == "" {
		why := p.Narrow
		if why == "" {
			why = s.narrow()
		}
		for _, r := range chosen {
			if why == "" && !p.measured(r) && p.Skipped[r.String()] == "" {
				why = "no result for " + r.String()
			}
		}
		if why != "" {
			say(stderr, "docs/benchmarks.md stays as it is: %s\n", why)
			return nil
		}
		folder, err := here()
		if err != nil {
			return err
		}
		docs = filepath.Join(folder, "..", "docs")
	}
	if err := p.writeTo(docs, chosen); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	say(stderr, "wrote %s\n", filepath.Join(docs, "benchmarks.md"))
	return nil
}

// writeTo writes the page, its charts and the samples into a folder.
func (p *report) writeTo(docs string, rows []row) error {
	beside := filepath.Join(docs, "benchmarks")
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return err
	}
	charts := p.charts(rows)
	errs := []error{save(filepath.Join(beside, "samples.json"), p)}
	for _, c := range charts {
		errs = append(errs, os.WriteFile(filepath.Join(beside, c.file), []byte(c.svg), 0o644))
	}
	_, err := os.Stat(filepath.Join(beside, "notes.md"))
	return errors.Join(append(errs, os.WriteFile(filepath.Join(docs, "benchmarks.md"), []byte(p.markdown(rows, charts, err == nil)), 0o644))...)
}

// markdown is the page. notes says that there is a page of notes beside it, which
// people write.
func (p *report) markdown(rows []row, charts []chart, notes bool) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n")
	fmt.Fprintf(&b, "%s beside %s on one machine, in one run. `make bench` writes this page; [bench/README.md](../bench/README.md) tells how it\n", p.Ours, p.Theirs)
	b.WriteString("measures, and [samples.json](benchmarks/samples.json) has every sample.")
	if notes {
		b.WriteString(" What is missed, and why, stands in the [notes](benchmarks/notes.md).")
	}
	b.WriteString("\n\n| | |\n|---|---|\n")
	for _, line := range [][2]string{
		{"date", p.Date.Format("2 January 2006, 15:04 MST")},
		{"machine", p.Machine},
		{"versions", p.libraries()},
		{"command", "`" + p.Command + "`"},
		{"run", p.Settings},
		{"not the whole comparison", p.Narrow},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", line[0], line[1])
		}
	}
	b.WriteString("\nRatios compare runs that lie side by side in time, and mean something to about ±20 %; rates alone are those of this machine on that day.\n")
	b.WriteString("A goal is a bound for the median ratio, and for memory one of the figure itself.\n")
	p.summary(&b, rows)
	picture := func(section string) {
		for _, c := range charts {
			if c.section == section {
				fmt.Fprintf(&b, "\n![%s](benchmarks/%s)\n", c.title, c.file)
			}
		}
	}
	picture("")
	for _, s := range p.sections(rows) {
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		picture(s.title)
		for _, part := range s.parts {
			fmt.Fprintf(&b, "\n%s:\n\n", part.above)
			part.table.appendMarkdown(&b)
		}
	}
	return b.String()
}

// summary says how many goals are met, and names what is missed, left out or failed.
func (p *report) summary(b *strings.Builder, rows []row) {
	all := p.judgeAll(rows)
	var missed []verdict
	for _, v := range all {
		if !v.goal {
			missed = append(missed, v)
		}
	}
	fmt.Fprintf(b, "\n**%d of %d goals are met.**", len(all)-len(missed), len(all))
	if len(missed) > 0 {
		b.WriteString(" Missed:\n")
	}
	b.WriteString("\n")
	for _, v := range missed {
		got := fmt.Sprintf("x%.2f", v.value)
		if v.want.figure.absolute() {
			got = v.want.figure.text(v.value)
		}
		fmt.Fprintf(b, "- %s, %s: %s, %s\n", v.row, v.want.figure, got, v)
	}
	for _, r := range rows {
		if why := p.Skipped[r.String()]; why != "" {
			fmt.Fprintf(b, "- %s: %s\n", r, why)
		}
	}
	for _, why := range p.Failed {
		fmt.Fprintf(b, "- a run failed and is left out: %s\n", why)
	}
}
