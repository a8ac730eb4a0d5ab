//go:build !unix

package iomux

import (
	"errors"
	"os"
)

// backends is empty: these systems have no call that waits for descriptors of any kind.
var backends []Backend

func open(Backend) (Mux, error) { return nil, errors.ErrUnsupported }

// File returns nil: there is no Mux.
func File(Mux) *os.File { return nil }
