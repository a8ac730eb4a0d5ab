package zmq

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden stands wherever a secret would be shown.
const hidden = "[secret]"

// A Secret is a text that is not for every eye, such as a password. It is made and
// read like any string, Secret(text) and string(secret), and read from YAML, JSON and
// TOML like one; but whatever prints, logs or marshals it shows "[secret]", or
// nothing where it is empty.
//
// In an unexported field of another struct no method can be called, and package fmt
// shows it; and so it does for its verbs %w and %p, which are for no text (go vet tells).
type Secret string

// String returns "[secret]", or "" where there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format writes String for every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { writeHidden(f, s.String()) }

// LogValue is String, for package log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns String: a dump of a configuration tells that there is a secret
// and not which.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes text as it is, but for "[secret]": that is from a dump, and no
// password. The error wraps ErrInvalid.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == hidden {
		return errHidden()
	}
	*s = Secret(text)
	return nil
}

// errHidden is for a dump that is taken for a configuration.
func errHidden() error {
	return fmt.Errorf("%w: %s stands where a secret was when this was written", ErrInvalid, hidden)
}

// writeHidden is the Format of all secrets. There is nobody to tell of an error.
func writeHidden(f fmt.State, text string) { _, _ = io.WriteString(f, text) }
