//go:build !unix

package engine

import (
	"errors"
	"fmt"
	"net"
	"runtime"
)

// newDriver returns the only driver of systems on which nobody can wait for a
// descriptor without reading it.
func newDriver(c *connection) driver { return newStream(c) }

// readNow would read what has come over a connection, if there is any.
func readNow(net.Conn, []byte) (int, error) { return 0, nil }

// CheckAffinity reports that there are no loops to choose from.
func CheckAffinity(string) error {
	return fmt.Errorf("loops: %w on %s", errors.ErrUnsupported, runtime.GOOS)
}

// CheckMultiplexer reports whether this system has what a name of Env.Multiplexer
// means.
func CheckMultiplexer(name string) error {
	if name == "" || name == Stream {
		return nil
	}
	return fmt.Errorf("multiplexer %q: %w", name, errors.ErrUnsupported)
}

// loops would wait for many descriptors.
type loops struct{}

func (*loops) close() {}
