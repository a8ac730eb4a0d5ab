package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

//go:embed peer.c
var sourceOfC []byte

// buildC compiles the libzmq peer, or finds the one that was compiled from the
// same source before, and returns its path.
func buildC(ctx context.Context) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	dir = filepath.Join(dir, "zeromux-bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	program := filepath.Join(dir, fmt.Sprintf("libzmq-%x", sha256.Sum256(sourceOfC)))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	source, fresh := filepath.Join(work, "peer.c"), filepath.Join(work, "peer")
	if err := os.WriteFile(source, sourceOfC, 0o644); err != nil {
		return "", err
	}
	cc := exec.CommandContext(ctx, "gcc", "-O2", "-Wall", "-o", fresh, source, "-lzmq", "-lpthread")
	if out, err := cc.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the libzmq peer does not compile (Debian: apt-get install gcc libzmq3-dev): %w\n%s", err, out)
	}
	return program, os.Rename(fresh, program)
}

// buildGo compiles our own peer into dir and returns its path.
func buildGo(ctx context.Context, dir string) (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("where this program's source lies is not known")
	}
	program := filepath.Join(dir, "zeromux")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./peer")
	build.Dir = filepath.Dir(here)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("our peer does not compile: %w\n%s", err, out)
	}
	return program, nil
}
