package mechanism

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"

	"golang.org/x/crypto/nacl/secretbox"

	"zeromux/zmtp"
)

// NameCurve is the name of the mechanism of CurveZMQ 1.0: the server is known by its
// public key, the client by its own, and nobody else can read what they say or
// change it unnoticed.
//
//	client                                   server
//	HELLO     C', box(zeros)   C' to S
//	          box(S', cookie)  S to C'       WELCOME
//	INITIATE  cookie, box(C, vouch, properties)  C' to S'
//	          box(properties)  S' to C'      READY, or ERROR in clear
//	MESSAGE   box(flags, body), in both directions
//
// C and S are the long-term keys, C' and S' those of the connection. RFC 25, RFC 26.
const NameCurve = "CURVE"

// messageHead is the name of MESSAGE, with its size before it.
const messageHead = "\x07MESSAGE"

// Sizes of the commands in octets, and where in them something begins. INITIATE,
// READY and MESSAGE are as much and more. RFC 26 "High-level Grammar".
const (
	helloVersion = 6
	helloPadding = helloVersion + 2
	helloClient  = helloPadding + 72
	helloNonce   = helloClient + keySize
	helloBox     = helloNonce + shortNonceSize
	helloPlain   = 64
	helloSize    = helloBox + secretbox.Overhead + helloPlain // 200

	welcomeNonce = 8
	welcomeBox   = welcomeNonce + longNonceSize
	welcomePlain = keySize + cookieSize
	welcomeSize  = welcomeBox + secretbox.Overhead + welcomePlain // 168

	initiateCookie = 9
	initiateNonce  = initiateCookie + cookieSize
	initiateBox    = initiateNonce + shortNonceSize
	initiatePlain  = keySize + vouchSize
	initiateSize   = initiateBox + secretbox.Overhead + initiatePlain // 257

	readyNonce = 6
	readyBox   = readyNonce + shortNonceSize
	readySize  = readyBox + secretbox.Overhead // 30

	messageNonce = 8
	messageBox   = messageNonce + shortNonceSize
	messageSize  = messageBox + secretbox.Overhead + 1 // 33
)

// curveVersion is 1.0.
const curveVersion = "\x01\x00"

// The ways in which boxes can be wrong, within a *zmtp.ProtocolError.
var (
	// ErrBox: a box does not open, or what opened it holds what it must not: another
	// key was used, or somebody changed it. In the HELLO that a server takes it is
	// the client that has the wrong key of the server.
	ErrBox = errors.New("a box that does not open")
	// ErrPoint: a public key with which every secret key makes the same.
	ErrPoint = errors.New("not a public key")
	// ErrCookie: a cookie that is not the one of this connection, or too old.
	ErrCookie = errors.New("not the cookie of this connection")
	// ErrSequence: a nonce that is not greater than the last one.
	ErrSequence = errors.New("a nonce out of sequence")
	// ErrVouch: a client that vouches for other keys than those that are in use.
	ErrVouch = errors.New("vouch for other keys")
)

// ErrNonces: a side has sent as much as its keys allow: 2^64-2 commands. The
// connection has to end. RFC 26 "The HELLO Command".
var ErrNonces = errors.New("CURVE: no nonces left")

// errNoKey is for Seal and Open before the handshake is done and after Close.
var errNoKey = errors.New("CURVE: no key")

// maxNonce is the last nonce that a side may use.
const maxNonce = math.MaxUint64 - 1

// sealedTraffic is what a connection is after the handshake of CURVE.
type sealedTraffic struct {
	key     boxKey // of C' and S'
	hasKey  bool
	outward string // prefixes of the nonces
	inward  string

	sent uint64 // the last nonce that we used
	_    [64]byte
	// What follows belongs to who calls Open, on another core perhaps.
	heard  uint64 // the last nonce that the peer used
	failed error  // sticks
}

func (*sealedTraffic) Sealed() bool { return true }

// Flags within a box. FlagCommand has another place there than in a frame.
const (
	innerMore    = 1
	innerCommand = 2
)

// smallPlain is the largest body that is made ready for its box on the stack.
const smallPlain = 512

// maxKept is the largest memory, in octets, that is kept for the next body.
const maxKept = 1 << 20

// plains holds memory in which bodies are made ready.
var plains = sync.Pool{New: func() any { return new([]byte) }}

// Seal appends a MESSAGE, 33 octets longer than body. It takes no memory when dst has
// room for it. The error is ErrNonces.
func (t *sealedTraffic) Seal(dst []byte, f zmtp.Flags, body []byte) ([]byte, error) {
	switch {
	case !t.hasKey:
		return dst, errNoKey
	case t.sent >= maxNonce:
		return dst, ErrNonces
	}
	var inner byte
	if f&zmtp.FlagMore != 0 {
		inner |= innerMore
	}
	if f&zmtp.FlagCommand != 0 {
		inner |= innerCommand
	}
	dst = append(slices.Grow(dst, messageSize+len(body)), messageHead...)
	dst, n := t.number(dst, t.outward)

	if len(body) < smallPlain {
		var small [smallPlain]byte
		small[0] = inner
		return t.key.seal(dst, small[:1+copy(small[1:], body)], &n), nil
	}
	plain := plains.Get().(*[]byte)
	*plain = append(append((*plain)[:0], inner), body...)
	dst = t.key.seal(dst, *plain, &n)
	if cap(*plain) <= maxKept {
		plains.Put(plain)
	}
	return dst, nil
}

// Open takes a MESSAGE apart, in whatever frame it came: libzmq sends it as a message,
// RFC 26 calls it a command. It takes no memory when dst has room for one octet more
// than the body has. dst and body must not overlap. After an error every Open returns
// it again.
func (t *sealedTraffic) Open(dst, body []byte) (zmtp.Flags, []byte, error) {
	if t.failed != nil {
		return 0, dst, t.failed
	}
	f, out, err := t.open(dst, body)
	if err != nil {
		t.failed = err
		return 0, dst, err
	}
	return f, out, nil
}

func (t *sealedTraffic) open(dst, body []byte) (zmtp.Flags, []byte, error) {
	switch {
	case !t.hasKey:
		return 0, nil, errNoKey
	case !wellFormed(body):
		return 0, nil, breach(zmtp.ErrCommand, zmtp.CodeMalformedCommand, body)
	}
	if len(body) < messageNonce || string(body[:messageNonce]) != messageHead {
		return 0, nil, unexpected(body)
	}
	if len(body) < messageSize {
		return 0, nil, breach(zmtp.ErrCommand, zmtp.CodeMalformedMessage, body)
	}
	number := binary.BigEndian.Uint64(body[messageNonce:])
	if number <= t.heard {
		return 0, nil, breach(ErrSequence, zmtp.CodeInvalidSequence, body)
	}
	n := shortNonce(t.inward, number)
	start := len(dst)
	out, ok := t.key.open(slices.Grow(dst, len(body)-messageSize+1), body[messageBox:], &n)
	if !ok {
		return 0, nil, breach(ErrBox, zmtp.CodeCryptographic, body)
	}
	t.heard = number
	var f zmtp.Flags
	if out[start]&innerMore != 0 {
		f |= zmtp.FlagMore
	}
	if out[start]&innerCommand != 0 {
		f |= zmtp.FlagCommand
	}
	copy(out[start:], out[start+1:])
	return f, out[:len(out)-1], nil
}

// number appends the next nonce of this side, short, and returns it in full.
func (t *sealedTraffic) number(b []byte, prefix string) ([]byte, nonce) {
	t.sent++
	return binary.BigEndian.AppendUint64(b, t.sent), shortNonce(prefix, t.sent)
}

// begin lets the traffic begin.
func (t *sealedTraffic) begin() { t.hasKey = true }

// wipe forgets the key.
func (t *sealedTraffic) wipe() {
	clear(t.key[:])
	t.hasKey = false
}
