//go:build uncounted

package pipe

// counting: see counted.go.
const counting = false
