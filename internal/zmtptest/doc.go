// Package zmtptest is the other side in tests: a peer that follows a script, a
// peer that repeats what libzmq once said, and connections that break, stall and
// split on demand. Nothing in it sleeps or asks for the time on its own account,
// so all of it works in a bubble of testing/synctest.
//
//   - [Peer] follows a [Script] over any connection.
//   - [Vector] is a recorded conversation of libzmq, which a Peer replays.
//   - [Flaky] is a connection with faults.
//
// # Scripts
//
// A script is text that anybody can read. Each line is one act; what stands behind
// a # is for the reader.
//
//	send   UNIT     write it; what the other side does meanwhile does not matter
//	expect UNIT     read it, or fail; it must be written as we would write it
//	send   eof      end our direction; close, where a connection has no half
//	expect eof      read the end of the stream, with nothing before it
//	expect silence 5s   nothing may come for so long; for bubbles
//	close           close the connection, when all is written
//
// A unit is one of these. Words in capitals stand for what is to be filled in,
// brackets for what may be left out, and STRING is a string of Go, in quotes.
//
//	hex OCTETS...            octets as they are: hex 04 1a05
//	text STRING              the same, as a string
//	greeting [3.1] [NULL] [as-server]   64 octets
//	old-greeting REVISION TYPE          12 octets: old-greeting 1 PUSH
//	frame [more] [command] [long] BODY  a frame of 2.0 and later
//	frame1 [more] [long] BODY           a frame of 1.0
//	command NAME BODY        a command of that name
//	ready [TYPE] [NAME=STRING]...       ready DEALER Identity="me" X-a="1"
//	error STRING             the ERROR command, with a reason
//	ping TENTHS BODY         with a time to live in tenths of a second
//	pong BODY
//	subscribe BODY, cancel BODY, join BODY, leave BODY
//
// A BODY may be a STRING, "hex OCTETS...", "size N" for N times the letter x, or
// nothing at all. The long form of a frame is taken by itself where it is needed;
// "long" asks for it where it is not.
//
// Of a greeting that is expected padding and filler are not compared, of
// everything else each octet is.
package zmtptest
