package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// home is the folder of the tests that lines name without a folder.
const home = "conformance"

// A chapter is a table of the page.
type chapter struct {
	title, about string
	lines        []line
}

var chapters = []chapter{
	{
		"libzmq's tests", "Each program of its folder `tests`, and what there is for it here. A test over several transports " +
			"has a sub-test for each.", programs,
	},
	{
		"What is inside", "The programs of its folder `unittests` look at its own structures. These tests show that ours do what " +
			"those must.", internals,
	},
	{"Surprises", "Where libzmq does what nobody would guess, and what becomes of that here.", surprises},
}

func allLines() (all []line) {
	for _, c := range chapters {
		all = append(all, c.lines...)
	}
	return all
}

// split divides a test as a line names it into its folder and its function.
func split(test string) (folder, function string) {
	i := strings.LastIndexByte(test, '.')
	if i < 0 {
		return home, test
	}
	return test[:i], test[i+1:]
}

// byFolder is the functions that lines name, by folder, each once.
func byFolder(lines []line) map[string][]string {
	all := make(map[string][]string)
	for _, l := range lines {
		for _, test := range l.tests {
			folder, function := split(test)
			if !slices.Contains(all[folder], function) {
				all[folder] = append(all[folder], function)
			}
		}
	}
	return all
}

// render writes the page.
func render(r *results, drivers []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Conformance

What libzmq's own tests check, line by line, and the tests that show it here. `+"`make conformance`"+` runs them and writes
this page; a test compares it with what there is.

This run: %s/%s. Tests of `+"`%s`"+` ran under the multiplexer that is the default`, runtime.GOOS, runtime.GOARCH, home)
	if len(drivers) > 0 {
		fmt.Fprintf(&b, ", and under each of %s", strings.Join(drivers, ", "))
	}
	fmt.Fprintf(&b, ".\nA line that waits for something does not count as one that passes.\n\n%s\n", tally(r))
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", c.title, c.about)
		b.WriteString("| line | what it is about | tests | over | result |\n|---|---|---|---|---|\n")
		for i := range c.lines {
			l := &c.lines[i]
			fmt.Fprintf(&b, "%s %s | %s |\n", head(l), r.where(l), r.verdict(l))
		}
	}
	return b.String()
}

// head is the beginning of a line's row, which does not depend on a run.
func head(l *line) string {
	names := make([]string, len(l.tests))
	for i, test := range l.tests {
		names[i] = "`" + test + "`"
	}
	return fmt.Sprintf("| %s | %s | %s |", l.name, l.checks, strings.Join(names, ", "))
}

// tally counts the lines by what became of them.
func tally(r *results) string {
	var pass, part, wait, rest int
	all := allLines()
	for i := range all {
		switch verdict := r.verdict(&all[i]); {
		case strings.HasPrefix(verdict, "passes; the rest"):
			part++
		case strings.HasPrefix(verdict, "passes"):
			pass++
		case strings.HasPrefix(verdict, "waits"):
			wait++
		default:
			rest++
		}
	}
	return fmt.Sprintf("Of %d lines %d pass, %d pass as far as what they need is built, %d wait, %d are neither.",
		len(all), pass, part, wait, rest)
}
