package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says in one line where this ran. What the system does not tell is left out.
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
	return strings.Join(append(said, runtime.GOARCH, runtime.Version()), ", ")
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
