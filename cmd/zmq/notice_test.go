package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"zeromux/zmq"
)

// write makes path a file of this content.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read is the content of a file.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Whoever locks somebody out hears that it has not come to pass, without --verbose: peers
// come until the files are looked at again.
func TestFilesThatCannotBeUsedAnyLongerAreToldOf(t *testing.T) {
	tls, curve, plain := overTLS(t), byCurve(t), byPassword(t)
	users, known, authority := plain.server[1], curve.server[3], tls.server[5]
	for name, test := range map[string]struct {
		secured
		spoil, mend func() // of what is followed
		says        []string
	}{
		"users": {
			plain,
			func() { write(t, users, read(t, users)+"a line that is none\n") },
			func() { write(t, users, strings.TrimSuffix(read(t, users), "a line that is none\n")) },
			[]string{"password file cannot be used as it is", users, "line 2"},
		},
		"a folder of certificates": {
			curve,
			func() { write(t, filepath.Join(known, "bob.key"), "half a file") },
			func() { os.Remove(filepath.Join(known, "bob.key")) },
			[]string{"certificate folder cannot be used as it is", "bob.key"},
		},
		"authorities": {
			tls,
			func() { write(t, authority, read(t, authority)+"-----BEGIN CERTIFICATE-----\n") },
			func() { write(t, authority, strings.TrimSuffix(read(t, authority), "-----BEGIN CERTIFICATE-----\n")) },
			[]string{"certificates of a listener cannot be used as they are", authority},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each takes as long as what was read counts, twice
			endpoint, flags := ipcEndpoint(t), test.server
			if name == "authorities" {
				endpoint, flags = test.endpoint, append(flags, "-v")
			}
			pull := start(t, with(flags, "pull", "@"+endpoint)...)
			if name == "authorities" {
				endpoint = pull.bound()
			}
			knock := func(until string) {
				for !strings.Contains(pull.stderr.String(), until) {
					start(t, with(test.client, "push", "-m", "hello", endpoint)...).prints("")
				}
			}
			start(t, with(test.client, "push", "-m", "hello", endpoint)...).prints("")
			if said := pull.stderr.String(); strings.Contains(said, "cannot be used") {
				t.Errorf("before anything is wrong: %q", said)
			}
			test.spoil()
			knock(test.says[0])
			line := pull.stderr.await(t, test.says[0])
			for _, part := range test.says {
				if !strings.HasPrefix(line, "zmq: ") || !strings.Contains(line, part) {
					t.Errorf("%q, without %q", line, part)
				}
			}
			test.mend()
			knock("can be used again")
			if said := pull.stderr.String(); strings.Count(said, test.says[0]) != 1 {
				t.Errorf("told more than once: %q", said)
			}
		})
	}
}

func TestAFolderThatAllMayChangeIsToldOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are something else there")
	}
	curve, endpoint := byCurve(t), ipcEndpoint(t)
	pull := start(t, with(curve.server, "pull", "@"+endpoint)...)
	start(t, with(curve.client, "push", "-m", "hello", endpoint)...).prints("")
	if err := os.Chmod(curve.server[3], 0o777); err != nil {
		t.Fatal(err)
	}
	for pull.stderr.String() == "" {
		start(t, with(curve.client, "push", "-m", "hello", endpoint)...).prints("")
	}
	if line := pull.stderr.await(t, "what was read before counts"); !strings.Contains(line, curve.server[3]) {
		t.Errorf("it said %q", line)
	}
}

// A certificate that is none at the start is told of at once, and the others count.
func TestACertificateThatWasNeverGoodIsToldOfOnce(t *testing.T) {
	curve, endpoint := byCurve(t), ipcEndpoint(t)
	bad := filepath.Join(curve.server[3], "bob.key")
	write(t, bad, "half a file")
	pull := start(t, with(curve.server, "pull", "-n", "1", "@"+endpoint)...)
	start(t, with(curve.client, "push", "-m", "hello", endpoint)...).prints("")
	pull.prints("hello\n")
	if said := pull.stderr.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "--curve-allow") || !strings.Contains(said, bad) {
		t.Errorf("it said %q, want one line", said)
	}
}

// Strangers do not fill a log that nobody has asked for.
func TestWhoIsNotLetInIsToldByVerboseAlone(t *testing.T) {
	needSignals(t)
	plain, endpoint := byPassword(t), ipcEndpoint(t)
	wrong := []string{"--user", "Ada", "--password-file", secretFile(t, "battery")}
	pull := start(t, with(plain.server, "pull", "@"+endpoint)...)
	push := start(t, with(wrong, "push", "-v", "--wait", "1", "-m", "let me in", endpoint)...)
	push.stderr.await(t, "handshake failed")
	push.signal(os.Interrupt)
	push.ends(exitError)
	if said := push.stderr.String(); strings.Contains(said, "endpoint=") {
		t.Errorf("records among the events: %q", said)
	}
	pull.signal(os.Interrupt)
	pull.prints("")
	if said := pull.stderr.String(); said != "" {
		t.Errorf("without --verbose: %q", said)
	}
}

// What is logged is a line like any other of the command.
func TestANoticeIsALine(t *testing.T) {
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	muted := new(atomic.Bool)
	log := slog.New(&notices{muted: muted})
	log.Debug("for debugging")
	log.Warn("zmq: handshake failed", "endpoint", "x")
	muted.Store(true)
	log.Warn("not yet")
	muted.Store(false)
	log.With("file", "a").WithGroup("b").Warn("it cannot be used", "err", zmq.ErrInvalid)
	w.Close()
	var said bytes.Buffer
	if _, err := said.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if got, want := said.String(), "zmq: it cannot be used: file=a: invalid argument\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
