package tls

import "testing"

// LookAlways has the handshakes of the listeners that a test makes look at the files
// each time.
func LookAlways(t testing.TB) {
	was := interval
	interval = 0
	t.Cleanup(func() { interval = was })
}

// Listening is the configuration of a listener.
var Listening = listening
