package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The tests run the command as a script would: built once, in processes of its
// own.

// binary is the path of the command under test.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "zmq-test")
	if err == nil {
		binary = filepath.Join(folder, "zmq.exe") // the ending does no harm elsewhere
		var said []byte
		said, err = exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
		os.Stderr.Write(said)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build of the command under test:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(folder)
		os.Exit(code)
	}))
}

// testTime ends a process that hangs.
const testTime = time.Minute

// A transcript is what a process has printed so far.
type transcript struct {
	mu     sync.Mutex // guards all below
	text   bytes.Buffer
	closed bool
	grew   chan struct{} // closed and made anew when it grows
}

func newTranscript() *transcript { return &transcript{grew: make(chan struct{})} }

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.grew)
	s.grew = make(chan struct{})
	return s.text.Write(b)
}

// end says that nothing follows.
func (s *transcript) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	close(s.grew)
	s.grew = make(chan struct{})
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until a line that contains part is complete, and returns it.
func (s *transcript) await(t *testing.T, part string) string {
	t.Helper()
	for {
		s.mu.Lock()
		text, closed, grew := s.text.String(), s.closed, s.grew
		s.mu.Unlock()
		for line := range strings.Lines(text) {
			if strings.Contains(line, part) && strings.HasSuffix(line, "\n") {
				return strings.TrimSuffix(line, "\n")
			}
		}
		if closed {
			t.Fatalf("no line with %q, but %q", part, text)
		}
		<-grew
	}
}

// A process is a command that runs, or has run.
type process struct {
	t      *testing.T
	args   []string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *transcript
	stderr *transcript
	code   int
	done   chan struct{} // closed when code and the transcripts are complete
}

// start starts the command under test; its standard input stays open.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return launch(t, binary, args...)
}

// launchIn starts the command under test in a folder.
func launchIn(t *testing.T, folder string, args ...string) *process {
	t.Helper()
	return launchAt(t, folder, binary, args...)
}

// launch starts a program.
func launch(t *testing.T, path string, args ...string) *process {
	t.Helper()
	return launchAt(t, "", path, args...)
}

// launchAt starts a program in a folder; none is that of the test.
func launchAt(t *testing.T, folder, path string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	p := &process{
		t: t, args: args, cmd: exec.CommandContext(ctx, path, args...),
		stdout: newTranscript(), stderr: newTranscript(), done: make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.Dir = folder
	p.cmd.WaitDelay = 5 * time.Second
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		err := p.cmd.Wait()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			p.stderr.Write([]byte(err.Error()))
		}
		p.code = p.cmd.ProcessState.ExitCode()
		p.stdout.end()
		p.stderr.end()
	}()
	t.Cleanup(func() {
		cancel()
		<-p.done
		if t.Failed() && p.stderr.String() != "" {
			t.Logf("%v said %q", p.args, p.stderr)
		}
	})
	return p
}

// says writes text to the process, and no more after it.
func (p *process) says(text string) *process {
	p.t.Helper()
	p.types(text)
	p.stdin.Close()
	return p
}

// types writes text to the process. One that has ended does not read it.
func (p *process) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, text); err != nil {
		p.t.Logf("%v does not read: %v", p.args, err)
	}
}

// signal asks the process to end.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the end and checks the exit code.
func (p *process) ends(code int) *process {
	p.t.Helper()
	<-p.done
	if p.code != code {
		p.t.Fatalf("%v: exit code %d, want %d; it said %q", p.args, p.code, code, p.stderr)
	}
	return p
}

// prints checks all that the process has printed on standard output, and that it
// ended well.
func (p *process) prints(want string) {
	p.t.Helper()
	p.ends(exitDone)
	if got := p.stdout.String(); got != want {
		p.t.Errorf("%v printed %s, want %s", p.args, shorten(got), shorten(want))
	}
}

// complains checks the exit code and that a single line says each of parts.
func (p *process) complains(code int, parts ...string) {
	p.t.Helper()
	p.ends(code)
	said := p.stderr.String()
	if !strings.HasPrefix(said, "zmq: ") || strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") {
		p.t.Errorf("%v said %q, want one line that begins with zmq:", p.args, said)
	}
	for _, part := range parts {
		if !strings.Contains(said, part) {
			p.t.Errorf("%v said %q, without %q", p.args, said, part)
		}
	}
}

func shorten(text string) string {
	if len(text) > 300 {
		return fmt.Sprintf("%.300q… (%d octets)", text, len(text))
	}
	return fmt.Sprintf("%q", text)
}

// ipcEndpoint is one that nobody else uses, in a folder with a short name.
func ipcEndpoint(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "z")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return "ipc://" + filepath.ToSlash(filepath.Join(folder, "s"))
}

// bound is the endpoint that a process with --verbose has bound.
func (p *process) bound() string {
	p.t.Helper()
	return p.boundAs("")
}

// boundAs is the endpoint that one of several sockets of the process has bound.
func (p *process) boundAs(socket string) string {
	p.t.Helper()
	before := "zmq: " + socket + "listening "
	return strings.TrimPrefix(p.stderr.await(p.t, before), before)
}

func TestHelpIsThereForEverySocket(t *testing.T) {
	for _, name := range []string{
		"push", "pull", "pub", "sub", "req", "rep", "dealer", "router", "pair", "xpub", "xsub", "stream", "bench",
	} {
		p := start(t, name, "--help").ends(exitDone)
		if help := p.stdout.String(); !strings.Contains(help, "--timeout") {
			t.Errorf("help of %s tells nothing of --timeout: %q", name, help)
		}
	}
}

func TestWithoutArgumentsHelpIsAnError(t *testing.T) {
	p := start(t).ends(exitUsage)
	if got := p.stderr.String(); !strings.Contains(got, "Exit codes: 0 done, 1 error, 2 wrong usage, 3 timed out") {
		t.Errorf("it said %q", got)
	}
	if got := p.stdout.String(); got != "" {
		t.Errorf("standard output has %q", got)
	}
}

func TestVersionNamesTheProtocol(t *testing.T) {
	p := start(t, "--version").ends(exitDone)
	if got := p.stdout.String(); !strings.HasPrefix(got, "zmq ") || !strings.Contains(got, "ZMTP 3.1") {
		t.Errorf("it printed %q", got)
	}
}
