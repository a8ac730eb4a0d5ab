//go:build unix && !linux

package engine

// writev writes list piece by piece: golang.org/x/sys has no writev for every
// system.
func writev(fd int, list [][]byte, _ bool) (n int, err error) {
	for _, b := range list {
		k, err := writeAtOnce(fd, b)
		n += max(k, 0)
		if err != nil && n > 0 {
			return n, nil // it comes again with the next write
		}
		if err != nil || k < len(b) {
			return n, err
		}
	}
	return n, nil
}
