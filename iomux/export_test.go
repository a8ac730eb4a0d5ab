//go:build unix

package iomux

// Asking says whether a goroutine is in Wait and has given the lock up: the system waits,
// or is about to.
func Asking(m Mux) bool {
	own := m.(*mux)
	own.mu.Lock()
	defer own.mu.Unlock()
	return own.waiting
}

// Milliseconds is tested by itself: no Mux shows how long it sleeps.
var Milliseconds = milliseconds
