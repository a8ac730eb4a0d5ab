package examples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
)

// python starts a program of testdata over libzmq, which runs until its standard
// input ends. The test ends it, and checks that it ends well.
func python(t *testing.T, program string, args ...string) {
	t.Helper()
	path, reason := zmtptest.PyZMQ()
	if reason != "" {
		if os.Getenv("CI") != "" || os.Getenv("ZEROMUX_REQUIRE_INTEROP") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, append([]string{filepath.Join("testdata", program)}, args...)...)
	complaint := &strings.Builder{}
	cmd.Stderr = complaint
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil || complaint.Len() > 0 {
			t.Errorf("%s: %v\n%s", program, err, complaint)
		}
	})
}

// endpoints are names of ipc endpoints for one test.
func endpoints(t *testing.T, n int) (names []string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "z") // short: the path of a socket has a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for i := range n {
		names = append(names, "ipc://"+filepath.Join(folder, string(rune('a'+i))))
	}
	return names
}

func TestTheParanoidPirateQueueServesAWorkerOverLibzmq(t *testing.T) {
	at := endpoints(t, 2)
	front, back := at[0], at[1]
	start(t, "paranoidpirate", "-role", "queue", "-front", front, "-back", back)
	python(t, "ppworker.py", back, "50")
	got := said(t, lesson(t, "paranoidpirate", "-role", "client", "-front", front))
	if want := `(client: Python did request [1-7]\n(.*\n)*){7}$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("the client says %q", got)
	}
}
