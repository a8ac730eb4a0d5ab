package zmtp

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrShort says that the octets so far are right but not yet all there. It is
// the one error of this package that more octets can cure.
var ErrShort = errors.New("zmtp: more octets are needed")

// The ways in which octets can be wrong. Each of them is final for the connection
// that brought them. They arrive wrapped in a [*ProtocolError]; test for them with
// errors.Is.
var (
	// ErrSignature: the first ten octets are not those of a greeting.
	ErrSignature = errors.New("not a greeting")

	// ErrVersion: the version octet announces no greeting of 64 octets.
	ErrVersion = errors.New("version older than 3.0")

	// ErrMechanismName: the mechanism field is not a name padded with zeros.
	ErrMechanismName = errors.New("malformed mechanism name")

	// ErrMechanism: the peer names another mechanism than ours.
	// This package does not raise it; it is for whoever compares the two.
	ErrMechanism = errors.New("mechanism mismatch")

	// ErrFrameSize: a size that no frame can have, above 2^63-1, or zero in 1.0
	// where the size counts the flags octet too.
	ErrFrameSize = errors.New("impossible frame size")

	// ErrTooLarge: a frame body larger than the limit, or than memory can be.
	ErrTooLarge = errors.New("frame too large")

	// ErrTooManyFrames: a message of more frames than the limit.
	// This package does not raise it; it is for whoever counts them.
	ErrTooManyFrames = errors.New("too many frames in a message")

	// ErrCommand: a command body in which the name, or what must follow it, does
	// not fit. After the handshake libzmq ignores such commands.
	ErrCommand = errors.New("malformed command")

	// ErrUnexpectedCommand: a well-formed command of another name than the one
	// that is read.
	ErrUnexpectedCommand = errors.New("unexpected command")

	// ErrMetadata: a property list that ends in the middle of a property.
	ErrMetadata = errors.New("malformed metadata")

	// ErrTooManyProperties: a property list of more than MaxProperties.
	ErrTooManyProperties = errors.New("too many properties")
)

// ProtocolError is a breach of the protocol by the peer. It matches its Rule with
// errors.Is, and its Code is what a monitor reports.
type ProtocolError struct {
	// Rule is one of the errors of this package, or of a mechanism.
	Rule error

	// Code is libzmq's number for the breach. Zero means that libzmq has none: it
	// raises no handshake event and just disconnects, as for a frame too large.
	Code ErrorCode

	// Octets is a copy of the beginning of what broke the rule, at most 32 octets.
	Octets []byte
}

// maxErrorOctets is how much of the offending octets an error keeps: enough for a
// person to recognise them.
const maxErrorOctets = 32

// breach makes the error for octets b that break rule. Out of line it keeps its
// callers small.
//
//go:noinline
func breach(rule error, code ErrorCode, b []byte) *ProtocolError {
	return &ProtocolError{Rule: rule, Code: code, Octets: bytes.Clone(b[:min(len(b), maxErrorOctets)])}
}

func (e *ProtocolError) Error() string {
	if len(e.Octets) == 0 {
		return fmt.Sprintf("zmtp: %v", e.Rule)
	}
	return fmt.Sprintf("zmtp: %v (% x)", e.Rule, e.Octets)
}

// Unwrap returns the rule that was broken.
func (e *ProtocolError) Unwrap() error { return e.Rule }

// CodeOf returns the code of the [*ProtocolError] in err's chain, and zero when
// there is none.
func CodeOf(err error) ErrorCode {
	var e *ProtocolError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// ErrorCode is libzmq's number for a breach of the protocol, the value that its
// monitor sends with HANDSHAKE_FAILED_PROTOCOL. libzmq: ZMQ_PROTOCOL_ERROR_*.
type ErrorCode uint32

// The codes of the wire protocol, of cryptography, of ZAP and of WebSocket.
const (
	CodeUnspecified          ErrorCode = 0x10000000
	CodeUnexpectedCommand    ErrorCode = 0x10000001
	CodeInvalidSequence      ErrorCode = 0x10000002
	CodeKeyExchange          ErrorCode = 0x10000003
	CodeMalformedCommand     ErrorCode = 0x10000011
	CodeMalformedMessage     ErrorCode = 0x10000012
	CodeMalformedHello       ErrorCode = 0x10000013
	CodeMalformedInitiate    ErrorCode = 0x10000014
	CodeMalformedError       ErrorCode = 0x10000015
	CodeMalformedReady       ErrorCode = 0x10000016
	CodeMalformedWelcome     ErrorCode = 0x10000017
	CodeInvalidMetadata      ErrorCode = 0x10000018
	CodeCryptographic        ErrorCode = 0x11000001
	CodeMechanismMismatch    ErrorCode = 0x11000002
	CodeZAPUnspecified       ErrorCode = 0x20000000
	CodeZAPMalformedReply    ErrorCode = 0x20000001
	CodeZAPBadRequestID      ErrorCode = 0x20000002
	CodeZAPBadVersion        ErrorCode = 0x20000003
	CodeZAPInvalidStatusCode ErrorCode = 0x20000004
	CodeZAPInvalidMetadata   ErrorCode = 0x20000005
	CodeWSUnspecified        ErrorCode = 0x30000000
)

// String returns libzmq's name of the code, without its common prefix.
func (c ErrorCode) String() string {
	switch c {
	case CodeUnspecified:
		return "ZMTP_UNSPECIFIED"
	case CodeUnexpectedCommand:
		return "ZMTP_UNEXPECTED_COMMAND"
	case CodeInvalidSequence:
		return "ZMTP_INVALID_SEQUENCE"
	case CodeKeyExchange:
		return "ZMTP_KEY_EXCHANGE"
	case CodeMalformedCommand:
		return "ZMTP_MALFORMED_COMMAND_UNSPECIFIED"
	case CodeMalformedMessage:
		return "ZMTP_MALFORMED_COMMAND_MESSAGE"
	case CodeMalformedHello:
		return "ZMTP_MALFORMED_COMMAND_HELLO"
	case CodeMalformedInitiate:
		return "ZMTP_MALFORMED_COMMAND_INITIATE"
	case CodeMalformedError:
		return "ZMTP_MALFORMED_COMMAND_ERROR"
	case CodeMalformedReady:
		return "ZMTP_MALFORMED_COMMAND_READY"
	case CodeMalformedWelcome:
		return "ZMTP_MALFORMED_COMMAND_WELCOME"
	case CodeInvalidMetadata:
		return "ZMTP_INVALID_METADATA"
	case CodeCryptographic:
		return "ZMTP_CRYPTOGRAPHIC"
	case CodeMechanismMismatch:
		return "ZMTP_MECHANISM_MISMATCH"
	case CodeZAPUnspecified:
		return "ZAP_UNSPECIFIED"
	case CodeZAPMalformedReply:
		return "ZAP_MALFORMED_REPLY"
	case CodeZAPBadRequestID:
		return "ZAP_BAD_REQUEST_ID"
	case CodeZAPBadVersion:
		return "ZAP_BAD_VERSION"
	case CodeZAPInvalidStatusCode:
		return "ZAP_INVALID_STATUS_CODE"
	case CodeZAPInvalidMetadata:
		return "ZAP_INVALID_METADATA"
	case CodeWSUnspecified:
		return "WS_UNSPECIFIED"
	}
	return fmt.Sprintf("ErrorCode(%#x)", uint32(c))
}
