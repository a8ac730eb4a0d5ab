package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pieceSize is about how many octets of text one task has; a file that is
// larger makes several tasks.
const pieceSize = 64 << 10

// A tree is the files whose words are counted.
type tree struct {
	name   string // what the user knows it by
	files  []string
	octets int64
}

// list finds the files: every one of those folders and files, or the .go files
// of the Go source tree when there are none.
func list(ctx context.Context, paths []string) (tree, error) {
	t := tree{name: strings.Join(paths, " ")}
	suffix := ""
	if len(paths) == 0 {
		source, err := goSource(ctx)
		if err != nil {
			return tree{}, err
		}
		t.name, suffix, paths = source, ".go", []string{source}
	}
	for _, path := range paths {
		if err := t.add(path, suffix); err != nil {
			return tree{}, err
		}
	}
	if t.octets == 0 {
		return tree{}, fmt.Errorf("there is nothing to count in %s", t.name)
	}
	return t, nil
}

// goSource asks the go command where its own source is.
func goSource(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("where is the Go source tree? go env GOROOT: %w; give files or folders as arguments", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src"), nil
}

// add takes in a file, or all regular files below a folder whose names end in
// suffix. Empty files are left out.
func (t *tree) add(path, suffix string) error {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() || !strings.HasSuffix(name, suffix) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > 0 {
			t.files = append(t.files, name)
			t.octets += info.Size()
		}
		return nil
	})
}

// pieces yields the text of all files, in pieces for one task each. No word
// lies in two of them.
func (t tree) pieces() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, name := range t.files {
			text, err := os.ReadFile(name)
			if err != nil {
				yield(nil, errors.Join(errors.New("a file went away"), err))
				return
			}
			for len(text) > 0 {
				var piece []byte
				piece, text = cut(text, pieceSize)
				if !yield(piece, nil) {
					return
				}
			}
		}
	}
}

// cut takes a piece of size octets and the rest of its last line off text.
func cut(text []byte, size int) (piece, rest []byte) {
	if len(text) <= size {
		return text, nil
	}
	end := bytes.IndexByte(text[size:], '\n')
	if end < 0 {
		return text, nil
	}
	return text[:size+end], text[size+end:]
}
