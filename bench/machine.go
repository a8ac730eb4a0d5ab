package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says in one line where this runs, and how busy it is without us. What
// the system does not tell is left out.
func machine() string {
	said := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if cpu := cpuModel(); cpu != "" {
		said[0] += " of " + cpu
	}
	if out, err := exec.Command("uname", "-sr").Output(); err == nil {
		said = append(said, strings.TrimSpace(string(out)))
	} else {
		said = append(said, runtime.GOOS)
	}
	said = append(said, runtime.GOARCH, runtime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		if minute, _, ok := strings.Cut(string(load), " "); ok {
			said = append(said, "load "+minute+" before the start")
		}
	}
	return strings.Join(said, ", ")
}

// revision is the commit of this checkout, or empty.
func revision(ctx context.Context) string {
	git := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	commit := git("rev-parse", "--short", "HEAD")
	if commit != "" && git("status", "--porcelain", "--untracked-files=no", "--", "..") != "" {
		commit += " and changes"
	}
	return commit
}

// cpuModel is the processor's name as Linux knows it, or empty.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
