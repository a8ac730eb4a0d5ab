package interop

import (
	"context"
	"path/filepath"
	"testing"

	"zeromux/internal/zmtptest"
)

// startLibzmq starts a peer over libzmq.
func startLibzmq(ctx context.Context, t *testing.T) *remote {
	t.Helper()
	path, reason := zmtptest.PyZMQ()
	if reason != "" {
		absent(t, reason)
	}
	return startRemote(ctx, t, path, filepath.Join("testdata", "peer.py"))
}

func TestLibzmqPeerSaysItsVersion(t *testing.T) {
	r := startLibzmq(bounded(t, testTime), t)
	t.Log(r.version)
}
