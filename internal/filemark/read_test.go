package filemark

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if _, _, err := Read(path, 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, _, err := Read(filepath.Dir(path), 4); !errors.Is(err, ErrUnfit) {
		t.Errorf("a folder: %v", err)
	}
	for _, c := range []struct {
		text string
		want error
	}{{"", nil}, {"four", nil}, {"fives", ErrUnfit}} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, info, err := Read(path, 4)
		if !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.text, err, c.want)
		}
		if err == nil && (string(got) != c.text || info.Size() != int64(len(c.text))) {
			t.Errorf("%q: got %q of %d octets", c.text, got, info.Size())
		}
	}
}
