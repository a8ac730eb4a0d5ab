package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestACompleteRunIsPublished(t *testing.T) {
	all := rows(10_000)
	docs := t.TempDir()
	if err := pretended(all, 5, 3).writeTo(docs, all); err != nil {
		t.Fatal(err)
	}
	page := read(t, docs, "benchmarks.md")
	for _, want := range []string{
		"| date | 4 March 2026, 05:06 UTC |", "| machine | 2 cores of a Pretender |", "| versions | libzmq 9.8.7, zeromux abc123 |",
		"| command | `make bench` |", "## One way", "## Memory",
		"| PUSH/PULL tcp 16 B | ", "x3.00 (3.00..3.00) | ≥ 4 MISSED, bar ≥ 3 met |",
		"- PUSH/PULL tcp 16 B, rate: x3.00, ≥ 4 MISSED, bar ≥ 3 met\n",
		"- memory, idle tcp, memory: 6.51 KiB, ≤ 2.5 KiB MISSED\n",
		"goals are met.** Missed:",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "notes.md") {
		t.Error("the page speaks of notes that are not there")
	}
	pictures := 0
	for line := range strings.Lines(page) {
		if _, at, ok := strings.Cut(line, "](benchmarks/"); ok && strings.HasPrefix(line, "!") {
			checkPicture(t, read(t, docs, "benchmarks", strings.TrimSuffix(at, ")\n")))
			pictures++
		}
	}
	if files, err := filepath.Glob(filepath.Join(docs, "benchmarks", "*.svg")); err != nil || len(files) != pictures || pictures != 11 {
		t.Errorf("%d pictures on the page, %d files, %v; want 11 of each", pictures, len(files), err)
	}
}

func TestThePageLinksToNotesThatAreThere(t *testing.T) {
	all := rows(10_000)
	docs := t.TempDir()
	if err := os.MkdirAll(filepath.Join(docs, "benchmarks"), 0o755); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(docs, "benchmarks", "notes.md")
	if err := os.WriteFile(notes, []byte("why"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := pretended(all, 5, 3).writeTo(docs, all); err != nil {
		t.Fatal(err)
	}
	if page := read(t, docs, "benchmarks.md"); !strings.Contains(page, "[notes](benchmarks/notes.md)") {
		t.Errorf("no link:\n%s", page)
	}
	if got := read(t, docs, "benchmarks", "notes.md"); got != "why" {
		t.Errorf("the notes are now %q", got)
	}
}

func TestKeptSamplesAreReportedAgain(t *testing.T) {
	all := rows(10_000)
	first, second := t.TempDir(), t.TempDir()
	if err := pretended(all, 5, 3).writeTo(first, all); err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	args := []string{"-from=" + filepath.Join(first, "benchmarks", "samples.json"), "-docs=" + second}
	if err := run(t.Context(), args, &out, &progress); err != nil {
		t.Fatal(err)
	}
	if one, two := read(t, first, "benchmarks.md"), read(t, second, "benchmarks.md"); one != two {
		t.Errorf("the page is another one:\n%s\n\n%s", one, two)
	}
	if !strings.Contains(out.String(), "ONE WAY") {
		t.Errorf("nothing is printed:\n%s", &out)
	}
}

func TestWhatIsTooNarrowLeavesTheDocsAlone(t *testing.T) {
	all := rows(10_000)
	complete, err := parse(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	unmeasured := pretended(all[1:], 5, 3)
	narrow := pretended(all, 5, 3)
	narrow.Narrow = "interrupted"
	for _, c := range []struct {
		name string
		p    *report
		want string
	}{
		{"a row without a result", unmeasured, "stays as it is: no result for PUSH/PULL tcp 16 B"},
		{"a run that was interrupted", narrow, "stays as it is: interrupted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var progress bytes.Buffer
			if err := complete.publish(c.p, all, &progress); err != nil || !strings.Contains(progress.String(), c.want) {
				t.Errorf("got %v, %q, want %q", err, &progress, c.want)
			}
		})
	}
	t.Run("-write=false", func(t *testing.T) {
		var progress bytes.Buffer
		if err := (settings{}).publish(pretended(all, 5, 3), all, &progress); err != nil || progress.Len() > 0 {
			t.Errorf("got %v, %q", err, &progress)
		}
	})
}

func TestAPageWithNothingOnItIsStillAPage(t *testing.T) {
	docs := t.TempDir()
	all := rows(10_000)
	p := &report{Theirs: "libzmq", Ours: "zeromux", Failed: []string{"all of them"}, Skipped: map[string]string{"memory, idle tcp": "skipped: why"}}
	if err := p.writeTo(docs, all); err != nil {
		t.Fatal(err)
	}
	page := read(t, docs, "benchmarks.md")
	for _, want := range []string{"0 of 0 goals", "- memory, idle tcp: skipped: why\n", "- a run failed and is left out: all of them\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkPicture demands that an SVG is well-formed, has a dress for the dark, and
// that all of it lies on the canvas.
func checkPicture(t *testing.T, svg string) {
	t.Helper()
	if !strings.Contains(svg, "prefers-color-scheme:dark") || !strings.Contains(svg, `class="ground"`) {
		t.Error("no ground of its own, or none for the dark")
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	var width, height float64
	title := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		at := map[string]string{}
		for _, a := range element.Attr {
			at[a.Name.Local] = a.Value
		}
		switch element.Name.Local {
		case "svg":
			title = at["aria-label"]
			width, height = number(t, at["width"]), number(t, at["height"])
		case "text":
			x, y := number(t, at["x"]), number(t, at["y"])
			if x < 0 || x > width || y < 0 || y > height {
				t.Errorf("%s: a text at %v, %v lies beyond %v × %v", title, x, y, width, height)
			}
		case "rect":
			x, y, w, h := number(t, at["x"]), number(t, at["y"]), number(t, at["width"]), number(t, at["height"])
			if x < 0 || y < 0 || w < 0 || h < 0 || x+w > width || y+h > height {
				t.Errorf("%s: %v lies beyond %v × %v", title, at, width, height)
			}
		case "line":
			for _, end := range []string{"x1", "x2"} {
				if x := number(t, at[end]); x < 0 || x > width {
					t.Errorf("%s: %v lies beyond %v", title, at, width)
				}
			}
		}
	}
	if title == "" {
		t.Errorf("no picture:\n%s", svg)
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v != v {
		t.Errorf("%q is no place on a picture: %v", s, err)
	}
	return v
}
