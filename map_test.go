package zeromux_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// mapHead stands above the map in docs/architecture.md: a block with a line for
// each room, which ends in a slash, and below it, indented, its files and what they
// hold. Several files may share a line, with commas between.
const mapHead = "## The rooms, file by file\n"

// unmapped are the folders that the map leaves out: the doors.
var unmapped = []string{"bench", "cmd", "conformance", "examples", "interop", "libzmq"}

func TestTheMapShowsTheHouseAsItStands(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range mapFaults(t, string(text), os.DirFS(".")) {
		t.Error(fault)
	}
}

func TestAFaultOfTheMapIsFound(t *testing.T) {
	const text = mapHead + "\n```\na/\n  x.go  one\n\na/b/  for tests\n  y.go, z.go  others\n```\n"
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"none":                   {[]string{"a/x.go", "a/b/y.go", "a/b/z.go", "a/x_test.go", "cmd/x/main.go", "a/testdata/t.go"}, ""},
		"a file that is new":     {[]string{"a/x.go", "a/b/y.go", "a/b/z.go", "a/b/x.go"}, "a/b/x.go is not on the map"},
		"a file that is gone":    {[]string{"a/x.go", "a/b/y.go"}, "a/b/z.go is on the map and nowhere else"},
		"a room that is new":     {[]string{"a/x.go", "a/b/y.go", "a/b/z.go", "c/x.go"}, "c/x.go is not on the map"},
		"a file of another room": {[]string{"a/x.go", "a/z.go", "a/b/y.go", "a/b/z.go"}, "a/z.go is not on the map"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for _, file := range c.files {
				tree[file] = &fstest.MapFile{}
			}
			if got := strings.Join(mapFaults(t, text, tree), "\n"); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// mapFaults tells where the map and the files of the library differ.
func mapFaults(t *testing.T, text string, tree fs.FS) (faults []string) {
	t.Helper()
	drawn := onMap(text)
	standing := sources(t, tree)
	for _, file := range standing {
		if !slices.Contains(drawn, file) {
			faults = append(faults, file+" is not on the map")
		}
	}
	for _, file := range drawn {
		if !slices.Contains(standing, file) {
			faults = append(faults, file+" is on the map and nowhere else")
		}
	}
	return faults
}

// onMap returns the files that the map names.
func onMap(text string) (files []string) {
	_, text, _ = strings.Cut(text, mapHead)
	_, text, _ = strings.Cut(text, "```\n")
	text, _, _ = strings.Cut(text, "```\n")
	room := ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case line[0] != ' ':
			room = words[0]
		default:
			for _, word := range words {
				name, more := strings.CutSuffix(word, ",")
				files = append(files, path.Join(room, name))
				if !more {
					break
				}
			}
		}
	}
	return files
}

// sources returns the files that the library is built of, in the order of names.
func sources(t *testing.T, tree fs.FS) (files []string) {
	t.Helper()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (slices.Contains(unmapped, name) || base == "testdata" || base[0] == '.'):
			return fs.SkipDir
		case strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go"):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
