package mechanism

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/zap"
)

// A drawer is a source of random octets that keeps the memory into which it drew keys.
type drawer struct{ keys [][]byte }

// of returns keys that draw from it.
func (d *drawer) of(keys *CurveKeys) *CurveKeys {
	copied := *keys
	copied.Random = func(b []byte) {
		keys.draw(b)
		if len(b) == keySize { // shorter ones are nonces, which everybody sees
			d.keys = append(d.keys, b)
		}
	}
	return &copied
}

// wantGone checks that so many keys were drawn, and that none is left where it was drawn.
func (d *drawer) wantGone(t *testing.T, drawn int) {
	t.Helper()
	if len(d.keys) != drawn {
		t.Errorf("%d keys were drawn, want %d", len(d.keys), drawn)
	}
	for i, key := range d.keys {
		if !isZero(key) {
			t.Errorf("key %d of %d is left where it was drawn", i+1, len(d.keys))
		}
	}
}

func TestNoKeyIsLeftWhereItWasDrawn(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		var d drawer
		if _, ok, err := NewCurveClient(Config{}, d.of(clientKeys)).Next(); !ok || err != nil {
			t.Fatalf("no HELLO: %v", err)
		}
		d.wantGone(t, 1)
	})
	for name, end := range map[string]func(server Mechanism, client *handClient) error{
		"INITIATE came":             func(m Mechanism, c *handClient) error { return m.Handle(c.initiate()) },
		"INITIATE was cut":          func(m Mechanism, c *handClient) error { return m.Handle(c.initiate()[:100]) },
		"HELLO came again":          func(m Mechanism, c *handClient) error { return m.Handle(c.hello()) },
		"it was for another cookie": func(m Mechanism, c *handClient) error { c.cookie[95] ^= 1; return m.Handle(c.initiate()) },
		"the connection ended":      func(m Mechanism, _ *handClient) error { m.Close(); return nil },
	} {
		t.Run("server, "+name, func(t *testing.T) {
			var d drawer
			server, client := welcomed(t, Config{}, d.of(serverKeys))
			if s := server.(*curveServer); len(d.keys) != 2 || &d.keys[1][0] != &s.pledge.key[0] || isZero(d.keys[1]) {
				t.Fatal("the pledge has another key than the one that was drawn for it")
			}
			_ = end(server, client) // some of it is a breach
			d.wantGone(t, 2)
		})
	}
}

// What a client needs for HELLO and WELCOME alone it does not keep for READY.
func TestAClientForgetsTheKeysOfHelloWithWelcome(t *testing.T) {
	m, _ := greeted(t, Config{})
	c := m.(*curveClient)
	if c.hello != (boxKey{}) || c.shortTerm != nil {
		t.Error("there are keys of HELLO left")
	}
	if c.key == (boxKey{}) {
		t.Error("there is no key of C' and S'")
	}
}

// A server that lets nobody in has no key of his any more, before its Close: also when
// what it was answered makes no sense.
func TestAServerThatTurnsAClientAwayWipesItsKeys(t *testing.T) {
	for name, answer := range map[string]authenticator{
		"denied":                 says(zap.StatusDenied),
		"for now":                says(zap.StatusTemporary),
		"by a fault":             says(zap.StatusInternal),
		"by nobody":              nobody,
		"with what is no status": says(123),
		"by what is no reply":    func(*zap.Request) (*zap.Reply, error) { return nil, zap.ErrFrames },
	} {
		t.Run(name, func(t *testing.T) {
			server, client := welcomed(t, Config{ZAP: ZAP{Domain: "d", Enforce: true}}, serverKeys)
			if err := server.Handle(client.initiate()); err != nil {
				t.Fatal(err)
			}
			q := server.Question()
			if q == nil || server.(*curveServer).key == (boxKey{}) {
				t.Fatal("nobody is asked, or there is no key yet")
			}
			_ = server.Answer(answer(q)) // or Next says why
			wantWiped(t, server)
			if _, err := feed(server, nobody); err == nil || server.Done() {
				t.Errorf("it ends with %v, done %v", err, server.Done())
			}
		})
	}
}

// What held a key while a function ran is out of sight when the function has returned. So
// its text is looked at, whether it wipes each of them.
func TestNoFunctionOfCurveLeavesAKeyBehind(t *testing.T) {
	files, err := filepath.Glob("curve*.go")
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				holds, wipes := keysIn(f)
				held += len(holds)
				for _, name := range holds {
					if !slices.Contains(wipes, name) {
						t.Errorf("%s: %s holds a key in %s and does not wipe it", file, f.Name.Name, name)
					}
				}
			}
		}
	}
	if held < 12 {
		t.Errorf("only %d variables are known to hold a key", held)
	}
}

// keysIn returns the variables of a function that hold a secret key, or what contains
// one, and those that it wipes.
func keysIn(f *ast.FuncDecl) (holds, wipes []string) {
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			if _, array := field.Type.(*ast.ArrayType); array && name.Name == "secret" && nameOf(field.Type) == "keySize" {
				holds = append(holds, name.Name)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if slices.Contains([]string{"boxKey", "keySize", "cookiePlain"}, nameOf(n.Type)) {
				holds = append(holds, n.Names[0].Name)
			}
		case *ast.AssignStmt:
			call, ok := n.Rhs[0].(*ast.CallExpr)
			if !ok {
				break
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if ok && (method.Sel.Name == "ECDH" || method.Sel.Name == "Bytes" && nameOf(method.X) == "shortTerm") {
				holds = append(holds, nameOf(n.Lhs[0]))
			}
		case *ast.CallExpr:
			switch nameOf(n.Fun) {
			case "clear":
				wipes = append(wipes, nameOf(n.Args[0]))
			case "new":
				if nameOf(n.Args[0]) == "boxKey" {
					holds = append(holds, "nothing that could be wiped")
				}
			}
		}
		return true
	})
	return holds, wipes
}

// nameOf is the name of a variable, of a type, or of the size of an array.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.SliceExpr:
		return nameOf(e.X)
	case *ast.ArrayType:
		return nameOf(e.Len)
	}
	return ""
}
