//go:build !linux

package interop

import (
	"errors"
	"testing"
)

// fullListener: see full_linux_test.go.
func fullListener(*testing.T) (string, error) {
	return "", errors.New("on this system nobody knows when a listener is full")
}
