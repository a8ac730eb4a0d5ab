package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder of the module.
const root = "../.."

// functions are those of the tests of a folder.
func functions(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]bool)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				all[f.Name.Name] = true
			}
		}
	}
	return all
}

func TestEveryTestOfALineExists(t *testing.T) {
	for folder, names := range byFolder(allLines()) {
		there := functions(t, folder)
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s has no %s", folder, name)
			}
		}
	}
}

// A program of libzmq is found by its name: test_xpub_manual is TestXpubManual.
func TestALineIsFoundByItsName(t *testing.T) {
	there := functions(t, home)
	for _, l := range programs {
		name := ""
		for _, word := range strings.Split(l.name, "_") {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
		switch {
		case !strings.HasPrefix(l.name, "test_"):
			t.Errorf("%s is no program of libzmq's", l.name)
		case there[name] && !strings.Contains(strings.Join(l.tests, " "), name):
			t.Errorf("%s does not name %s", l.name, name)
		case !there[name] && len(l.tests) > 0 && !strings.HasSuffix(l.name, "fuzzer"):
			t.Errorf("there is no %s", name)
		}
	}
}

func TestEveryLineIsTestedOrSaysWhyNot(t *testing.T) {
	seen := make(map[string]bool)
	for _, l := range allLines() {
		if seen[l.name] {
			t.Errorf("%s is there twice", l.name)
		}
		seen[l.name] = true
		if l.checks == "" || len(l.tests) == 0 && l.waits == "" && l.apart == "" {
			t.Errorf("%s says nothing", l.name)
		}
	}
	if len(programs) != 142 || len(internals) != 7 || len(surprises) != 28 {
		t.Errorf("%d programs, %d of the inside, %d surprises: lines are missing", len(programs), len(internals), len(surprises))
	}
}

// The page is what make conformance would write, but for what becomes of the tests.
func TestThePageHasEveryLine(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bool)
	for row := range strings.Lines(string(text)) {
		if strings.HasPrefix(row, "| ") && !strings.HasPrefix(row, "| line |") {
			rows[row] = false
		}
	}
	for _, l := range allLines() {
		found := false
		for row := range rows {
			if rest, ok := strings.CutPrefix(row, head(&l)); ok {
				found, rows[row] = true, true
				if strings.Contains(rest, "**") || len(l.tests) == 0 && strings.Contains(rest, "passes") {
					t.Errorf("%s: %s", l.name, rest)
				}
			}
		}
		if !found {
			t.Errorf("%s is missing, or another there: make conformance", l.name)
		}
	}
	for row, known := range rows {
		if !known {
			t.Errorf("nobody knows the row %s", row)
		}
	}
}

func TestWhatBecameOfALine(t *testing.T) {
	const run = `{"Action":"run","Test":"TestA"}
not json
{"Action":"pass","Package":"x"}
{"Action":"pass","Test":"TestA/tcp/with something"}
{"Action":"pass","Test":"TestA/other/inproc"}
{"Action":"skip","Test":"TestA/ipc"}
{"Action":"pass","Test":"TestA"}
{"Action":"skip","Test":"TestB"}
`
	r := newResults()
	for driver, text := range map[string]string{"": run, "select": strings.ReplaceAll(run, "skip", "fail")} {
		if err := r.read(strings.NewReader(text), home, driver); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.read(strings.NewReader(`{"Action":"pass","Test":"TestC"}`), "zmq", ""); err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]line{
		"passes":                          {tests: tests("TestA", "zmq.TestC")},
		"passes; the rest waits for: UDP": {tests: tests("TestA"), waits: forUDP},
		"passes; for a reason":            {tests: tests("TestA"), apart: "for a reason"},
		"waits for: UDP":                  {waits: forUDP},
		"for a reason":                    {apart: "for a reason"},
		"**fails**: TestB under select":   {tests: tests("TestA", "TestB")},
		"**not run**: zmq.TestA":          {tests: tests("TestA", "zmq.TestA")},
	} {
		if got := r.verdict(&l); got != want {
			t.Errorf("%v: %q, want %q", l.tests, got, want)
		}
	}
	if got := r.where(&line{tests: tests("zmq.TestC", "TestA")}); got != "tcp, inproc" {
		t.Errorf("over %q", got)
	}
	if failed := r.failed(); len(failed) != 1 || failed[0] != "TestB" {
		t.Errorf("failed: %q", failed)
	}
}
