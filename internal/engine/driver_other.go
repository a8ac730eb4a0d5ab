//go:build !unix

package engine

// newDriver returns the only driver of systems on which nobody can wait for a
// descriptor without reading it.
func newDriver(c *connection) driver { return newStream(c) }
