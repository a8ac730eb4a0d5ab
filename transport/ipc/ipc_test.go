package ipc_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/ipc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBatteryPath(t *testing.T) {
	transporttest.Run(t, transporttest.Subject{
		Transport: ipc.Transport{},
		Bind:      path,
		Nobody:    path,
	})
}

func TestBatteryWildcard(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	transporttest.Run(t, transporttest.Subject{
		Transport: ipc.Transport{},
		Bind:      func(t testing.TB) string { return "*" },
		Nobody:    path,
		Vanishes:  true,
	})
}

// path returns the path of a file that does not exist.
func path(t testing.TB) string { return filepath.Join(shortDir(t), "s") }

// shortDir returns a new directory. The ones of package testing have names too
// long for the path of a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "z")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
