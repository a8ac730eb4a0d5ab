//go:build !unix

package zmq

// alwaysReady reports nothing: there is no descriptor in a poller here.
func alwaysReady(int) bool { return false }
