package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestARequestIsKeptUntilItIsRemoved(t *testing.T) {
	folder := t.TempDir()
	before := &store{folder: folder}
	id := newID()
	if err := before.add(id, record{Service: "echo", Request: [][]byte{[]byte("Hello"), {}}}); err != nil {
		t.Fatal(err)
	}

	s := &store{folder: folder} // another that knows nothing but the folder
	ids, err := s.all()
	if err != nil || len(ids) != 1 || ids[0] != id {
		t.Fatalf("the ids are %q, %v", ids, err)
	}
	r, err := s.get(id)
	if err != nil || r.Done || r.Service != "echo" || len(r.Request) != 2 || string(r.Request[0]) != "Hello" {
		t.Fatalf("the record is %+v, %v", r, err)
	}
	if err := s.finish(id, [][]byte{[]byte("World")}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.get(id); err != nil || !r.Done || string(r.Reply[0]) != "World" {
		t.Fatalf("the record is %+v, %v", r, err)
	}
	for range 2 { // the second time there is nothing to do
		if err := s.remove(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.finish(id, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was removed can be finished: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

func TestAnIdThatIsNoneNamesNoFile(t *testing.T) {
	s := &store{folder: t.TempDir()}
	for _, id := range []string{"", "..", "../../../../etc/passwd", "ab", newID() + "ab", "/" + newID()[1:]} {
		if _, err := s.get(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", id, err)
		}
		if err := s.remove(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}
