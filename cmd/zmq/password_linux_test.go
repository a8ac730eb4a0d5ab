package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal is one at which the test types.
type terminal struct {
	*process
	keys *os.File
}

// startAt starts the command under test at a terminal of its own. What that shows goes
// to standard error.
func startAt(t *testing.T, args ...string) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	screen, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	p := &process{t: t, args: args, cmd: exec.CommandContext(ctx, binary, args...), stdout: newTranscript(), stderr: newTranscript(), done: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = screen, p.stdout, screen
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(p.stderr, keys) // until the terminal is closed
		p.stderr.end()
	}()
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
		p.stdout.end()
		screen.Close()
	}()
	t.Cleanup(func() {
		cancel()
		<-p.done
	})
	return &terminal{p, keys}
}

// answers waits for a prompt and types a line.
func (a *terminal) answers(prompt, line string) {
	a.t.Helper()
	a.shows(prompt)
	if _, err := io.WriteString(a.keys, line+"\n"); err != nil {
		a.t.Fatal(err)
	}
}

// shows waits until the terminal does.
func (a *terminal) shows(text string) {
	a.t.Helper()
	for {
		a.stderr.mu.Lock()
		shown, closed, grew := a.stderr.text.String(), a.stderr.closed, a.stderr.grew
		a.stderr.mu.Unlock()
		switch {
		case strings.Contains(shown, text):
			return
		case closed:
			a.t.Fatalf("the terminal shows %q, without %q", shown, text)
		}
		<-grew
	}
}

func TestAPasswordIsTypedUnseen(t *testing.T) {
	a := startAt(t, "password", "Ada", "--cost", "4")
	a.answers("Password: ", "correct horse")
	a.answers("Again: ", "correct horse")
	if line := a.printed(); !letsIn(t, line, "Ada", "correct horse") {
		t.Errorf("printed %q", line)
	}
	if shown := a.stderr.String(); strings.Contains(shown, "horse") {
		t.Errorf("the terminal shows %q", shown)
	}
}

func TestAPasswordMustBeTheSameTwice(t *testing.T) {
	a := startAt(t, "password")
	a.answers("Password: ", "correct horse")
	a.answers("Again: ", "correct hors")
	a.ends(exitError)
	a.shows("not the same twice")
	if shown := a.stderr.String(); strings.Contains(shown, "hors\r") || a.stdout.String() != "" {
		t.Errorf("the terminal shows %q, printed %q", shown, a.stdout)
	}
}

// What is typed after the password is what is sent.
func TestAPasswordIsTypedBeforeWhatIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		command, server string
		types           string
		printed         string // by the server
	}{
		"push": {"push", "pull", "hello", "hello\n"},
		"rep":  {"rep", "req", "hello", "hello\n"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{c.server, "-v", "-n", "1"}
			if c.server == "req" {
				args = append(args, "-m", "what?")
			}
			plain := byPassword(t)
			server := start(t, append(args, with(plain.server, "@"+plain.endpoint)...)...)
			a := startAt(t, c.command, "-v", "-n", "1", "--user", "Ada", ">"+server.bound())
			a.answers("Password: ", "correct horse")
			a.answers("handshake succeeded", c.types)
			server.prints(c.printed)
			if a.ends(exitDone); strings.Contains(a.stderr.String(), "horse") {
				t.Errorf("the terminal shows %q", a.stderr)
			}
		})
	}
}

func TestASecretKeyIsTypedOnceUnseen(t *testing.T) {
	a := startAt(t, "keys", "public")
	a.answers("Secret key: ", secretText)
	a.prints(publicText + "\n")
	if shown := a.stderr.String(); strings.Contains(shown, secretText[:8]) {
		t.Errorf("the terminal shows %q", shown)
	}
}

func TestATerminalIsAsItWasHoweverItEnds(t *testing.T) {
	for name, end := range map[string]func(*terminal){
		"a signal": func(a *terminal) { a.signal(os.Interrupt) },
		"control and C": func(a *terminal) {
			if _, err := io.WriteString(a.keys, "corr\x03"); err != nil {
				a.t.Fatal(err)
			}
		},
		"the same twice": func(a *terminal) {
			a.answers("Password: ", "x")
			a.answers("Again: ", "x")
			a.ends(exitDone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAt(t, "password", "--cost", "4")
			a.shows("Password: ")
			end(a)
			if <-a.done; a.code != exitDone {
				a.shows("zmq: interrupted")
			}
			if strings.Contains(a.stderr.String(), "corr") {
				t.Errorf("the terminal shows %q", a.stderr)
			}
			after, err := unix.IoctlGetTermios(int(a.keys.Fd()), unix.TCGETS)
			if err != nil || after.Lflag&unix.ECHO == 0 || after.Lflag&unix.ISIG == 0 {
				t.Errorf("%v: the terminal is %+v", err, after)
			}
		})
	}
}
