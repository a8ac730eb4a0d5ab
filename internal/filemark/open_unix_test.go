//go:build unix

package filemark

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAFileThatWouldKeepUsWaitingIsNotOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, _, err := Read(path, 4); !errors.Is(err, ErrUnfit) {
		t.Errorf("got %v, want ErrUnfit", err)
	}
	f, err := openAtOnce(path) // as if it had come just before
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
