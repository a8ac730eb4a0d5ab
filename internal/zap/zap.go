// Package zap holds the question that a socket asks before it lets a peer in, and
// the answer: RFC 27, the ZeroMQ Authentication Protocol. It knows nothing of
// sockets; who asks and who answers is told by the packages above.
package zap

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// Endpoint is where the handler of a context answers: a REP, ROUTER or SERVER that
// is bound to it. RFC 27 "ZAP Endpoint".
const Endpoint = "inproc://zeromq.zap.01"

// ErrNoHandler: there is nobody to ask. Whether the peer is let in all the same is
// for its mechanism to say.
var ErrNoHandler = errors.New("no ZAP handler")

// Statuses of a [Reply]. RFC 27 "Status Codes".
const (
	StatusOK        = 200 // let in
	StatusTemporary = 300 // not now; the peer is told nothing and may try again
	StatusDenied    = 400 // who it says it is does not do
	StatusInternal  = 500 // the handler has failed
)

// Request is what the handler is asked about a peer. RFC 27 "The Request Command".
type Request struct {
	// Domain is what the socket calls itself towards the handler.
	Domain string
	// Address is where the peer is: a numeric IP address, or
	// "localhost:uid:gid:pid" for ipc.
	Address string
	// Identity is the socket's own routing id, as libzmq has it, not the peer's.
	Identity []byte
	// Mechanism is the name of the mechanism: NULL, PLAIN, CURVE or GSSAPI.
	Mechanism string
	// Credentials are none for NULL, user and password for PLAIN, the peer's
	// long-term public key for CURVE, the principal for GSSAPI.
	Credentials [][]byte `json:"-"`
	// Certificates are the chain by which the peer has proven who it is below the
	// mechanism, by TLS; nil if it has not. They are for whoever is asked within the
	// process: no frame of RFC 27 carries them.
	Certificates []*x509.Certificate `json:"-"`
}

// Format writes a request without its credentials, whatever the verb: a password
// must not find its way into a log.
func (r Request) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s peer at %s for domain %q", r.Mechanism, r.Address, r.Domain) // f tells of its own errors
}

// Reply is the handler's answer. RFC 27 "The Reply Command".
type Reply struct {
	// Status is one of 200, 300, 400 and 500.
	Status int
	// Text says more, for people.
	Text string
	// UserID is the name that the peer has from now on.
	UserID string
	// Metadata are properties to be attached to the peer, in the encoding of
	// ZMTP; they are not sent to it.
	Metadata []byte
}
