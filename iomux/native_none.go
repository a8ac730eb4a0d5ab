//go:build unix && !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package iomux

import "errors"

// What these systems have of their own (event ports, pollsets) is not built here.
var backends = []Backend{Poll, Select}

func newNative(*table, int) (backend, error) { return nil, errors.ErrUnsupported }
