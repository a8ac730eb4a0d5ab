package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zeromux/zmq"
)

// letsIn reports whether a line of a password file lets a user in.
func letsIn(t *testing.T, line, user, password string) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := zmq.OpenPasswordFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Authenticate(t.Context(), &zmq.Applicant{Mechanism: "PLAIN", Username: user, Password: zmq.Secret(password)}) == nil
}

func TestAPasswordIsHashed(t *testing.T) {
	for name, typed := range map[string]string{
		"a line":                 "correct horse\n",
		"a line of Windows":      "correct horse\r\n",
		"a line that is not one": "correct horse",
		"a line of Notepad":      "\ufeffcorrect horse\r\n",
	} {
		line := start(t, "password", "Ada", "--cost", "4").says(typed).printed()
		if !strings.HasPrefix(line, "Ada:$2a$04$") || strings.Count(line, "\n") != 1 || !letsIn(t, line, "Ada", "correct horse") {
			t.Errorf("%s: %q", name, line)
		}
	}
	hash := start(t, "password").says("correct horse\n").printed()
	if !strings.HasPrefix(hash, "$2a$10$") || !letsIn(t, "Bob:"+hash, "Bob", "correct horse") {
		t.Errorf("without a user: %q", hash)
	}
}

func TestAPasswordThatCannotBeHashedIsRefusedAndNotRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		typed string
		code  int
		says  string
	}{
		"none":                 {nil, "\n", exitError, "empty"},
		"nothing at all":       {nil, "", exitError, "empty"},
		"too long":             {nil, strings.Repeat("horse ", 13), exitError, "72"},
		"two lines":            {nil, "correct horse\nbattery\n", exitError, "more than one line"},
		"a user with a colon":  {[]string{"A:da"}, "correct horse\n", exitUsage, "colon"},
		"a user who is a note": {[]string{"#Ada"}, "correct horse\n", exitUsage, "#"},
		"a user with a blank":  {[]string{"Ada "}, "correct horse\n", exitUsage, "blank"},
		"a user of 256 octets": {[]string{strings.Repeat("Ada!", 64)}, "correct horse\n", exitUsage, "255 octets"},
		"too much work":        {[]string{"--cost", "31"}, "correct horse\n", exitError, "4 to 16"},
		"a second argument":    {[]string{"Ada", "correct horse"}, "", exitUsage, "unexpected argument"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, append([]string{"password"}, c.args...)...).says(c.typed)
			p.complains(c.code, c.says)
			if c.typed != "" && strings.Contains(p.stderr.String(), "horse") || p.stdout.String() != "" {
				t.Errorf("it said %q and printed %q", p.stderr, p.stdout)
			}
		})
	}
}
