//go:build !windows

package transport

// Portable returns err such that errors.Is finds the POSIX name of the system's
// error in it (syscall.EADDRINUSE and so on). On this system that is err itself.
func Portable(err error) error { return err }
