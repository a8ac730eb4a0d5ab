package engine

// A driver moves the octets of one connection between its two halves and the
// system. There is one for any net.Conn (stream.go) and others for connections
// that are descriptors.
//
// A driver reads c.in and writes c.out, each by at most one goroutine at a time.
// It calls connection.through when a direction has come to its end, and
// Session.lost after the second.
type driver interface {
	// start begins, in both directions: what came along with the handshake is
	// handled like anything else, and something may wait to be written. Called
	// once; close may come before.
	start()
	// flush says that something waits to be written. The driver may write it
	// before it returns when alone says that an application is calling which has
	// nobody else to tell; it never waits. Called with no lock held, from any
	// goroutine.
	flush(alone bool)
	// resume says that reading may go on. Called under whatever locks of the
	// socket: it only signals.
	resume()
	// close interrupts both directions. Called once, by abort.
	close()
}
