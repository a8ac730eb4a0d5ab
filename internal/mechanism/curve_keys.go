package mechanism

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// The ways in which long-term keys can be wrong. The texts do not show them.
var (
	// ErrCurveSecret: a secret key of zeros, which is one that was not set.
	ErrCurveSecret = errors.New("CURVE: no secret key")
	// ErrCurvePair: the public key is not that of the secret key.
	ErrCurvePair = errors.New("CURVE: public and secret key are not a pair")
	// ErrCurveServer: the server's key is no public key.
	ErrCurveServer = errors.New("CURVE: the server's key is not a public key")
)

// CurveKeys are the long-term keys of a socket, in the form in which they are
// computed with. Made once, they serve all its connections, at the same time too.
// RFC 26 "Overall Operation of CurveZMQ".
type CurveKeys struct {
	own    *ecdh.PrivateKey
	public [keySize]byte
	server *ecdh.PublicKey // nil for a server

	// Random fills b with random octets, for short-term keys and nonces, and Now is
	// the clock. Nil: crypto/rand and time.Now. They are for tests, which replay what
	// others have drawn.
	//
	// A client draws its short-term key for HELLO and 16 octets for INITIATE; a
	// server, for WELCOME, its short-term key, the key of the cookie, 16 octets for
	// the cookie and 16 for WELCOME.
	Random func(b []byte)
	Now    func() time.Time
}

// NewCurveServerKeys returns the keys of a server, which needs its secret key only.
// The error is ErrCurveSecret, or that of crypto/ecdh where a policy of the process
// forbids these keys.
func NewCurveServerKeys(secret [keySize]byte) (*CurveKeys, error) {
	if secret == [keySize]byte{} {
		return nil, ErrCurveSecret
	}
	own, err := ecdh.X25519().NewPrivateKey(secret[:])
	clear(secret[:])
	if err != nil {
		return nil, fmt.Errorf("CURVE: %w", err)
	}
	return &CurveKeys{own: own, public: [keySize]byte(own.PublicKey().Bytes())}, nil
}

// NewCurveClientKeys returns the keys of a client: its own pair, and the server's
// public key. A public key of zeros was not set, and that of the secret key is
// taken. The error is ErrCurveSecret, ErrCurvePair, ErrCurveServer, or that of
// crypto/ecdh as with [NewCurveServerKeys].
func NewCurveClientKeys(public, secret, server [keySize]byte) (*CurveKeys, error) {
	k, err := NewCurveServerKeys(secret)
	clear(secret[:])
	if err != nil {
		return nil, err
	}
	if public != [keySize]byte{} && public != k.public {
		return nil, ErrCurvePair
	}
	if k.server, err = ecdh.X25519().NewPublicKey(server[:]); err != nil {
		return nil, fmt.Errorf("CURVE: %w", err)
	}
	var both boxKey
	defer clear(both[:])
	if both.agree(k.own, k.server) != nil {
		return nil, ErrCurveServer
	}
	return k, nil
}

// Public returns the public key of the pair.
func (k *CurveKeys) Public() [keySize]byte { return k.public }

// Format writes the role alone, whatever the verb: there is a secret inside.
func (k *CurveKeys) Format(f fmt.State, _ rune) {
	role := "server"
	if k.server != nil {
		role = "client"
	}
	_, _ = fmt.Fprintf(f, "keys of a CURVE %s", role) // f tells of its own errors
}

func (k *CurveKeys) draw(b []byte) {
	if k.Random != nil {
		k.Random(b)
		return
	}
	_, _ = rand.Read(b) // it never fails: the program would end
}

func (k *CurveKeys) now() time.Time {
	if k.Now != nil {
		return k.Now()
	}
	return time.Now()
}
