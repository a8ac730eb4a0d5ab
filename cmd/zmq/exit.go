package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The exit codes. Scripts rely on them.
const (
	exitDone    = 0
	exitError   = 1
	exitUsage   = 2
	exitTimeout = 3
)

// A fault is an error that has an exit code of its own; others have exitError.
type fault struct {
	code int
	err  error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// usagef is a mistake in the arguments.
func usagef(format string, args ...any) error {
	return &fault{exitUsage, fmt.Errorf(format, args...)}
}

// timeoutf says what did not happen in time.
func timeoutf(format string, args ...any) error {
	return &fault{exitTimeout, fmt.Errorf(format, args...)}
}

// codeOf is the exit code for err.
func codeOf(err error) int {
	var f *fault
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &f):
		return f.code
	}
	return exitError
}

// report prints err, if there is one, and returns its exit code. What seems to be a key
// in it is not printed.
func report(err error) int {
	if err != nil {
		say("%s", hideKeys(err.Error()))
	}
	return codeOf(err)
}

// say prints one line on standard error.
func say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	text = strings.ReplaceAll(strings.TrimPrefix(text, "zmq: "), "\n", "; ")
	fmt.Fprintln(os.Stderr, "zmq: "+text)
}
