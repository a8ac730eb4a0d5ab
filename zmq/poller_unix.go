//go:build unix

package zmq

import "golang.org/x/sys/unix"

// alwaysReady reports whether fd is a file or a directory, which no reading or writing
// has to wait for.
func alwaysReady(fd int) bool {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false
	}
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFREG || kind == unix.S_IFDIR
}
