//go:build !unix

package iomux

import "errors"

// backends is empty: these systems have no call that waits for descriptors of any kind.
var backends []Backend

func open(Backend) (Mux, error) { return nil, errors.ErrUnsupported }
