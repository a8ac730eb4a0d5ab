//go:build linux

// Package echo_test runs the echo servers as a user would.
package echo_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// programs is the folder of the built servers.
var programs string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) (code int) {
	var err error
	if programs, err = os.MkdirTemp("", "echo"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programs)
	build := exec.Command("go", "build", "-o", programs, "./...")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", build, err, output)
		return 1
	}
	if code = m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// lines are the command lines of all servers.
var lines = []string{
	"blocking", "busy", "select", "poll", "epoll",
	"iomux", "iomux -backend poll", "iomux -backend select",
}

// each runs a test with each server.
func each(t *testing.T, test func(t *testing.T, line string)) {
	for _, line := range lines {
		t.Run(line, func(t *testing.T) { test(t, line) })
	}
}

// eachOfMany runs a test with each server that can serve several connections at once.
func eachOfMany(t *testing.T, test func(t *testing.T, line string)) {
	for _, line := range lines[1:] {
		t.Run(line, func(t *testing.T) { test(t, line) })
	}
}

// patience is how long anything may take that must happen.
const patience = time.Minute

// A server is one that runs.
type server struct {
	t       *testing.T
	cmd     *exec.Cmd
	output  *bufio.Reader
	stderr  strings.Builder
	address string
}

// serve starts a server, which the test ends.
func serve(t *testing.T, line string) *server {
	t.Helper()
	args := strings.Fields(line)
	return begin(t, filepath.Join(programs, args[0]), args[1:]...)
}

// begin starts a server by a program and its arguments.
func begin(t *testing.T, program string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	s := &server{t: t, cmd: exec.CommandContext(ctx, program, args...)}
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.end(syscall.SIGTERM)
		}
		cancel()
	})
	s.output = bufio.NewReader(stdout)
	first, err := s.output.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "listening on 127.0.0.1:") {
		t.Fatalf("%v: says %q, %v", s.cmd, first, err)
	}
	s.address = strings.TrimSpace(strings.TrimPrefix(first, "listening on "))
	return s
}

// end ends the server by a signal, checks that it ends well, and returns what it has
// said since it listens.
func (s *server) end(by os.Signal) (said string) {
	s.t.Helper()
	s.signal(by)
	output, err := io.ReadAll(s.output)
	if err := errors.Join(err, s.cmd.Wait()); err != nil {
		s.t.Errorf("%v, %v: %v\n%s", s.cmd, by, err, &s.stderr)
	}
	return string(output)
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// quiet checks that an ended server has complained of nothing.
func (s *server) quiet() {
	s.t.Helper()
	if s.stderr.Len() > 0 {
		s.t.Errorf("it complains: %s", &s.stderr)
	}
}

// A client is a connection to a server.
type client struct {
	*net.TCPConn
	t *testing.T
}

func (s *server) dial() client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	c := client{conn.(*net.TCPConn), s.t}
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// echoes sends a message and checks the answer.
func (c client) echoes(message string) {
	c.t.Helper()
	c.say(message)
	c.hears(message)
}

func (c client) say(message string) {
	c.t.Helper()
	if _, err := io.WriteString(c, message); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) hears(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); string(got) != want {
		c.t.Fatalf("%d octets come back, %v: %.60q, want %.60q", n, err, got[:n], want)
	}
}

// reset ends the connection as a crash would: without saying so, and dropping what was
// still to be read.
func (c client) reset() {
	c.t.Helper()
	if err := c.SetLinger(0); err != nil {
		c.t.Fatal(err)
	}
	c.Close()
}

// over checks that the server has ended the connection, by saying so or by a reset.
func (c client) over() {
	c.t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Errorf("the connection goes on: %d octets, %v", n, err)
	}
}

// needs skips a test that takes more descriptors than a process may have here.
func needs(t *testing.T, descriptors uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < descriptors {
		t.Skipf("a process may have %d descriptors here, and this takes %d", limit.Cur, descriptors)
	}
}
