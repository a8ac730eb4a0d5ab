// Package zmtp reads and writes the octets of ZMTP, the protocol that ZeroMQ
// peers speak over a byte stream: versions 3.1, 3.0, 2.0 and 1.0.
//
// The package is pure. It opens no connection, starts no goroutine, reads no
// clock and imports nothing but the standard library; octets come in as slices
// and go out by appending to slices. It knows how a greeting, a frame, a command
// and a list of properties are spelled. It does not know in which order peers
// exchange them: that is the work of mechanisms and engines.
//
// Each rule of RFC 37 "Formal Grammar" has one file. Where libzmq, which nearly
// every peer runs, differs from the RFC, the code follows libzmq and says so.
//
//	connection  ::= greeting handshake traffic      greeting.go, version.go
//	greeting    ::= signature version mechanism as-server filler   64 octets
//	signature   ::= FF padding(8) 7F
//	handshake   ::= commands, as the mechanism says
//	traffic     ::= (message | command)...
//	message     ::= frame(MORE)... frame            frame.go, frame_v1.go
//	command     ::= frame(COMMAND) holding: name-size name data    command.go
//	READY data  ::= property...                     metadata.go
//	property    ::= name-size name value-size(4) value
//
// [Decoder] cuts a stream into frames, whatever segments it arrives in.
// Everything that octets can do wrong is listed in errors.go.
//
// # Older peers
//
// A peer that speaks 2.0 or 1.0 sends a greeting of 12 octets, or none, then one
// frame with its identity, then messages; there are no commands and no mechanism.
// [Detect] tells which of them is at the other end, and the methods of [Version]
// tell what follows from that.
//
// # Safety
//
// Nothing that a peer sends makes this package panic, or ask for memory ahead of
// the octets that it really sent by more than 64 KiB. A panic means that the
// caller itself broke a rule that it can always keep, such as a command name of
// 300 octets, and its text says which.
//
// The package is public so that it can be used and fuzzed alone; until version
// 1.0 its interface may change.
package zmtp
