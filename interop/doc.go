// Package interop holds tests alone: zeromux beside other implementations of
// ZeroMQ, each in a process of its own.
//
// The other side is a small program in testdata that is told, line by line,
// what to do: peer.py over libzmq through pyzmq, JeromqPeer.java over JeroMQ.
// Each answers when it has done so, hence no test has to guess how long
// something takes. A test whose program cannot run is skipped and says why;
// with CI or ZEROMUX_REQUIRE_INTEROP in the environment it fails instead.
// ZEROMUX_PYTHON names the Python interpreter to use.
package interop
