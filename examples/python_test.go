package examples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
)

// python is the command of a program of testdata over libzmq, which ends after a
// minute at most.
func python(t *testing.T, program string, args ...string) *exec.Cmd {
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
	cmd.Stderr = &strings.Builder{}
	return cmd
}

// startPython starts a program that runs until its standard input ends. The test
// ends it, and checks that it ends well.
func startPython(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := python(t, program, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil || cmd.Stderr.(*strings.Builder).Len() > 0 {
			t.Errorf("%s: %v\n%s", program, err, cmd.Stderr)
		}
	})
}

// endpoints are names of ipc endpoints for one test.
func endpoints(t *testing.T, n int) (names []string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the endpoints of this test are ipc")
	}
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
	startPython(t, "ppworker.py", back, "50")
	got := said(t, lesson(t, "paranoidpirate", "-role", "client", "-front", front))
	if want := `(client: Python did request [1-7]\n(.*\n)*){7}$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("the client says %q", got)
	}
}

func TestTheMajordomoBrokerServesAWorkerOverLibzmq(t *testing.T) {
	broker := start(t, "majordomo", "-role", "broker", "-at", "tcp://127.0.0.1:*", "-beat", "500ms")
	startPython(t, "mdworker.py", broker, "500")
	got := said(t, lesson(t, "majordomo", "-role", "client", "-at", broker, "-beat", "500ms"))
	if want := `^client: 1000 echoes, one at a time, in .*\nclient: is there echo\? true\nclient: is there coffee\? false\n$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("the client says %q", got)
	}
}

func TestTheMajordomoBrokerAndWorkerServeAClientOverLibzmq(t *testing.T) {
	client := func(broker string) *exec.Cmd { return python(t, "mdclient.py", broker) }
	client("")                                                                                       // skips the test before anything is started
	broker := start(t, "majordomo", "-role", "broker", "-at", "tcp://127.0.0.1:*", "-beat", "500ms") // who asks does so once: no false alarm
	startSaying(t, 0, "majordomo", "-role", "worker", "-at", broker, "-beat", "500ms")
	got := said(t, client(broker))
	if want := "mmi.service echo 200\nmmi.service coffee 404\nmmi.other echo 501\nmmi.other coffee 501\n"; got != want {
		t.Errorf("the client says %q, want %q", got, want)
	}
}

func TestACloneClientOverLibzmqChangesTheMapOfAll(t *testing.T) {
	client := func(at []string) *exec.Cmd { return python(t, "clone.py", at...) }
	client(nil) // skips the test before anything is started
	at := endpoints(t, 3)
	places := []string{"-snapshots", at[0], "-updates", at[1], "-collector", at[2]}
	start(t, "clone", append([]string{"-role", "server"}, places...)...)
	if got, want := said(t, client(at)), "/fruit/apple 2 green\nKTHXBAI 2 /fruit/\n"; got != want {
		t.Errorf("the client over libzmq says %q, want %q", got, want)
	}
	got := strings.Join(startSaying(t, 2, "clone", append([]string{"-role", "client", "-tree", "/tool/"}, places...)...), "\n")
	if want := "client: has joined at number 2, with 1 values\nclient: /tool/hammer is heavy"; got != want {
		t.Errorf("the client says %q, want %q", got, want)
	}
}
