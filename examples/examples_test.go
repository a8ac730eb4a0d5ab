// Package examples_test runs every lesson as a user would.
package examples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// programs is the folder of the built lessons.
var programs string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) (code int) {
	var err error
	if programs, err = os.MkdirTemp("", "lessons"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programs)
	build := exec.Command("go", "build", "-o", programs+string(filepath.Separator), "./...")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", build, err, output)
		return 1
	}
	return m.Run()
}

// lesson is the command of a lesson, which ends after a minute at most.
func lesson(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, name), args...)
	cmd.Stderr = &strings.Builder{}
	return cmd
}

// said is what a lesson that ended well has printed.
func said(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	output, err := cmd.Output()
	if complaint := cmd.Stderr.(*strings.Builder).String(); err != nil || complaint != "" {
		t.Fatalf("%v\n%s%s", err, output, complaint)
	}
	return string(output)
}

// start starts a lesson that runs until it is interrupted, and returns the
// endpoint or address that the first line of its output ends in. The test ends
// it, and checks that it ends well.
func start(t *testing.T, name string, args ...string) (endpoint string) {
	t.Helper()
	line := startSaying(t, 1, name, args...)[0]
	return line[strings.LastIndexByte(line, ' ')+1:]
}

// startSaying is start that returns the first lines of the output.
func startSaying(t *testing.T, n int, name string, args ...string) (lines []string) {
	t.Helper()
	cmd := lesson(t, name, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(stdout)
	t.Cleanup(func() {
		if runtime.GOOS == "windows" { // no process can be interrupted there
			cmd.Process.Kill()
			cmd.Wait()
			return
		}
		cmd.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, output)
		if err := cmd.Wait(); err != nil || cmd.Stderr.(*strings.Builder).Len() > 0 {
			t.Errorf("%s, interrupted: %v\n%s", name, err, cmd.Stderr)
		}
	})
	for range n {
		line, err := output.ReadString('\n')
		if err != nil {
			t.Fatalf("%s said %q: %v", name, line, err)
		}
		lines = append(lines, line[:len(line)-1])
	}
	return lines
}

func TestEveryLessonTellsItsStory(t *testing.T) {
	for name, patterns := range lessons {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of them wait most of the time
			output := said(t, lesson(t, name))
			for _, pattern := range patterns {
				if !regexp.MustCompile(pattern).MatchString(output) {
					t.Errorf("the output lacks %s", pattern)
				}
			}
			if t.Failed() {
				t.Log("\n" + output)
			}
		})
	}
}

func TestNoLessonIgnoresAnArgument(t *testing.T) {
	for name := range lessons {
		t.Run(name, func(t *testing.T) {
			cmd := lesson(t, name, "stray")
			output, _ := cmd.Output()
			complaint := cmd.Stderr.(*strings.Builder).String()
			if code := cmd.ProcessState.ExitCode(); code != 2 || len(output) > 0 {
				t.Errorf("exit code %d, want 2; printed %q", code, output)
			}
			for _, want := range []string{`unexpected argument "stray"`, "Usage of "} {
				if !strings.Contains(complaint, want) {
					t.Errorf("the complaint %q lacks %s", complaint, want)
				}
			}
		})
	}
}

func TestEveryLessonIsInTheTable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range folders {
		name := filepath.Dir(main)
		if !strings.Contains(string(readme), "| ["+name+"]("+name+"/main.go) |") {
			t.Errorf("README.md does not list %s", name)
		}
		if _, tested := lessons[name]; !tested && name != "wordcount" {
			t.Errorf("no test runs %s", name)
		}
	}
}

func TestRolesMayRunInTerminalsOfTheirOwn(t *testing.T) {
	t.Run("hello", func(t *testing.T) {
		server := start(t, "hello", "-bind", "tcp://127.0.0.1:*")
		for range 2 {
			if got := said(t, lesson(t, "hello", "-connect", server)); strings.Count(got, "client: received World, Hello") != 5 {
				t.Errorf("the client says %q", got)
			}
		}
	})
	t.Run("weather", func(t *testing.T) {
		station := start(t, "weather", "-bind", "tcp://127.0.0.1:*")
		got := said(t, lesson(t, "weather", "-connect", station, "-place", "10042"))
		if !strings.HasPrefix(got, "place 10042: ") {
			t.Errorf("the subscriber says %q", got)
		}
	})
	t.Run("workers", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("the endpoints of this test are ipc")
		}
		folder, err := os.MkdirTemp("", "w")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		role := func(role string) *exec.Cmd {
			return lesson(t, "workers", "-role", role, "-tasks", "ipc://"+folder+"/t", "-results", "ipc://"+folder+"/r")
		}
		ventilator, worker := role("ventilator"), role("worker")
		for _, cmd := range []*exec.Cmd{ventilator, worker} { // the sink comes last
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
		}
		got := said(t, role("sink"))
		if !regexp.MustCompile(`^worker \d+ did 100 tasks\n78498 primes below 1000000\n$`).MatchString(got) {
			t.Errorf("the sink says %q", got)
		}
		if err := ventilator.Wait(); err != nil {
			t.Errorf("ventilator: %v %s", err, ventilator.Stderr)
		}
		worker.Process.Signal(os.Interrupt)
		if err := worker.Wait(); err != nil {
			t.Errorf("worker: %v %s", err, worker.Stderr)
		}
	})
}
