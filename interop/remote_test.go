package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each test is bounded: at the end of its time the other process is killed and
// every call of ours that still waits gives up. A table of conversations with
// one process has more time for all of them together.
const (
	testTime  = 20 * time.Second
	tableTime = 90 * time.Second
)

// patience is how long a peer waits for something that must happen.
const patience = 10 * time.Second

// bounded is a context that ends after the test or the limit. (That of the test
// itself ends before its clean-up, which still talks to the other process.)
func bounded(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// absent skips the test, or fails it where everything is said to be installed.
func absent(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("ZEROMUX_REQUIRE_INTEROP") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// A remote is another implementation in another process; see testdata/peer.py
// for what it understands.
type remote struct {
	t       testing.TB
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  bytes.Buffer
	version string // what it said of itself
	sockets int    // how many were made
	ended   bool
}

// startRemote runs the command until ctx ends or the test is over.
func startRemote(ctx context.Context, t testing.TB, name string, args ...string) *remote {
	t.Helper()
	r := &remote{t: t, cmd: exec.CommandContext(ctx, name, args...)}
	r.cmd.Stderr = &r.stderr
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.end)
	words, err := r.answer()
	if err != nil {
		t.Fatal(err)
	}
	r.version = strings.Join(words, " ")
	return r
}

// end closes its input, which ends it, and waits for it.
func (r *remote) end() {
	if !r.ended {
		r.ended = true
		_ = r.in.Close()
		_ = r.cmd.Wait() // how it went is in r.cmd.ProcessState
	}
}

// kill ends it as a crash would: no socket is closed in order.
func (r *remote) kill() {
	r.t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	r.end()
}

// A remoteError is what the other implementation answered, such as EAGAIN.
type remoteError string

func (e remoteError) Error() string { return string(e) }

// answer reads one line.
func (r *remote) answer() ([]string, error) {
	line, err := r.out.ReadString('\n')
	if err != nil {
		r.end()
		return nil, fmt.Errorf("the other process is gone (%v): %s", r.cmd.ProcessState, &r.stderr)
	}
	words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	if words[0] != "ok" {
		return nil, remoteError(strings.Join(words[1:], " "))
	}
	return words[1:], nil
}

// try gives one command and returns what it yields.
func (r *remote) try(words ...string) ([]string, error) {
	r.t.Helper()
	if _, err := io.WriteString(r.in, strings.Join(words, " ")+"\n"); err != nil {
		r.t.Fatalf("%s: %v: %s", words[0], err, &r.stderr)
	}
	yield, err := r.answer()
	var told remoteError
	if err != nil && !errors.As(err, &told) {
		r.t.Fatal(err)
	}
	return yield, err
}

// do gives one command that must succeed.
func (r *remote) do(words ...string) []string {
	r.t.Helper()
	yield, err := r.try(words...)
	if err != nil {
		for i, w := range words {
			words[i] = w[:min(len(w), 80)]
		}
		r.t.Fatalf("%s: the other side answers %v", strings.Join(words, " "), err)
	}
	return yield
}

// theirs is a socket of the other implementation.
type theirs struct {
	r          *remote
	name, kind string
}

// socket makes a socket there, which is closed with the test t.
func (r *remote) socket(t testing.TB, kind string) *theirs {
	t.Helper()
	r.t = t
	r.sockets++
	s := &theirs{r, kind + strconv.Itoa(r.sockets), kind}
	r.do("socket", s.name, kind)
	t.Cleanup(func() {
		if !r.ended {
			r.do("close", s.name, "0")
		}
	})
	return s
}

func (s *theirs) typeName() string { return s.kind }

func (s *theirs) set(option string, value any) {
	s.r.t.Helper()
	switch v := value.(type) {
	case int:
		s.r.do("set", s.name, option, "int:"+strconv.Itoa(v))
	case string:
		s.r.do("set", s.name, option, "hex:"+hex.EncodeToString([]byte(v)))
	default:
		s.r.t.Fatalf("option %s of type %T", option, value)
	}
}

func (s *theirs) bind(endpoint string) string {
	s.r.t.Helper()
	return s.r.do("bind", s.name, endpoint)[0]
}

func (s *theirs) connect(endpoint string) {
	s.r.t.Helper()
	s.r.do("connect", s.name, endpoint)
}

func (s *theirs) trySend(frames ...string) error {
	s.r.t.Helper()
	words := []string{"send", s.name, millis(patience)}
	for _, f := range frames {
		words = append(words, toHex(f))
	}
	_, err := s.r.try(words...)
	return err
}

func (s *theirs) send(frames ...string) {
	s.r.t.Helper()
	if err := s.trySend(frames...); err != nil {
		s.r.t.Fatalf("%s sends %s: %v", s.kind, brief(frames), err)
	}
}

// tryRecv reports false when nothing has come within the time.
func (s *theirs) tryRecv(timeout time.Duration) ([]string, bool) {
	s.r.t.Helper()
	words, err := s.r.try("recv", s.name, millis(timeout))
	if errors.Is(err, remoteError("EAGAIN")) {
		return nil, false
	}
	if err != nil {
		s.r.t.Fatalf("%s receives: %v", s.kind, err)
	}
	for i, w := range words {
		if words[i], err = fromHex(w); err != nil {
			s.r.t.Fatal(err)
		}
	}
	return words, true
}

func (s *theirs) recv() []string {
	s.r.t.Helper()
	frames, ok := s.tryRecv(patience)
	if !ok {
		s.r.t.Fatalf("nothing has come to the other side's %s", s.kind)
	}
	return frames
}

func (s *theirs) subscribe(topic string) {
	s.r.t.Helper()
	if s.kind == "XSUB" {
		s.send("\x01" + topic)
		return
	}
	s.set("SUBSCRIBE", topic)
}

func (s *theirs) unsubscribe(topic string) {
	s.r.t.Helper()
	if s.kind == "XSUB" {
		s.send("\x00" + topic)
		return
	}
	s.set("UNSUBSCRIBE", topic)
}

// monitor starts recording the socket's events.
func (s *theirs) monitor() { s.r.t.Helper(); s.r.do("monitor", s.name) }

// event waits for an event that must come.
func (s *theirs) event(kind string) {
	s.r.t.Helper()
	if !s.tryEvent(kind, patience) {
		s.r.t.Fatalf("the other side's %s never reports %s", s.kind, kind)
	}
}

func (s *theirs) tryEvent(kind string, timeout time.Duration) bool {
	s.r.t.Helper()
	_, err := s.r.try("event", s.name, kind, millis(timeout))
	if err != nil && !errors.Is(err, remoteError("EAGAIN")) {
		s.r.t.Fatalf("waiting for %s: %v", kind, err)
	}
	return err == nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func toHex(frame string) string {
	if frame == "" {
		return "-"
	}
	return hex.EncodeToString([]byte(frame))
}

func fromHex(word string) (string, error) {
	if word == "-" {
		return "", nil
	}
	b, err := hex.DecodeString(word)
	return string(b), err
}

// brief shows frames without filling the screen.
func brief(frames []string) string {
	shown := make([]string, len(frames))
	for i, f := range frames {
		shown[i] = fmt.Sprintf("%q", f[:min(len(f), 20)])
		if len(f) > 20 {
			shown[i] += fmt.Sprintf("... (%d octets)", len(f))
		}
	}
	return "[" + strings.Join(shown, " ") + "]"
}

// wantFrames fails unless the frames are those expected.
func wantFrames(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %s, want %s", brief(got), brief(want))
	}
}
