package zmtp

import "fmt"

// Version is the protocol that a peer speaks, as far as it matters to us. The
// zero value is no version; later versions compare greater.
type Version uint8

// The versions that [Detect] tells apart.
const (
	// V10 is ZMTP 1.0 without a version: no greeting, the identity comes first.
	V10 Version = iota + 1
	// V10Versioned is revision 0: a greeting of 12 octets, then as V10.
	V10Versioned
	// V20 is ZMTP 2.0, revision 1: a greeting of 12 octets, then an identity.
	V20
	// V30 is ZMTP 3.0: a mechanism, and subscriptions as messages.
	V30
	// V31 is ZMTP 3.1: subscriptions are commands. Majors that do not exist yet
	// are taken for it, as libzmq does.
	V31
)

// Detect tells the version of a peer from the first octets that it sent. It
// returns ErrShort until they decide; twelve always do. None of b is consumed:
// from V10Versioned on b begins with a greeting of GreetingSize octets, and with
// V10 all of b belongs to the peer's first frame. RFC 37 "Version Negotiation".
//
// Do not wait for Detect to answer a peer: libzmq sends its twelfth octet only
// when it has seen our eleventh. [GreetingDue] tells what may be sent.
func Detect(b []byte) (Version, error) {
	if len(b) == 0 {
		return 0, ErrShort
	}
	if b[0] != signatureStart {
		return V10, nil
	}
	// FF also begins the long length of a 1.0 frame. Its flags octet then stands
	// where a signature ends, and the lowest bit tells them apart: an identity
	// has no more frames after it.
	if len(b) < SignatureSize {
		return 0, ErrShort
	}
	if b[SignatureSize-1]&1 == 0 {
		return V10, nil
	}
	if len(b) <= majorOffset {
		return 0, ErrShort
	}
	switch b[majorOffset] {
	case 0:
		return V10Versioned, nil
	case 1:
		return V20, nil
	case 3:
		if len(b) <= minorOffset {
			return 0, ErrShort
		}
		if b[minorOffset] == 0 {
			return V30, nil
		}
	}
	return V31, nil
}

// GreetingSize returns how many octets of greeting a peer of this version sends:
// 64, 12, or none.
func (v Version) GreetingSize() int {
	switch {
	case v >= V30:
		return GreetingSize
	case v >= V10Versioned:
		return OldGreetingSize
	}
	return 0
}

// HasHandshake says whether a mechanism's commands follow the greeting. Without
// one, the first frame each way is an identity; its MORE flag means nothing.
func (v Version) HasHandshake() bool { return v >= V30 }

// UsesV1Framing says whether frames are those of 1.0.
func (v Version) UsesV1Framing() bool { return v == V10 || v == V10Versioned }

// HasCommandSubscriptions says whether to send subscriptions as SUBSCRIBE and
// CANCEL commands. If not, they are messages that begin with octet 1 or 0.
// Both forms are accepted from every version.
func (v Version) HasCommandSubscriptions() bool { return v >= V31 }

// HasHeartbeats says whether the peer understands PING. RFC 37 brings it with
// 3.1, libzmq sends it to 3.0 peers as well.
func (v Version) HasHeartbeats() bool { return v >= V30 }

// WantsEverything says whether a publisher takes the peer as subscribed to the
// empty prefix from the beginning.
func (v Version) WantsEverything() bool { return v == V10 }

// String returns the version as in "3.1". The two forms of 1.0 are "1.0
// (unversioned)" and "1.0".
func (v Version) String() string {
	switch v {
	case V10:
		return "1.0 (unversioned)"
	case V10Versioned:
		return "1.0"
	case V20:
		return "2.0"
	case V30:
		return "3.0"
	case V31:
		return "3.1"
	}
	return fmt.Sprintf("Version(%d)", uint8(v))
}
