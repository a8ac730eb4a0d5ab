package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"zeromux/zmq"
)

// passwordCmd hashes a password.
type passwordCmd struct {
	User string `arg:"" optional:"" help:"Print a whole line of a password file, USER:HASH."`
	Cost int    `default:"10" placeholder:"N" help:"How much work each comparison is, 4 to 16; one more doubles it. Default: 10, some 50 ms."`
}

// Help is what --help adds.
func (c *passwordCmd) Help() string {
	return "The password is typed, twice and unseen, or read from standard input, where it is the only line. It is " +
		"hashed by bcrypt, which htpasswd -B does as well; a PasswordFile of package zmq has such lines."
}

// Run implements the command.
func (c *passwordCmd) Run(ctx context.Context) error {
	if strings.ContainsAny(c.User, ":\r\n") || strings.HasPrefix(c.User, "#") {
		return usagef("USER %q cannot stand in a password file: it has a colon or an end of line, or begins with #", c.User)
	}
	if strings.TrimSpace(c.User) != c.User || len(c.User) > maxUser {
		return usagef("USER %q cannot stand in a password file: it begins or ends with a blank, or has more than %d octets", c.User, maxUser)
	}
	password, err := readSecret(ctx, "Password: ", true)
	if err != nil {
		return err
	}
	hash, err := zmq.HashPassword(zmq.Secret(password), c.Cost)
	if err != nil {
		return err
	}
	if c.User != "" {
		hash = c.User + ":" + hash
	}
	return printLines(hash)
}

// maxUser is the longest name of a user of PLAIN, in octets. RFC 24.
const maxUser = 255

// maxSecretLine bounds what is read for a secret, in octets.
const maxSecretLine = 4096

// readSecret reads a line that is nobody's business: unseen from a terminal, where it
// may have to be typed again, or else from standard input, where it is all there is.
func readSecret(ctx context.Context, prompt string, again bool) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		line, err := readOnlyLine(os.Stdin)
		if err != nil {
			err = fmt.Errorf("standard input: %w", err)
		}
		return line, err
	}
	prompts := []string{prompt}
	if again {
		prompts = append(prompts, "Again: ")
	}
	lines, err := typed(ctx, prompts)
	switch {
	case err != nil:
		return "", err
	case again && lines[0] != lines[1]:
		return "", errors.New("not the same twice")
	}
	return lines[0], nil
}

// byteOrderMark is what editors of Windows put at the head of a file.
const byteOrderMark = "\ufeff"

// readOnlyLine reads all of r, which is one line, perhaps behind a mark of byte order.
func readOnlyLine(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSecretLine+1))
	if err != nil {
		return "", err
	}
	line, rest, _ := bytes.Cut(bytes.TrimPrefix(text, []byte(byteOrderMark)), []byte("\n"))
	if len(rest) > 0 || len(text) > maxSecretLine {
		return "", errors.New("more than one line")
	}
	return string(bytes.TrimSuffix(line, []byte("\r"))), nil
}

// typed reads a line for each prompt from the terminal, which does not show them, and
// is as it was afterwards even if a signal ends it.
func typed(ctx context.Context, prompts []string) ([]string, error) {
	terminal := int(os.Stdin.Fd())
	state, err := term.MakeRaw(terminal) // before the prompt, after which somebody types
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	defer func() { _ = term.Restore(terminal, state) }() // there is no more that can be done
	type result struct {
		lines []string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		screen := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{os.Stdin, os.Stderr}, "")
		var r result
		for i := 0; i < len(prompts) && r.err == nil; i++ {
			var line string
			line, r.err = screen.ReadPassword(prompts[i])
			r.lines = append(r.lines, line)
		}
		done <- r
	}()
	r := result{err: io.EOF}
	select {
	case r = <-done:
	case <-ctx.Done(): // the program ends, and the goroutine with it
	}
	switch {
	case r.err == nil:
		return r.lines, nil
	case errors.Is(r.err, io.EOF): // by a key, or a signal
		fmt.Fprint(os.Stderr, "\r\n")
		return nil, errors.New("interrupted")
	}
	return nil, fmt.Errorf("terminal: %w", r.err)
}
