//go:build unix

package engine

import (
	"errors"
	"fmt"
	"slices"

	"zeromux/iomux"
)

// newDriver returns the driver that suits the connection. The only one of a socket
// is read by the application itself; others share loops.
func newDriver(c *connection) driver {
	env := c.session.env
	raw, ok := descriptorOf(c.net)
	if !ok || env.Multiplexer == Stream {
		return newStream(c)
	}
	affinity := c.session.cfg.Affinity
	if env.Multiplexer == Runtime || env.Multiplexer == "" && affinity == 0 && c.session.host.Alone(c.session) {
		return newParked(c, raw, env.Multiplexer == "")
	}
	l, err := env.loops.pick(env.Pool, iomux.Backend(env.Multiplexer), env.Loops, affinity)
	if err == nil {
		var d *looped
		if d, err = newLooped(c, raw, l); err == nil {
			return d
		}
	}
	return newParked(c, raw, false) // descriptors or memory have run out: it needs neither
}

// CheckAffinity reports whether connections under a name of Env.Multiplexer have
// loops that could be chosen. An error wraps errors.ErrUnsupported.
func CheckAffinity(name string) error {
	if name == Stream || name == Runtime {
		return fmt.Errorf("loops of multiplexer %q: %w", name, errors.ErrUnsupported)
	}
	return nil
}

// CheckMultiplexer reports whether this system has what a name of Env.Multiplexer
// means.
func CheckMultiplexer(name string) error {
	if name == "" || name == Stream || name == Runtime || slices.Contains(iomux.Available(), iomux.Backend(name)) {
		return nil
	}
	return fmt.Errorf("multiplexer %q: %w", name, errors.ErrUnsupported)
}
