//go:build !unix

package zmq

import "os"

// openAtOnce opens a file to read it.
func openAtOnce(path string) (*os.File, error) { return os.Open(path) }

// isReadOnly is not asked where modes say nothing of who may change a file.
func isReadOnly(string) bool { return false }
