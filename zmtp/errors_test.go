package zmtp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestProtocolErrorMatchesItsRuleThroughWraps(t *testing.T) {
	_, err := ParseMetadata([]byte{9, 'x'})
	err = fmt.Errorf("handshake: %w", err)
	if !errors.Is(err, ErrMetadata) {
		t.Errorf("%v does not match %v", err, ErrMetadata)
	}
	if errors.Is(err, ErrShort) || errors.Is(err, ErrCommand) {
		t.Errorf("%v matches another rule", err)
	}
	if got := CodeOf(err); got != CodeInvalidMetadata {
		t.Errorf("code: got %v, want %v", got, CodeInvalidMetadata)
	}
	var e *ProtocolError
	if !errors.As(err, &e) || string(e.Octets) != "\x09x" {
		t.Errorf("octets: got %+v", e)
	}
}

func TestCodeOfOtherErrorsIsZero(t *testing.T) {
	for _, err := range []error{nil, ErrShort, ErrMetadata, errors.New("x")} {
		if got := CodeOf(err); got != 0 {
			t.Errorf("CodeOf(%v): got %v, want 0", err, got)
		}
	}
}

func TestProtocolErrorKeepsACopyOfFewOctets(t *testing.T) {
	b := make([]byte, 1000)
	b[0] = 255
	b = b[:200]
	_, _, err := ParseCommand(b)
	var e *ProtocolError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *ProtocolError", err)
	}
	b[1] = 'x'
	if len(e.Octets) != maxErrorOctets || e.Octets[1] != 0 {
		t.Errorf("kept %d octets, %x", len(e.Octets), e.Octets)
	}
}

func TestProtocolErrorTextNamesRuleAndOctets(t *testing.T) {
	for _, c := range []struct {
		err  *ProtocolError
		want string
	}{
		{&ProtocolError{Rule: ErrTooLarge}, "zmtp: frame too large"},
		{&ProtocolError{Rule: ErrCommand, Octets: []byte{0x20, 'x'}}, "zmtp: malformed command (20 78)"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestErrorCodesHaveLibzmqsNumbersAndNames(t *testing.T) {
	for number, name := range map[uint32]string{
		0x10000000: "ZMTP_UNSPECIFIED",
		0x10000001: "ZMTP_UNEXPECTED_COMMAND",
		0x10000002: "ZMTP_INVALID_SEQUENCE",
		0x10000003: "ZMTP_KEY_EXCHANGE",
		0x10000011: "ZMTP_MALFORMED_COMMAND_UNSPECIFIED",
		0x10000012: "ZMTP_MALFORMED_COMMAND_MESSAGE",
		0x10000013: "ZMTP_MALFORMED_COMMAND_HELLO",
		0x10000014: "ZMTP_MALFORMED_COMMAND_INITIATE",
		0x10000015: "ZMTP_MALFORMED_COMMAND_ERROR",
		0x10000016: "ZMTP_MALFORMED_COMMAND_READY",
		0x10000017: "ZMTP_MALFORMED_COMMAND_WELCOME",
		0x10000018: "ZMTP_INVALID_METADATA",
		0x11000001: "ZMTP_CRYPTOGRAPHIC",
		0x11000002: "ZMTP_MECHANISM_MISMATCH",
		0x20000000: "ZAP_UNSPECIFIED",
		0x20000001: "ZAP_MALFORMED_REPLY",
		0x20000002: "ZAP_BAD_REQUEST_ID",
		0x20000003: "ZAP_BAD_VERSION",
		0x20000004: "ZAP_INVALID_STATUS_CODE",
		0x20000005: "ZAP_INVALID_METADATA",
		0x30000000: "WS_UNSPECIFIED",
	} {
		if got := ErrorCode(number).String(); got != name {
			t.Errorf("%#x: got %s, want %s", number, got, name)
		}
	}
	if got := ErrorCode(0x10000004).String(); !strings.Contains(got, "0x10000004") {
		t.Errorf("a number without a name: got %s", got)
	}
}
