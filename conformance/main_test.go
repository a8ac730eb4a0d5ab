// Package conformance proves what the RFCs and libzmq ask of a socket, over every
// transport that can carry it. It has tests alone.
package conformance

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
