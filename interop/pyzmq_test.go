package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// python finds an interpreter that has pyzmq, once.
var python = sync.OnceValues(func() (path, reason string) {
	candidates := []string{"python3", "/usr/bin/python3"}
	if named := os.Getenv("ZEROMUX_PYTHON"); named != "" {
		candidates = []string{named}
	}
	for _, c := range candidates {
		if exec.Command(c, "-c", "import zmq").Run() == nil {
			return c, ""
		}
	}
	return "", "no Python with pyzmq here (Debian: apt-get install python3-zmq)"
})

// startLibzmq starts a peer over libzmq.
func startLibzmq(ctx context.Context, t *testing.T) *remote {
	t.Helper()
	path, reason := python()
	if reason != "" {
		absent(t, reason)
	}
	return startRemote(ctx, t, path, filepath.Join("testdata", "peer.py"))
}

func TestLibzmqPeerSaysItsVersion(t *testing.T) {
	r := startLibzmq(bounded(t, testTime), t)
	t.Log(r.version)
}
