package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// afterKill is how long a command that was killed may keep its pipes open, in
// the hands of children of its own.
const afterKill = time.Second

// fromCommand replies with what --exec prints. A command that fails is told of on
// standard error, and what it printed is the reply all the same: whoever asked
// waits for one.
func (c *repCmd) fromCommand(ctx context.Context, how *format) (func([][]byte) ([][]byte, error), error) {
	written, err := newFormat(c.Format, false, c.Join, nil)
	if err != nil {
		return nil, err
	}
	return func(request [][]byte) ([][]byte, error) {
		command := shell(ctx, *c.Exec)
		command.Stdin = bytes.NewReader(written.append(nil, request))
		command.Stderr = os.Stderr
		command.WaitDelay = afterKill
		printed, err := command.Output()
		if ctx.Err() != nil {
			return nil, errUnanswered
		}
		if err != nil {
			say("--exec: %v", err)
		}
		if how.name != formatRaw {
			printed = bytes.TrimSuffix(printed, []byte("\n"))
		}
		return how.parse(printed)
	}, nil
}

// shell is a command of the system's shell.
func shell(ctx context.Context, command string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd", "/C", command)
	}
	return exec.CommandContext(ctx, "sh", "-c", command)
}
