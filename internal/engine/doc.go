// Package engine carries the messages of a socket's pipes over connections.
//
// # The walk of a message
//
// Out:
//  1. A pattern writes into a pipe (package pipe). When nobody writes the
//     connection the pipe says so: session.go, OutReady.
//  2. When the connection is quiet the sender writes it itself; otherwise the
//     driver has it written: flush.go.
//  3. Whoever writes takes everything that waits in one go and asks the connection
//     for octets: outbound in connection.go. For a peer of 3.1 they are those
//     of the pipe, untouched (zmtp.go); for older peers they are written anew
//     (transcode.go), for STREAM they lose their headers (raw.go).
//  4. written lets go of what the system has accepted, and the pipe tells its
//     socket of the room.
//
// In:
//  1. The driver, or an application in its place (direct.go), reads into a chunk:
//     inbound.space.
//  2. received walks the headers of what was read, hands every run of whole
//     messages to the pipe as one span and answers commands: zmtp.go.
//  3. At the high-water mark reading pauses; the pipe says when there is room
//     again: session.go, InRoom.
//
// # A connection's life
//
// dial.go and accept.go open connections, handshake.go finds out what the peer
// speaks and who it is, after secure.go has done so where the connection is one of
// TLS, session.go joins connections to a pipe, one after the other when the socket
// connected, and ends them.
//
// # Goroutines
//
// Listening, dialling and shaking hands are straight-line code on goroutines
// of their own, which end when the connection is established. After that the
// driver of the connection owns it (driver.go). The only connection of a socket
// has a goroutine that the Go runtime parks (parked.go) while no application reads
// in its place; further ones share the two goroutines of a loop (loop.go); what is
// no descriptor has one for each direction (stream.go). Timers are on one wheel
// (timer.go).
//
// The package knows neither patterns nor sockets: what it needs of them it
// gets as plain values (Config) and asks through Host.
package engine
