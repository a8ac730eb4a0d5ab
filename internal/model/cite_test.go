package model

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// rooms are where the functions are that steps stand for.
var rooms = []string{"../engine", "../pipe", "../../zmq"}

// Each step that is not the world's stands for a function, and the function exists: one
// that is renamed or goes takes its steps along.
func TestEveryStepStandsForAFunction(t *testing.T) {
	known := functions(t)
	seen := make(map[string]bool)
	check := func(who, where, what string, world bool) {
		switch {
		case seen[where]:
		case world != (where == ""):
			t.Errorf("%s %s: of the world: %v, stands for %q", who, what, world, where)
		case where != "" && !known[where]:
			t.Errorf("%s %s: there is no %s", who, what, where)
		}
		seen[where] = where != ""
	}
	steps(direct{messages: 1, other: 1, ends: true, closes: true, times: true}.model(), check)
	steps(direct{messages: 1, looped: true}.model(), check)
	steps(direct{messages: 1, closes: true, moves: true}.model(), check)
	steps(flush{command: true, closes: true, aborts: true}.model(), check)
	steps(flush{looped: true}.model(), check)
	steps(flush{aborts: true, scarce: true, moves: true}.model(), check)
	steps(loop{nested: true, closes: true}.model(), check)
	steps(loop{}.model(), check)
	steps(writer{}.model(), check)
	steps(poll{files: true, ends: true, removes: true}.model(), check)
	steps(poll{adds: true}.model(), check)
	steps(lend{}.model(), check)
	if len(seen) < 40 {
		t.Errorf("only %d functions are modelled", len(seen))
	}
}

func steps[S comparable](m *model[S], check func(who, where, what string, world bool)) {
	for _, a := range m.actors {
		for _, at := range a.program {
			for _, st := range at {
				check(st.who, st.where, st.what, st.world)
			}
		}
	}
}

// functions returns the methods of the rooms as type.method, and their functions.
func functions(t *testing.T) map[string]bool {
	known := make(map[string]bool)
	for _, room := range rooms {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", room, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					known[nameOf(f)] = true
				}
			}
		}
	}
	return known
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "." + f.Name.Name
	}
	return f.Name.Name
}
