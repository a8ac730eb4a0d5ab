//go:build unix && (!linux || race)

package engine

import "golang.org/x/sys/unix"

// readAtOnce is read(2).
func readAtOnce(fd int, b []byte) (int, error) { return unix.Read(fd, b) }

// writeAtOnce is write(2).
func writeAtOnce(fd int, b []byte) (int, error) { return unix.Write(fd, b) }
