package zmq

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"sync/atomic"

	"zeromux/internal/mechanism"
	"zeromux/z85"
)

// Sizes of a CURVE key, public or secret.
const (
	// CurveKeySize is in octets.
	CurveKeySize = 32
	// CurveKeyTextSize is in characters of Z85.
	CurveKeyTextSize = 40
)

// A CurvePublicKey is the long-term public key of a peer: who knows it can tell that
// peer from any other. It may be shown to everybody. The zero value is no key.
// RFC 26 "Cryptographic Keys". libzmq: ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SERVERKEY.
type CurvePublicKey [CurveKeySize]byte

// A CurveSecretKey is the secret that belongs to a CurvePublicKey. The zero value is no
// key. It is made by [NewCurveKeyPair] and [ParseCurveSecretKey].
//
// Whatever prints, logs or marshals it shows "[secret]"; only Z85 and Bytes tell what
// it is. Copies share one place in memory, so that == asks whether two are copies of
// one and [CurveSecretKey.Equal] whether they are the same key.
type CurveSecretKey struct {
	// Behind two pointers the key is hidden from package fmt even where that can call
	// no method: within an unexported field. It follows one.
	pair **curvePair
}

// curvePair is what a CurveSecretKey stands for. The keys do not change.
type curvePair struct {
	secret [CurveKeySize]byte
	public CurvePublicKey

	// parsed are the keys as a mechanism computes with them, and for whom, as they were
	// asked for last: that takes time, and there may be a socket for every message.
	parsed atomic.Pointer[curveParsed]
}

// curveParsed are parsed keys: of a server, if it has no other's.
type curveParsed struct {
	server CurvePublicKey
	keys   *mechanism.CurveKeys
}

// NewCurveKeyPair makes a new pair of keys. It fails only where the program may use no
// cryptography but that of FIPS 140. libzmq: zmq_curve_keypair.
func NewCurveKeyPair() (public CurvePublicKey, secret CurveSecretKey, err error) {
	var octets [CurveKeySize]byte
	defer clear(octets[:])
	_, _ = rand.Read(octets[:]) // which never fails
	secret, err = newCurveSecretKey(octets[:])
	return secret.PublicKey(), secret, err
}

// newCurveSecretKey makes the key of 32 octets.
func newCurveSecretKey(octets []byte) (CurveSecretKey, error) {
	key, err := ecdh.X25519().NewPrivateKey(octets)
	if err != nil {
		return CurveSecretKey{}, err
	}
	pair := &curvePair{public: CurvePublicKey(key.PublicKey().Bytes())}
	copy(pair.secret[:], octets)
	return CurveSecretKey{&pair}, nil
}

// ParseCurvePublicKey reads a key in any of the forms that libzmq's options take: 32
// octets, 40 characters of Z85, or those and a NUL. The error wraps ErrInvalid; a key
// that is all zeros, which libzmq takes and nobody can have, is one as well.
func ParseCurvePublicKey[T []byte | string](key T) (k CurvePublicKey, err error) {
	err = readCurveKey(k[:], []byte(key), "public")
	return k, err
}

// ParseCurveSecretKey is ParseCurvePublicKey for a secret key. The error does not
// contain it, nor parts of it.
func ParseCurveSecretKey[T []byte | string](key T) (CurveSecretKey, error) {
	var octets [CurveKeySize]byte
	defer clear(octets[:])
	if err := readCurveKey(octets[:], []byte(key), "secret"); err != nil {
		return CurveSecretKey{}, err
	}
	return newCurveSecretKey(octets[:])
}

// readCurveKey reads a key into the 32 octets of k, which is all zeros where it has an
// error.
func readCurveKey(k, key []byte, which string) error {
	switch n := len(key); {
	case n == CurveKeySize:
		copy(k, key)
	case n == CurveKeyTextSize, n == CurveKeyTextSize+1 && key[n-1] == 0:
		return readCurveText(k, key[:CurveKeyTextSize], which)
	default:
		return fmt.Errorf("%w: a CURVE %s key of %d octets%s, must be 32 octets, 40 characters of Z85, or those and a NUL",
			ErrInvalid, which, n, lineEnd(key))
	}
	return checkCurveKey(k, which)
}

// readCurveText reads a key of 40 characters.
func readCurveText(k, text []byte, which string) error {
	if len(text) != CurveKeyTextSize {
		return fmt.Errorf("%w: a CURVE %s key of %d characters%s, must be 40 of Z85", ErrInvalid, which, len(text), lineEnd(text))
	}
	if _, err := z85.Decode(k, text); err != nil {
		clear(k)
		return fmt.Errorf("%w: a CURVE %s key: %w", ErrInvalid, which, err)
	}
	return checkCurveKey(k, which)
}

// lineEnd says so where a key ends with an end of line, as what is read from a file does.
func lineEnd(key []byte) string {
	if n := len(key); n > 0 && key[n-1] == '\n' {
		return ", of which the last is an end of line"
	}
	return ""
}

// checkCurveKey refuses the key that stands for none.
func checkCurveKey(k []byte, which string) error {
	var none [CurveKeySize]byte
	if subtle.ConstantTimeCompare(k, none[:]) == 1 {
		return fmt.Errorf("%w: a CURVE %s key that is all zeros", ErrInvalid, which)
	}
	return nil
}

// IsZero reports whether there is no key.
func (k CurvePublicKey) IsZero() bool { return k == CurvePublicKey{} }

// String returns the key as 40 characters of Z85, or "" where there is none.
func (k CurvePublicKey) String() string {
	if k.IsZero() {
		return ""
	}
	return curveText(k[:])
}

// MarshalText returns String.
func (k CurvePublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads 40 characters of Z85, or no key from no characters. The error
// wraps ErrInvalid.
func (k *CurvePublicKey) UnmarshalText(text []byte) error {
	var read CurvePublicKey
	if len(text) > 0 {
		if err := readCurveText(read[:], text, "public"); err != nil {
			return err
		}
	}
	*k = read
	return nil
}

// curveText is a key as Z85.
func curveText(k []byte) string {
	text, _ := z85.EncodeToString(k) // 32 octets are whole groups
	return text
}

// IsZero reports whether there is no key.
func (k CurveSecretKey) IsZero() bool { return k.pair == nil }

// PublicKey returns the public key that belongs to it, or none. libzmq:
// zmq_curve_public.
func (k CurveSecretKey) PublicKey() CurvePublicKey {
	if k.pair == nil {
		return CurvePublicKey{}
	}
	return (*k.pair).public
}

// Bytes returns the secret itself: 32 octets, which are the caller's, or nil.
func (k CurveSecretKey) Bytes() []byte {
	if k.pair == nil {
		return nil
	}
	octets := (*k.pair).secret
	return octets[:]
}

// Z85 returns the secret itself: 40 characters, or "".
func (k CurveSecretKey) Z85() string {
	if k.pair == nil {
		return ""
	}
	return curveText((*k.pair).secret[:])
}

// Equal reports whether both are the same key, or both none, and takes no longer for
// one that is nearly right.
func (k CurveSecretKey) Equal(other CurveSecretKey) bool {
	if k.pair == nil || other.pair == nil {
		return k == other
	}
	return subtle.ConstantTimeCompare((*k.pair).secret[:], (*other.pair).secret[:]) == 1
}

// is reports whether somebody has taken the secret itself for a public key.
func (k CurveSecretKey) is(public CurvePublicKey) bool {
	return k.pair != nil && subtle.ConstantTimeCompare((*k.pair).secret[:], public[:]) == 1
}

// String returns "[secret]", or "" where there is no key.
func (k CurveSecretKey) String() string {
	if k.pair == nil {
		return ""
	}
	return hidden
}

// GoString is String.
func (k CurveSecretKey) GoString() string { return k.String() }

// Format writes String for every verb of package fmt.
func (k CurveSecretKey) Format(f fmt.State, _ rune) { writeHidden(f, k.String()) }

// LogValue is String, for package log/slog.
func (k CurveSecretKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns String: a dump of a configuration tells that there is a key and
// not which.
func (k CurveSecretKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads 40 characters of Z85, or no key from no characters. The error
// wraps ErrInvalid and does not contain the text, but for "[secret]": that is from a dump.
func (k *CurveSecretKey) UnmarshalText(text []byte) error {
	switch string(text) {
	case "":
		*k = CurveSecretKey{}
		return nil
	case hidden:
		return errHidden()
	}
	var octets [CurveKeySize]byte
	defer clear(octets[:])
	err := readCurveText(octets[:], text, "secret")
	if err != nil {
		return err
	}
	read, err := newCurveSecretKey(octets[:])
	if err != nil {
		return err
	}
	*k = read
	return nil
}
