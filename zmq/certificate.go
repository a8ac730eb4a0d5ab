package zmq

import (
	"fmt"
	"maps"
	"slices"
)

// Names within a certificate file, as CZMQ and pyzmq have them.
const (
	zplCurve     = "curve"
	zplMetadata  = "metadata"
	zplPublicKey = "public-key"
	zplSecretKey = "secret-key"
)

// A CurveCertificate is a key and what is known of its owner. It is kept in files of
// the format that CZMQ's zcert and pyzmq's zmq.auth write and read: a public one, to be
// given to those who want to know its owner, and a secret one for the owner alone.
// Nobody signs it; who may be trusted is decided by whoever accepts the file.
type CurveCertificate struct {
	// PublicKey is the owner's. A certificate that is loaded has one; one that is saved
	// may leave it out beside a SecretKey.
	PublicKey CurvePublicKey
	// SecretKey belongs to PublicKey. It is none in a public certificate.
	SecretKey CurveSecretKey
	// Metadata are properties of the owner, such as a name or an address. Names are
	// letters, digits and "$-_@.&+/", values a line of text. They stand in both files,
	// but pyzmq writes them into the secret one alone. Nil is none.
	Metadata map[string]string
}

// ParseCurveCertificate reads the content of a certificate file, public or secret. Its
// sections but "curve" and "metadata" mean nothing, and neither does what those have
// beyond keys and properties. The error wraps ErrInvalid, tells the line, and contains
// nothing of the text. RFC 4.
func ParseCurveCertificate(text []byte) (*CurveCertificate, error) {
	c, err := parseCurveCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("zmq: certificate: %w", err)
	}
	return c, nil
}

func parseCurveCertificate(text []byte) (*CurveCertificate, error) {
	c := &CurveCertificate{Metadata: make(map[string]string)}
	for p, err := range readZPL(text) {
		if err == nil && len(p.within) == 1 {
			if err = c.take(p); err != nil {
				err = fmt.Errorf("line %d: %w", p.line, err)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return c, c.complete()
}

// take enters a property.
func (c *CurveCertificate) take(p zplProperty) error {
	again := false
	switch section := p.within[0]; {
	case section == zplMetadata:
		if _, again = c.Metadata[p.name]; !again {
			c.Metadata[p.name] = string(p.value)
		}
	case section == zplCurve && p.name == zplPublicKey:
		if again = !c.PublicKey.IsZero(); !again {
			return readCurveText(c.PublicKey[:], p.value, "public")
		}
	case section == zplCurve && p.name == zplSecretKey:
		if again = !c.SecretKey.IsZero(); !again {
			if len(p.value) == 0 {
				return fmt.Errorf("%w: no CURVE secret key", ErrInvalid)
			}
			return c.SecretKey.UnmarshalText(p.value)
		}
	}
	if again {
		return fmt.Errorf("%w: for the second time", ErrInvalid)
	}
	return nil
}

// complete sees to it that there is a public key, and that it belongs to the secret
// one.
func (c *CurveCertificate) complete() error {
	switch {
	case c.PublicKey.IsZero() && c.SecretKey.IsZero():
		return fmt.Errorf("%w: no key: there is no %s within %s", ErrInvalid, zplPublicKey, zplCurve)
	case c.PublicKey.IsZero():
		c.PublicKey = c.SecretKey.PublicKey()
	case !c.SecretKey.IsZero() && c.SecretKey.PublicKey() != c.PublicKey:
		return fmt.Errorf("%w: the public key does not belong to the secret one", ErrInvalid)
	}
	return nil
}

// What stands at the head of the two files.
const (
	publicBanner = "# ZeroMQ CURVE certificate, public: it tells peers who its owner is.\n" +
		"# Hand it over in a way in which nobody can exchange it for another.\n\n"
	secretBanner = "# ZeroMQ CURVE certificate, SECRET: whoever can read it can be its owner.\n" +
		"# Keep it where it is, and away from everybody else.\n\n"
)

// text is what stands in a file, the secret key included where there is one. The
// error wraps ErrInvalid.
func (c CurveCertificate) text() ([]byte, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	b := []byte(publicBanner)
	if !c.SecretKey.IsZero() {
		b = []byte(secretBanner)
	}
	b = append(b, zplMetadata+"\n"...)
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		if !isZPLName(name) || name == zplPublicKey || name == zplSecretKey { // which pyzmq would take for the key
			return nil, fmt.Errorf("%w: metadata cannot have the name %.40q", ErrInvalid, name)
		}
		var ok bool
		if b, ok = appendZPLValue(append(b, "    "+name+" = "...), c.Metadata[name]); !ok {
			return nil, fmt.Errorf("%w: the value of %q cannot be written", ErrInvalid, name)
		}
		b = append(b, '\n')
	}
	b = append(b, zplCurve+"\n    "+zplPublicKey+" = \""+c.PublicKey.String()+"\"\n"...)
	if !c.SecretKey.IsZero() {
		b = append(b, "    "+zplSecretKey+" = \""+c.SecretKey.Z85()+"\"\n"...)
	}
	return b, nil
}
