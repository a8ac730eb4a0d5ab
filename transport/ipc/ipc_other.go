//go:build !linux

package ipc

import (
	"errors"
	"fmt"
	"net"
	"runtime"
)

const hasCredentials = false

// PeerCredentials would say who is at the other end of c. On this system its
// error always wraps errors.ErrUnsupported.
func PeerCredentials(net.Conn) (Credentials, error) {
	return Credentials{}, fmt.Errorf("ipc: credentials: %w on %s", errors.ErrUnsupported, runtime.GOOS)
}

// groupsOfProcess is never asked: hasCredentials is false.
func groupsOfProcess(net.Conn) []uint32 { return nil }
