package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zeromux/zmq"
)

// flat is a table that == understands.
func flat(t table) map[string]int {
	m := make(map[string]int)
	for word, n := range t {
		m[word] = *n
	}
	return m
}

func TestWordsAreCounted(t *testing.T) {
	for text, want := range map[string]map[string]int{
		"":                      {},
		" \t\n()":               {},
		"a":                     {"a": 1},
		"go go_1 Go\ngo":        {"go": 2, "go_1": 1, "Go": 1},
		"Straße, x0; \"über\"!": {"Straße": 1, "x0": 1, "über": 1},
	} {
		words := make(table)
		words.count([]byte(text))
		if !maps.Equal(flat(words), want) {
			t.Errorf("%q: got %v, want %v", text, flat(words), want)
		}
	}
}

func TestATableTravels(t *testing.T) {
	sent, got := make(table), make(table)
	sent.count([]byte("the cat and the dog"))
	got.count([]byte("the end"))
	n, err := got.addFrame(sent.frame())
	if err != nil || n != 5 {
		t.Errorf("added %d words, %v", n, err)
	}
	if want := map[string]int{"the": 3, "cat": 1, "and": 1, "dog": 1, "end": 1}; !maps.Equal(flat(got), want) {
		t.Errorf("got %v, want %v", flat(got), want)
	}
	for _, wrong := range []string{"word", "word \n", "word x\n", "\n"} {
		if _, err := got.addFrame([]byte(wrong)); err == nil {
			t.Errorf("%q is taken for a table", wrong)
		}
	}
}

func TestPiecesHoldEveryOctetAndCutNoWord(t *testing.T) {
	text := []byte(strings.Repeat("several words on\none line\n", 20))
	for size := 1; size <= len(text)+1; size++ {
		whole, parts := make(table), make(table)
		whole.count(text)
		var all []byte
		for rest := text; len(rest) > 0; {
			var piece []byte
			piece, rest = cut(rest, size)
			all = append(all, piece...)
			parts.count(piece)
		}
		if !slices.Equal(all, text) || !maps.Equal(flat(whole), flat(parts)) {
			t.Fatalf("pieces of %d octets: %v, want %v", size, flat(parts), flat(whole))
		}
	}
}

func TestEveryDifferenceIsFound(t *testing.T) {
	count := func(text string) table {
		words := make(table)
		words.count([]byte(text))
		return words
	}
	if err := compare(count("a b b a b b"), count("a b b"), 2); err != nil {
		t.Errorf("two equal passes: %v", err)
	}
	for name, live := range map[string]string{
		"a word too many":  "a b b a b b b",
		"a word too few":   "a b b a b",
		"a word missing":   "b b b b",
		"a word made up":   "a b b a b b c",
		"a pass forgotten": "a b b",
	} {
		if compare(count(live), count("a b b"), 2) == nil {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestTheSinkTakesATaskOnce(t *testing.T) {
	s := &sink{done: make(map[uint64]struct{}), words: make(table), shares: make(map[string]share)}
	for _, result := range []struct {
		frames []string
		isNew  bool
	}{
		{[]string{"1", "tcp-1", "a 2\n"}, true},
		{[]string{"2", "ipc-1", "a 3\n"}, true},
		{[]string{"1", "ipc-1", "a 2\n"}, false},
	} {
		isNew, err := s.take(zmq.NewStringMessage(result.frames...))
		if err != nil || isNew != result.isNew {
			t.Errorf("%q: new %v, %v", result.frames, isNew, err)
		}
	}
	got := s.tally()
	if got.tasks != 2 || got.words != 5 || got.results != 3 || got.dropped != 1 || got.shares["ipc-1"].tasks != 1 {
		t.Errorf("got %+v", got)
	}
	for _, frames := range [][]string{{"1"}, {"x", "tcp-1", ""}, {"3", "tcp-1", "nonsense"}} {
		if _, err := s.take(zmq.NewStringMessage(frames...)); err == nil {
			t.Errorf("%q is taken for a result", frames)
		}
	}
}

func TestFilesAreListed(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"a.go": "one", "b.txt": "three", "empty": ""} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	tree, err := list(ctx, []string{folder, filepath.Join(folder, "a.go")})
	if err != nil || len(tree.files) != 3 || tree.octets != 11 {
		t.Errorf("got %+v, %v", tree, err)
	}
	for _, wrong := range []string{filepath.Join(folder, "empty"), filepath.Join(folder, "absent")} {
		if _, err := list(ctx, []string{wrong}); err == nil {
			t.Errorf("there is something to count in %s", wrong)
		}
	}
	standard, err := list(ctx, nil)
	if err != nil || !slices.ContainsFunc(standard.files, func(name string) bool { return strings.HasSuffix(name, "runtime/proc.go") }) {
		t.Errorf("the Go source tree has %d files, %v", len(standard.files), err)
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
