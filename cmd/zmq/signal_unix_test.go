//go:build !windows

package main

import (
	"os"
	"syscall"
)

// stopSignals are those that end the command well.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}
