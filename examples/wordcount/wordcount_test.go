package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// playMain makes the test binary the program itself.
const playMain = "WORDCOUNT_TEST_PLAYS_MAIN"

func TestMain(m *testing.M) {
	isRole := len(os.Args) > 1 && (os.Args[1] == roleWorker || os.Args[1] == roleScribe)
	if isRole || os.Getenv(playMain) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// smallTree makes a folder of files, one of them large enough for several tasks.
func smallTree(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		var text bytes.Buffer
		lines := 50
		if i == 0 {
			lines = 20000
		}
		for range lines {
			fmt.Fprintf(&text, "w%d, wörd_%d\t(x%x)\n", random.IntN(500), random.IntN(50), random.IntN(5000))
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint("file", i)), text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// program is the whole program as a user starts it, with a folder of its own
// for temporary files. It must not run for more than a minute.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, temporary string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	temporary, err = os.MkdirTemp("", "wc") // t.TempDir is too long for ipc on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	cmd = exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), playMain+"=1", "TMPDIR="+temporary, "TMP="+temporary)
	return cmd, temporary
}

// nothingLeft checks that no file and no process of a run is left. Processes
// are those that the output names.
func nothingLeft(t *testing.T, temporary, output string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(temporary, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files left: %q, %v", left, err)
	}
	if runtime.GOOS == "windows" {
		return // a process number says nothing there without a handle
	}
	pids := regexp.MustCompile(`process(?:es)? (\d+)(?:, (\d+))?`).FindAllStringSubmatch(output, -1)
	if len(pids) == 0 {
		t.Errorf("no process is named in:\n%s", output)
	}
	for _, match := range pids {
		for _, digits := range match[1:] {
			pid, err := strconv.Atoi(digits)
			if err != nil {
				continue // there was only one number
			}
			p, err := os.FindProcess(pid)
			if err == nil && p.Signal(syscall.Signal(0)) == nil {
				t.Errorf("process %d is left", pid)
			}
		}
	}
}

func TestTheProgramCountsRightWhileAWorkerIsKilled(t *testing.T) {
	cmd, temporary := program(t, "-least", "900ms", smallTree(t))
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, want := range []string{
		`publisher +has two subscribers`,
		`client +asks .* does not exist yet\n(.*\n)*.*server +starts\n(.*\n)*.*client +is answered .* 40 files`,
		`(?m)^ +[\d.]+ s +tcp +127\.0\.0\.1:\d+ > processes \d+, \d+ > 127`,
		`(?m)^ +[\d.]+ s +inproc +tasks > goroutines > results`,
		`director +kills tcp-1 \(process \d+\) while [1-9]\d* tasks are out`,
		`ventilator +sees tcp-1 go and sends again`,
		`director +restarts it: process \d+; the others did [1-9][\d,]* tasks`,
		`Sent again: [1-9]\d* tasks\. Dropped as duplicates: \d+\.`,
		`Equal, word for word\.`,
	} {
		if !regexp.MustCompile(want).Match(output) {
			t.Errorf("the output has no %s", want)
		}
	}
	nothingLeft(t, temporary, string(output))
	if t.Failed() {
		t.Logf("%s", output)
	}
}

func TestAWorkerThatCountsWrongIsFoundOut(t *testing.T) {
	for _, worker := range []string{"tcp-2", "inproc-1"} {
		t.Run(worker, func(t *testing.T) {
			cmd, temporary := program(t, "-least", "300ms", "-miscount", worker, smallTree(t))
			output, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("ended with %v, want exit code 1", err)
			}
			if want := `"wrong": 1, should be 0`; !bytes.Contains(output, []byte(want)) || bytes.Contains(output, []byte("Equal")) {
				t.Errorf("the output lacks %s, or claims to be equal:\n%s", want, output)
			}
			nothingLeft(t, temporary, string(output))
		})
	}
}

// readUntil reads output until it has said what.
func readUntil(t *testing.T, output io.Reader, what string) string {
	t.Helper()
	var read strings.Builder
	for b := make([]byte, 4096); !strings.Contains(read.String(), what); {
		n, err := output.Read(b)
		read.Write(b[:n])
		if err != nil {
			t.Fatalf("%v before %q:\n%s", err, what, &read)
		}
	}
	return read.String()
}

func TestAnInterruptLeavesNothingBehind(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted from outside there")
	}
	for name, when := range map[string]string{"early": "server     starts", "while a worker is away": "kills tcp-1", "late": "restarts it"} {
		t.Run(name, func(t *testing.T) {
			cmd, temporary := program(t, "-least", "600ms", smallTree(t))
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			output := readUntil(t, stdout, when)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(stdout)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("an interrupted run was a success")
			}
			nothingLeft(t, temporary, output+string(rest))
		})
	}
}

// The workers share the standard error of the program: it ends when the last
// of them has ended.
func TestNoProcessOutlivesAProgramThatIsKilled(t *testing.T) {
	cmd, _ := program(t, "-least", "10s", smallTree(t))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, stdout, "messages/s")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(stderr); err != nil {
		t.Errorf("the workers live on: %v", err)
	}
	cmd.Wait()
}

func TestALiveRunLeavesNoGoroutineBehind(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tree, err := list(ctx, []string{smallTree(t)})
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	r, err := perform(ctx, options{least: 300 * time.Millisecond}, tree, &screen{w: &output, terminal: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	if err := r.check(); err != nil {
		t.Error(err)
	}
	if r.tasks+r.again < r.results || r.results != r.tasks+r.dropped {
		t.Errorf("%d tasks, %d sent again, %d results, %d dropped", r.tasks, r.again, r.results, r.dropped)
	}
	goleak.VerifyNone(t)
}
