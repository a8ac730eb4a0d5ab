package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// jeromqJar is where Debian's libjeromq-java lies.
const jeromqJar = "/usr/share/java/jeromq.jar"

// startJeromq compiles the JeroMQ peer and starts it.
func startJeromq(ctx context.Context, t *testing.T) *remote {
	t.Helper()
	if _, err := os.Stat(jeromqJar); err != nil {
		absent(t, "no JeroMQ here (Debian: apt-get install libjeromq-java default-jdk-headless): "+err.Error())
	}
	for _, tool := range []string{"javac", "java"} {
		if _, err := exec.LookPath(tool); err != nil {
			absent(t, "no Java here (Debian: apt-get install default-jdk-headless): "+err.Error())
		}
	}
	classes := t.TempDir()
	source := filepath.Join("testdata", "JeromqPeer.java")
	if out, err := exec.CommandContext(ctx, "javac", "-cp", jeromqJar, "-d", classes, source).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return startRemote(ctx, t, "java", "-XX:TieredStopAtLevel=1", "-cp", classes+":"+jeromqJar, "JeromqPeer")
}

// JeroMQ 0.3 speaks ZMTP 2.0 with its own code, which makes it a second opinion
// on frames, envelopes and subscriptions. It has no real ipc transport.
func TestJeromqTalksWithEveryLegalPair(t *testing.T) {
	r := startJeromq(bounded(t, tableTime), t)
	t.Log(r.version)
	talkInEveryPair(t, r, []string{"tcp"})
}
