//go:build unix

package zmq_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/zmq"
)

func TestAFileThatWouldKeepUsWaitingIsNotOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := zmq.LoadCurveCertificate(path); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}
