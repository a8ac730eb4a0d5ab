package main

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
)

// results are what became of tests.
type results struct {
	// of is by test, as a line names it, and by driver: pass, fail or skip.
	of map[string]map[string]string
	// over is by test the transports that its sub-tests name.
	over map[string]map[string]bool
}

func newResults() *results {
	return &results{make(map[string]map[string]string), make(map[string]map[string]bool)}
}

// transports are in the order in which they are told.
var transports = []string{"tcp", "ipc", "inproc", "tls+tcp"}

// read reads what go test -json says of a folder.
func (r *results) read(from io.Reader, folder, driver string) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		var e struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue // what a compiler says
		}
		path := strings.Split(e.Test, "/")
		name := nameIn(folder, path[0])
		if e.Action != "pass" && e.Action != "fail" && e.Action != "skip" {
			continue
		}
		for _, part := range path[1:] {
			if slices.Contains(transports, part) && e.Action == "pass" {
				if r.over[name] == nil {
					r.over[name] = make(map[string]bool)
				}
				r.over[name][part] = true
			}
		}
		if len(path) > 1 {
			continue
		}
		if r.of[name] == nil {
			r.of[name] = make(map[string]string)
		}
		r.of[name][driver] = e.Action
	}
	return lines.Err()
}

// nameIn is a test as lines name it.
func nameIn(folder, test string) string {
	if folder == home {
		return test
	}
	return folder + "." + test
}

// failed are the tests that have failed, in order.
func (r *results) failed() (names []string) {
	for name, by := range r.of {
		if slices.Contains(slices.Collect(maps.Values(by)), "fail") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// verdict is what became of a line: of all its tests under all drivers.
func (r *results) verdict(l *line) string {
	if len(l.tests) == 0 {
		if l.waits != "" {
			return "waits for: " + l.waits
		}
		return l.apart
	}
	var skipped, failed, missing []string
	for _, test := range l.tests {
		if len(r.of[test]) == 0 {
			missing = append(missing, test)
		}
		for _, driver := range slices.Sorted(maps.Keys(r.of[test])) {
			with := test
			if driver != "" {
				with += " under " + driver
			}
			switch r.of[test][driver] {
			case "skip":
				skipped = append(skipped, with)
			case "fail":
				failed = append(failed, with)
			}
		}
	}
	switch {
	case len(failed) > 0:
		return "**fails**: " + strings.Join(failed, ", ")
	case len(missing) > 0:
		return "**not run**: " + strings.Join(missing, ", ")
	case len(skipped) > 0:
		return "skipped: " + strings.Join(skipped, ", ")
	case l.waits != "":
		return "passes; the rest waits for: " + l.waits
	case l.apart != "":
		return "passes; " + l.apart
	}
	return "passes"
}

// where is over which transports a line was played.
func (r *results) where(l *line) string {
	var list []string
	for _, transport := range transports {
		if slices.ContainsFunc(l.tests, func(test string) bool { return r.over[test][transport] }) {
			list = append(list, transport)
		}
	}
	return strings.Join(list, ", ")
}
