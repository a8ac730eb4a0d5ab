package mechanism

import (
	"bytes"
	"crypto/ecdh"
	"crypto/subtle"
	"encoding/binary"
	"time"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // CURVE is made of it; nothing newer will do
)

// Sizes in octets. RFC 26 "CurveZMQ Commands".
const (
	keySize        = 32
	shortNonceSize = 8
	longNonceSize  = 16
	cookiePlain    = 2 * keySize
	cookieSize     = longNonceSize + secretbox.Overhead + cookiePlain
	vouchPlain     = 2 * keySize
	vouchSize      = longNonceSize + secretbox.Overhead + vouchPlain
)

// What stands before the nonce of a command, which with it makes one of 24 octets. No
// two commands share a prefix, and neither do the two directions of MESSAGE: so the
// counters of both sides may have the same value under the same key.
const (
	prefixHello    = "CurveZMQHELLO---"
	prefixWelcome  = "WELCOME-"
	prefixCookie   = "COOKIE--"
	prefixInitiate = "CurveZMQINITIATE"
	prefixVouch    = "VOUCH---"
	prefixReady    = "CurveZMQREADY---"
	prefixClient   = "CurveZMQMESSAGEC"
	prefixServer   = "CurveZMQMESSAGES"
)

// boxKey opens and closes the boxes between two parties: made of the secret key of
// the one and the public key of the other it is the same for both. NaCl calls it
// precomputed.
type boxKey [keySize]byte

// agree makes the key of our secret key and the peer's public one. It returns
// ErrPoint for a public key of small order. Nothing else can go wrong: keys are
// checked where they are parsed.
func (k *boxKey) agree(own *ecdh.PrivateKey, peer *ecdh.PublicKey) error {
	shared, err := own.ECDH(peer)
	if err != nil {
		return ErrPoint
	}
	var zeros [16]byte
	salsa.HSalsa20((*[keySize]byte)(k), &zeros, (*[keySize]byte)(shared), &salsa.Sigma)
	clear(shared)
	return nil
}

// seal appends a box, which is secretbox.Overhead octets longer than plain. The two
// must not overlap.
func (k *boxKey) seal(dst, plain []byte, n *nonce) []byte {
	return secretbox.Seal(dst, plain, (*[nonceSize]byte)(n), (*[keySize]byte)(k))
}

// open appends what is in a box. Nothing is appended when it does not open.
func (k *boxKey) open(dst, box []byte, n *nonce) (out []byte, ok bool) {
	out, ok = secretbox.Open(dst, box, (*[nonceSize]byte)(n), (*[keySize]byte)(k))
	if !ok {
		return dst, false
	}
	return out, true
}

const nonceSize = 24

// nonce is a number that is used once with a key.
type nonce [nonceSize]byte

// shortNonce makes a nonce of a prefix of 16 octets and a number that counts up.
func shortNonce(prefix string, number uint64) (n nonce) {
	copy(n[:], prefix)
	binary.BigEndian.PutUint64(n[nonceSize-shortNonceSize:], number)
	return n
}

// longNonce makes a nonce of a prefix of 8 octets and 16 that were drawn at random.
func longNonce(prefix string, drawn []byte) (n nonce) {
	copy(n[:], prefix)
	copy(n[nonceSize-longNonceSize:], drawn)
	return n
}

// newShortTerm draws a short-term key. What crypto/ecdh keeps of it cannot be wiped,
// only let go.
func newShortTerm(draw func(b []byte)) (*ecdh.PrivateKey, error) {
	var drawn [keySize]byte
	draw(drawn[:])
	defer clear(drawn[:])
	return ecdh.X25519().NewPrivateKey(drawn[:])
}

// same compares in constant time.
func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// cookieLife is how long a client may take to return a cookie. RFC 26 "The WELCOME
// Command" proposes as much for a server that forgets the client meanwhile.
const cookieLife = time.Minute

// pledge is what a server keeps of a client between WELCOME and INITIATE: the key
// of the cookie that it gave the client, its own short-term key, which the cookie has
// too, and the time. Of the client it keeps nothing; C' is in the cookie alone.
//
// The short-term key could be read back from the cookie as well. It stays since
// crypto/ecdh would multiply once more to take it up again, 85 µs in every
// handshake, for the sake of some 200 octets.
type pledge struct {
	key       boxKey
	shortTerm *ecdh.PrivateKey
	given     time.Time
}

// appendCookie appends a cookie for a client's C', which nobody but the pledge can
// open. Each call makes another key.
func (p *pledge) appendCookie(dst []byte, client *ecdh.PublicKey, draw func(b []byte), now time.Time) []byte {
	draw(p.key[:])
	p.given = now
	var plain [cookiePlain]byte
	copy(plain[:], client.Bytes())
	secret := p.shortTerm.Bytes()
	copy(plain[keySize:], secret)
	clear(secret)
	defer clear(plain[:])

	var drawn [longNonceSize]byte
	draw(drawn[:])
	n := longNonce(prefixCookie, drawn[:])
	return p.key.seal(append(dst, drawn[:]...), plain[:], &n)
}

// redeem opens a cookie and returns C'. It works once: whatever the outcome, the key
// of the cookie is gone afterwards. ok is false for a cookie that is not the one that
// was given, that has another short-term key inside, or that is too old.
func (p *pledge) redeem(cookie []byte, now time.Time) (client []byte, ok bool) {
	defer clear(p.key[:])
	var plain [cookiePlain]byte
	defer clear(plain[:])
	n := longNonce(prefixCookie, cookie[:longNonceSize])
	if _, ok := p.key.open(plain[:0], cookie[longNonceSize:], &n); !ok {
		return nil, false
	}
	secret := p.shortTerm.Bytes()
	defer clear(secret)
	if !same(plain[keySize:], secret) || now.Sub(p.given) > cookieLife {
		return nil, false
	}
	return bytes.Clone(plain[:keySize]), true
}

// appendVouch appends the proof that who has the secret key of C has that of C',
// too, and means to talk to the server S: a box of both by C for S'.
func appendVouch(dst []byte, vouch *boxKey, client, server, drawn []byte) []byte {
	plain := append(append(make([]byte, 0, vouchPlain), client...), server...)
	n := longNonce(prefixVouch, drawn)
	return vouch.seal(append(dst, drawn...), plain, &n)
}

// openVouch opens such a proof and returns C' and S.
func openVouch(vouch *boxKey, proof []byte) (client, server []byte, ok bool) {
	n := longNonce(prefixVouch, proof[:longNonceSize])
	plain, ok := vouch.open(make([]byte, 0, vouchPlain), proof[longNonceSize:], &n)
	if !ok {
		return nil, nil, false
	}
	return plain[:keySize], plain[keySize:], true
}
