package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zeromux/zmq"
)

func TestLinesArriveInWhateverOrderTheTwoSidesStart(t *testing.T) {
	const lines = "one\n\nthree\nlast without its end"
	for _, c := range []struct {
		name       string
		push, pull func(endpoint string) []string
	}{
		{"plain endpoints", func(e string) []string { return []string{e} }, func(e string) []string { return []string{e} }},
		{"signs", func(e string) []string { return []string{"@" + e} }, func(e string) []string { return []string{">" + e} }},
		{
			"flags", func(e string) []string { return []string{"--bind", e} },
			func(e string) []string { return []string{"--connect", e} },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ipcEndpoint(t)
			first := start(t, append([]string{"push"}, c.push(e)...)...).says(lines)
			pull := start(t, append([]string{"pull", "--count", "4"}, c.pull(e)...)...)
			pull.prints(lines + "\n")
			first.prints("")

			early := start(t, append([]string{"pull", "--count", "4"}, c.pull(e)...)...)
			start(t, append([]string{"push"}, c.push(e)...)...).says(lines).prints("")
			early.prints(lines + "\n")
		})
	}
}

func TestTCPTellsThePortItHasChosen(t *testing.T) {
	pull := start(t, "pull", "--verbose", "--count", "2", "tcp://127.0.0.1:*")
	start(t, "push", "-m", "a", "-m", "b", pull.bound()).prints("")
	pull.prints("a\nb\n")
	if said := pull.stderr.String(); !strings.Contains(said, "peer=PUSH version=3.1 mechanism=NULL") {
		t.Errorf("--verbose said %q", said)
	}
}

func TestPushSharesWorkAmongSeveralEndpoints(t *testing.T) {
	one, two := ipcEndpoint(t), ipcEndpoint(t)
	first, second := start(t, "pull", "-n", "2", one), start(t, "pull", "-n", "2", two)
	start(t, "push", "--wait", "2", one, two).says("1\n2\n3\n4\n").prints("")
	all := first.ends(exitDone).stdout.String() + second.ends(exitDone).stdout.String()
	for _, m := range []string{"1\n", "2\n", "3\n", "4\n"} {
		if strings.Count(all, m) != 1 {
			t.Errorf("message %q arrived %d times in %q", m, strings.Count(all, m), all)
		}
	}
}

func TestManyLinesKeepTheirOrder(t *testing.T) {
	var lines strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&lines, "line %d\n", i)
	}
	e := ipcEndpoint(t)
	pull := start(t, "pull", "--count", "50000", e)
	start(t, "push", "--hwm", "10", e).says(lines.String()).prints("")
	pull.prints(lines.String())
}

func TestCountRepeatAndInterval(t *testing.T) {
	e := ipcEndpoint(t)
	pull := start(t, "pull", "-n", "9", e)
	start(t, "push", "-n", "2", e).says("1\n2\n3\n").prints("")
	start(t, "push", "-m", "a", "-m", "b", "--repeat", "2", e).prints("")
	start(t, "push", "-m", "tick", "--repeat", "0", "--interval", "1ms", "-n", "3", e).prints("")
	got := pull.ends(exitDone).stdout.String()
	if want := "1\n2\na\nb\na\nb\ntick\ntick\ntick\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFileIsOneMessageAndArrivesOctetByOctet(t *testing.T) {
	body := make([]byte, 1<<20)
	for i := range body {
		body[i] = byte(i * 7 >> 3)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, send := range map[string]func(e string) *process{
		"by name":                     func(e string) *process { return start(t, "push", "--file", path, e) },
		"from standard input":         func(e string) *process { return start(t, "push", "--file", "-", e).says(string(body)) },
		"as raw input":                func(e string) *process { return start(t, "push", "--input", "raw", e).says(string(body)) },
		"by name, whatever lines are": func(e string) *process { return start(t, "push", "-i", "hex", "-f", path, e) },
	} {
		t.Run(name, func(t *testing.T) {
			e := ipcEndpoint(t)
			pull := start(t, "pull", "--count", "1", "--format", "raw", e)
			send(e).prints("")
			if got := pull.ends(exitDone).stdout.String(); got != string(body) {
				t.Errorf("%d octets arrived, want the %d of the file", len(got), len(body))
			}
		})
	}
}

func TestFramesComeFromFieldsMessagesAndFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  string
	}{
		{"fields between tabs", []string{"--split", `\t`}, "a\t\tb c\n", `["a","","b c"]`},
		{"fields between commas", []string{"--split", ",", "-m", "a,b"}, "", `["a","b"]`},
		{"fields of a file", []string{"--split", " a ", "-f", path}, "", `["from","file\n"]`},
		{"messages", []string{"--frames", "-m", "id", "-m", "", "-m", "a,b"}, "", `["id","","a,b"]`},
		{"messages in hex", []string{"--frames", "-i", "hex", "-m", "0a", "-m", "ff"}, "", `["\n",{"base64":"/w=="}]`},
		{"files", []string{"--frames", "-f", path, "-f", path}, "", `["from a file\n","from a file\n"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ipcEndpoint(t)
			pull := start(t, "pull", "-n", "1", "--format", "json", e)
			start(t, append([]string{"push", e}, c.args...)...).says(c.stdin).prints("")
			pull.prints(c.want + "\n")
		})
	}
}

func TestWhatOneFormatPrintsAnotherCommandReads(t *testing.T) {
	const message = `["a\tb\n","",{"base64":"/wD+"},"é"]` + "\n"
	for _, name := range exact {
		t.Run(name, func(t *testing.T) {
			first, second := ipcEndpoint(t), ipcEndpoint(t)
			printed := start(t, "pull", "-n", "1", "--format", name, first)
			start(t, "push", "--input", "json", first).says(message).prints("")
			back := start(t, "pull", "-n", "1", "--format", "json", second)
			start(t, "push", "--input", name, second).says(printed.ends(exitDone).stdout.String()).prints("")
			back.prints(message)
		})
	}
}

func TestPubWaitsForThoseWhoSubscribe(t *testing.T) {
	e := ipcEndpoint(t)
	pub := start(t, "pub", "--wait", "3", e).says("apple 1\nbanana 1\napple 2\ncherry 1\n")
	apples := start(t, "sub", "-n", "2", "--subscribe", "apple", e)
	fruit := start(t, "sub", "-n", "3", "-s", "banana", "-s", "apple", e)
	all := start(t, "sub", "-n", "4", e)
	pub.prints("")
	apples.prints("apple 1\napple 2\n")
	fruit.prints("apple 1\nbanana 1\napple 2\n")
	all.prints("apple 1\nbanana 1\napple 2\ncherry 1\n")
}

func TestPubSendsToWhoeverIsThere(t *testing.T) {
	e := ipcEndpoint(t)
	pub := start(t, "pub", "--verbose", e)
	pub.bound()
	sub := start(t, "sub", "-n", "1", e)
	pub.stderr.await(t, "peer=SUB")
	for sub.stdout.String() == "" { // the subscription is on its way
		pub.types("news\n")
		select {
		case <-sub.done:
		case <-pub.done:
			t.Fatalf("pub has ended: %q", pub.stderr)
		default:
		}
	}
	sub.prints("news\n")
	pub.says("").ends(exitDone)
}

// A subscriber that does not read makes pub drop, and --verbose says so.
func TestVerboseTellsOfDrops(t *testing.T) {
	c := zmq.NewContext(nil)
	defer func() {
		if err := c.Term(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	sub, err := c.NewSocket(zmq.SUB, &zmq.Config{HighWater: zmq.HighWater{Recv: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	endpoint, err := sub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	pub := start(t, "pub", "-v", "--wait", "1", "--hwm", "1", "--linger", "0s", "-f", path, "--repeat", "100", ">"+endpoint)
	pub.ends(exitDone)
	pub.stderr.await(t, `reason="high-water mark of a peer reached"`)
}
