package zmtp

import (
	"bytes"
	"encoding/binary"
)

// Sizes of what opens a connection, in octets.
const (
	// GreetingSize is the size of a greeting of 3.0 and later.
	GreetingSize = 64
	// OldGreetingSize is the size of a greeting of 2.0 and of revision 0.
	OldGreetingSize = 12
	// SignatureSize is the size of the signature that begins either.
	SignatureSize = 10
	// MaxMechanism is the size of the longest mechanism name.
	MaxMechanism = 20
)

const (
	signatureStart = 0xff
	signatureEnd   = 0x7f

	majorOffset     = 10
	minorOffset     = 11
	mechanismOffset = 12
	asServerOffset  = 32

	// Versions that we announce.
	major, minor = 3, 1
)

// Greeting is what a 3.x peer says first. RFC 37 "The Greeting".
type Greeting struct {
	// Major and Minor are the version. When appending, a zero Major stands for
	// 3.1, whatever Minor is.
	Major, Minor byte

	// Mechanism is the name of the security mechanism, such as "NULL", without
	// padding. Names are compared exactly.
	Mechanism string

	// AsServer is the server's role in PLAIN and CURVE, as the RFC has it. libzmq
	// always sends false and ignores what it gets, so nothing can rest on it.
	AsServer bool
}

// AppendSignature appends the ten octets that open every connection.
//
// To a 1.0 peer without a version they are the header of our identity frame in
// long form, so the padding holds routingIDLen+1 and the identity's octets follow
// if such a peer turns up. Others ignore the padding.
func AppendSignature(b []byte, routingIDLen int) []byte {
	b = append(b, signatureStart)
	b = binary.BigEndian.AppendUint64(b, uint64(routingIDLen)+1)
	return append(b, signatureEnd)
}

// AppendGreeting appends the 64 octets of g, signature included. It panics when
// the mechanism's name is longer than MaxMechanism.
func AppendGreeting(b []byte, g Greeting, routingIDLen int) []byte {
	if len(g.Mechanism) > MaxMechanism {
		panic("zmtp: mechanism name longer than 20 octets")
	}
	if g.Major == 0 {
		g.Major, g.Minor = major, minor
	}
	b = AppendSignature(b, routingIDLen)
	b = append(b, g.Major, g.Minor)
	start := len(b)
	b = append(b, make([]byte, GreetingSize-mechanismOffset)...)
	copy(b[start:], g.Mechanism)
	if g.AsServer {
		b[start+asServerOffset-mechanismOffset] = 1
	}
	return b
}

// ParseGreeting reads the 64 octets that open a 3.x connection; what follows them
// in b is left alone. It returns ErrShort when b may still become a greeting, and
// ErrSignature, ErrVersion or ErrMechanismName when it cannot. Padding and filler
// are not looked at, nor is an as-server octet other than 1 an error.
func ParseGreeting(b []byte) (Greeting, error) {
	if len(b) > 0 && b[0] != signatureStart ||
		len(b) >= SignatureSize && b[SignatureSize-1]&1 == 0 {
		return Greeting{}, breach(ErrSignature, 0, b)
	}
	if len(b) > majorOffset && b[majorOffset] < 2 {
		return Greeting{}, breach(ErrVersion, 0, b)
	}
	if len(b) < GreetingSize {
		return Greeting{}, ErrShort
	}
	field := b[mechanismOffset : mechanismOffset+MaxMechanism]
	name := bytes.TrimRight(field, "\x00")
	if len(name) == 0 || !allMechanismChars(name) {
		return Greeting{}, breach(ErrMechanismName, CodeMechanismMismatch, field)
	}
	return Greeting{
		Major:     b[majorOffset],
		Minor:     b[minorOffset],
		Mechanism: string(name),
		AsServer:  b[asServerOffset] == 1,
	}, nil
}

// allMechanismChars says whether a name is made of what RFC 37 allows.
func allMechanismChars(name []byte) bool {
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '+':
		default:
			return false
		}
	}
	return true
}

// AppendOldGreeting appends the 12 octets that answer a peer of revision 0 or 1:
// a signature, our own major version and our socket type by its number in the API.
func AppendOldGreeting(b []byte, socketType byte, routingIDLen int) []byte {
	return append(AppendSignature(b, routingIDLen), major, socketType)
}

// ParseOldGreeting reads the 12 octets of a peer of revision 0 or 1, and returns
// the number of the socket type that it names, which libzmq never checks. It
// returns ErrShort, ErrSignature, or ErrVersion when the revision is a later one.
func ParseOldGreeting(b []byte) (socketType byte, err error) {
	if len(b) > 0 && b[0] != signatureStart ||
		len(b) >= SignatureSize && b[SignatureSize-1]&1 == 0 {
		return 0, breach(ErrSignature, 0, b)
	}
	if len(b) > majorOffset && b[majorOffset] > 1 {
		return 0, breach(ErrVersion, 0, b)
	}
	if len(b) < OldGreetingSize {
		return 0, ErrShort
	}
	return b[OldGreetingSize-1], nil
}

// GreetingDue returns how many octets of our own greeting may have left once the
// octets b have come from the peer. It is what keeps older peers reachable, and
// two peers that both wait for each other from waiting for ever:
//
//	10  at first: the signature, which a 1.0 peer takes for the identity's header
//	11  the peer's signature has come; the octet is our major version
//	12  the peer is of revision 0 or 1: the rest is our socket type
//	64  the peer is of 3.0 or later
//
// The first eleven octets of AppendGreeting and AppendOldGreeting are the same.
func GreetingDue(b []byte) int {
	switch {
	case len(b) < SignatureSize || b[0] != signatureStart || b[SignatureSize-1]&1 == 0:
		return SignatureSize
	case len(b) <= majorOffset:
		return SignatureSize + 1
	case b[majorOffset] < 2:
		return OldGreetingSize
	}
	return GreetingSize
}
