package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed cpeer/*.c cpeer/*.h
var sourceOfC embed.FS

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
	names, err := fs.Glob(sourceOfC, "cpeer/*")
	if err != nil {
		return "", err
	}
	hash, source := sha256.New(), map[string][]byte{}
	for _, name := range names {
		text, err := sourceOfC.ReadFile(name)
		if err != nil {
			return "", err
		}
		source[path.Base(name)] = text
		_, _ = hash.Write(text) // never fails
	}
	program := filepath.Join(dir, fmt.Sprintf("libzmq-%x", hash.Sum(nil)))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	fresh := filepath.Join(work, "peer")
	call := []string{"-O2", "-Wall", "-o", fresh}
	for name, text := range source {
		file := filepath.Join(work, name)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return "", err
		}
		if strings.HasSuffix(name, ".c") {
			call = append(call, file)
		}
	}
	cc := exec.CommandContext(ctx, "gcc", append(call, "-lzmq", "-lpthread")...)
	if out, err := cc.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the libzmq peer does not compile (Debian: apt-get install gcc libzmq3-dev): %w\n%s", err, out)
	}
	return program, os.Rename(fresh, program)
}

// buildGo compiles our own peer into dir and returns its path.
func buildGo(ctx context.Context, dir string) (string, error) {
	folder, err := here()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "zeromux")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./peer")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("our peer does not compile: %w\n%s", err, out)
	}
	return program, nil
}

// here is the folder of this program's source.
func here() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("where this program's source lies is not known")
	}
	return filepath.Dir(file), nil
}
