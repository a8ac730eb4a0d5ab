package zeromux_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// plan is the text of the floors, read.
type plan struct {
	below map[string][]string // what a room may import, as the lines say
	never map[[2]string]bool  // pairs that may not
	door  map[string]bool     // rooms that nobody may import
}

func mustParse(t *testing.T, text string) *plan {
	t.Helper()
	p, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// parse reads a text of floors.
func parse(text string) (*plan, error) {
	p := &plan{map[string][]string{}, map[[2]string]bool{}, map[string]bool{}}
	var forbidden [][2][]string
	type line struct{ lower, upper []string }
	var lines []line
	for statement := range strings.SplitSeq(strings.TrimRight(strings.TrimSpace(text), ";"), ";") {
		lower, upper, ok := strings.Cut(statement, "<")
		if !ok {
			return nil, fmt.Errorf("no < in %q", statement)
		}
		if lower, not := strings.CutSuffix(lower, "!"); not {
			forbidden = append(forbidden, [2][]string{names(lower), names(upper)})
			continue
		}
		lines = append(lines, line{names(lower), names(upper)})
		for _, room := range names(upper) {
			p.below[room] = []string{}
		}
	}
	for _, l := range lines {
		lower, err := p.expand(l.lower)
		if err != nil {
			return nil, err
		}
		for _, room := range l.upper {
			p.below[room] = append(p.below[room], lower...)
		}
	}
	for _, f := range forbidden {
		lower, err := p.expand(f[0])
		if err != nil {
			return nil, err
		}
		for _, a := range lower {
			for _, b := range f[1] {
				p.never[[2]string{a, b}], p.never[[2]string{b, a}] = true, true
			}
		}
	}
	for room := range p.below {
		if slices.Contains(p.under(room), room) {
			return nil, fmt.Errorf("%s may import itself by a circle", room)
		}
		p.door[room] = true
	}
	for _, lower := range p.below {
		for _, room := range lower {
			p.door[room] = false
		}
	}
	return p, nil
}

// names splits a list of rooms; NONE is none.
func names(list string) []string {
	var rooms []string
	for room := range strings.SplitSeq(list, ",") {
		if room = strings.TrimSpace(room); room != "NONE" {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// expand replaces wildcards and refuses rooms without a floor of their own.
func (p *plan) expand(rooms []string) ([]string, error) {
	var all []string
	for _, room := range rooms {
		found := false
		for _, known := range slices.Sorted(maps.Keys(p.below)) {
			if match, err := path.Match(room, known); err == nil && match {
				all, found = append(all, known), true
			}
		}
		if !found {
			return nil, fmt.Errorf("%s stands on nothing", room)
		}
	}
	return all, nil
}

// under returns every room that a room may import, unless a line forbids it.
func (p *plan) under(room string) []string {
	seen := map[string]bool{}
	ahead := slices.Clone(p.below[room])
	for len(ahead) > 0 {
		next := ahead[len(ahead)-1]
		ahead = ahead[:len(ahead)-1]
		if !seen[next] {
			seen[next] = true
			ahead = append(ahead, p.below[next]...)
		}
	}
	return slices.Collect(maps.Keys(seen))
}

// room returns the room that a folder belongs to.
func (p *plan) room(folder string) (string, bool) {
	if _, ok := p.below[folder]; ok {
		return folder, true
	}
	for up := path.Dir(folder); up != "."; up = path.Dir(up) {
		if p.door[up] {
			return up, true
		}
	}
	return folder, false
}

// breaches reads every Go file of a tree and returns what breaks the plan.
func (p *plan) breaches(t *testing.T, tree fs.FS) []string {
	t.Helper()
	module := moduleOf(t, tree)
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != "." && (base == "testdata" || strings.ContainsAny(base[:1], "._")) {
			return fs.SkipDir
		}
		// The root holds this test and nothing to build.
		if entry.IsDir() || path.Ext(name) != ".go" || path.Dir(name) == "." {
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			breach := name + ": " + p.breach(module, name, imported)
			if breach != name+": " && !slices.Contains(found, breach) {
				found = append(found, breach)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// breach tells what is wrong when a file imports a package, or "".
func (p *plan) breach(module, file, imported string) string {
	room, planned := p.room(path.Dir(file))
	test := strings.HasSuffix(file, "_test.go")
	if !planned {
		return room + " has no floor"
	}
	if imported == "C" {
		if room != cgoRoom {
			return "cgo belongs in " + cgoRoom
		}
		return ""
	}
	folder, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		if p.outsider(room, imported, test) {
			return imported + " is not a dependency of the library"
		}
		return ""
	}
	other, planned := p.room(folder)
	switch {
	case !planned:
		return other + " has no floor"
	case room == other, test && slices.Contains(testRooms, other):
		return ""
	case !slices.Contains(p.under(room), other), !test && p.never[[2]string{room, other}]:
		return room + " may not import " + other
	}
	return ""
}

// outsider reports whether a package is a dependency that room may not have.
func (p *plan) outsider(room, imported string, test bool) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") || slices.Contains(outsideDoors, room) {
		return false // the standard library, or a module of its own
	}
	allowed := outside
	if test {
		allowed = slices.Concat(outside, outsideTests)
	}
	return !slices.ContainsFunc(allowed, func(module string) bool {
		return imported == module || strings.HasPrefix(imported, module+"/")
	})
}

// moduleOf returns the module path, which nothing but go.mod and imports knows.
func moduleOf(t *testing.T, tree fs.FS) string {
	t.Helper()
	mod, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name)
		}
	}
	t.Fatal("go.mod names no module")
	return ""
}
