package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestRequestsAreAnswered(t *testing.T) {
	for _, c := range []struct {
		name  string
		rep   []string
		stdin string
		want  string
	}{
		{"with themselves", []string{"--echo"}, "", "one\ntwo\n"},
		{"with a text", []string{"--reply", "yes"}, "", "yes\nyes\n"},
		{"with an empty text", []string{"--reply", ""}, "", "\n\n"},
		{"with frames", []string{"--reply", "a,b", "--split", ","}, "", "a\tb\na\tb\n"},
		{"with messages", []string{"-m", "1", "-m", "2"}, "", "1\n2\n"},
		{"with lines of standard input", nil, "first\nsecond\n", "first\nsecond\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ipcEndpoint(t)
			rep := start(t, append([]string{"rep", "-n", "2", e}, c.rep...)...).says(c.stdin)
			start(t, "req", e).says("one\ntwo\n").prints(c.want)
			rep.prints("one\ntwo\n")
		})
	}
}

func TestRepEndsWithItsReplies(t *testing.T) {
	e := ipcEndpoint(t)
	rep := start(t, "rep", e).says("first\nsecond\n")
	start(t, "req", e).says("one\ntwo\n").prints("first\nsecond\n")
	rep.prints("one\ntwo\n")
}

func TestRepPrintsTheRequestBeforeItWantsAReply(t *testing.T) {
	e := ipcEndpoint(t)
	rep := start(t, "rep", "-n", "1", e)
	req := start(t, "req", "-m", "what?", e)
	rep.stdout.await(t, "what?")
	rep.types("that\n")
	req.prints("that\n")
	rep.ends(exitDone)
}

func TestReqSendsAsManyAsItMay(t *testing.T) {
	e := ipcEndpoint(t)
	start(t, "rep", "--echo", e)
	start(t, "req", "-n", "1", e).says("one\ntwo\n").prints("one\n")
}

func TestACommandReplies(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here:", err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"by standard output", []string{"--exec", "tr a-z A-Z"}, "ONE\n"},
		{"raw, with its last line end", []string{"--exec", "cat; echo", "--format", "raw", "--input", "raw"}, "one\n\n"},
		{"in frames", []string{"--exec", `printf 'a\tb\n'`, "--split", `\t`}, "a\tb\n"},
		{"from JSON to JSON", []string{"--exec", `cat`, "--format", "json", "--input", "json"}, "one\n"},
		{"with what it printed before it failed", []string{"--exec", "echo half; exit 3"}, "half\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ipcEndpoint(t)
			rep := start(t, append([]string{"rep", "-n", "1", e}, c.args...)...)
			start(t, "req", "-m", "one", e).prints(c.want)
			rep.ends(exitDone)
			if failed := strings.Contains(rep.stderr.String(), "--exec: exit status 3"); failed != strings.Contains(c.args[1], "exit 3") {
				t.Errorf("rep said %q", rep.stderr)
			}
		})
	}
}

func TestASignalInTheMiddleOfARequestIsAnError(t *testing.T) {
	needSignals(t)
	e := ipcEndpoint(t)
	rep := start(t, "rep", e)
	req := start(t, "req", "-m", "one", e)
	rep.stdout.await(t, "one")
	req.signal(os.Interrupt)
	req.complains(exitError, "REQ: interrupted: a request was not answered")
	rep.signal(os.Interrupt)
	rep.complains(exitError, "REP: interrupted: a request was not answered")
}
