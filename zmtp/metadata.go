package zmtp

import (
	"encoding/binary"
	"iter"
	"math"
)

// Names of the properties that ZMTP itself gives a meaning. An application's own
// begin with "X-". RFC 37 "The READY Command".
const (
	// PropertySocketType names the sender's socket type, such as "DEALER". libzmq
	// sends it first, and accepts a peer that does not send it.
	PropertySocketType = "Socket-Type"
	// PropertyIdentity is the sender's routing id. libzmq sends it, even empty,
	// from REQ, DEALER and ROUTER, after the socket type.
	PropertyIdentity = "Identity"
	// PropertyResource is for virtual hosts. libzmq neither sends nor reads it.
	PropertyResource = "Resource"
)

// MaxPropertyName is the size of the longest property name, in octets.
const MaxPropertyName = 255

// MaxProperties is the most properties of one list that is read. libzmq has no
// limit but that of the frame, and sends a handful. A property of 5 octets costs
// its reader 40, for as long as the peer is connected.
const MaxProperties = 1000

const valueSize = 4 // octets before each value

// Property is one entry of a metadata list.
type Property struct {
	Name  string
	Value []byte
}

// Metadata is the list of properties that a peer sends in its handshake, in the
// order of the wire. Names may repeat.
type Metadata []Property

// Get returns the value of the first property called name. Case matters: the RFC
// says otherwise, but "socket-type" is just another property to libzmq.
func (m Metadata) Get(name string) (value []byte, ok bool) {
	for _, p := range m {
		if p.Name == name {
			return p.Value, true
		}
	}
	return nil, false
}

// Identity returns the value of the last property called Identity, and nil when
// there is none. Neither its length nor its first octet has been checked; libzmq
// checks neither.
func (m Metadata) Identity() []byte {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].Name == PropertyIdentity {
			return m[i].Value
		}
	}
	return nil
}

// All yields the value of every property called name. libzmq checks each
// Socket-Type that a peer sends, not only the first.
func (m Metadata) All(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, p := range m {
			if p.Name == name && !yield(p.Value) {
				return
			}
		}
	}
}

// AppendMetadata appends the properties in the order in which they stand. It
// panics when a name is longer than MaxPropertyName, or a value than 2^31-1
// octets; whatever ParseMetadata returned can be appended. That names are not
// empty and made of letters, digits and "-_.+", and that there are no more than
// MaxProperties, is for the caller to see to.
func AppendMetadata(b []byte, m Metadata) []byte {
	for _, p := range m {
		b = AppendProperty(b, p.Name, p.Value)
	}
	return b
}

// AppendProperty appends one property. It panics as AppendMetadata does.
func AppendProperty(b []byte, name string, value []byte) []byte {
	if len(name) > MaxPropertyName {
		panic("zmtp: property name longer than 255 octets")
	}
	if len(value) > math.MaxInt32 {
		panic("zmtp: property value longer than 2^31-1 octets")
	}
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// ParseMetadata reads a list of properties that fills all of b. It returns
// ErrMetadata when the last one does not end where b ends, or a value is longer
// than 2^31-1 octets, and ErrTooManyProperties above MaxProperties. The values are
// slices of b. What a name is made of is not checked, and it may be empty: libzmq
// accepts that.
func ParseMetadata(b []byte) (Metadata, error) {
	// Once to count, so that nothing is asked for on behalf of a list that is refused.
	count := 0
	for rest := b; len(rest) > 0; count++ {
		_, _, n := cutProperty(rest)
		switch {
		case n == 0:
			return nil, breach(ErrMetadata, CodeInvalidMetadata, rest)
		case count == MaxProperties:
			return nil, breach(ErrTooManyProperties, CodeInvalidMetadata, rest)
		}
		rest = rest[n:]
	}
	m := make(Metadata, 0, count)
	for len(b) > 0 {
		name, value, n := cutProperty(b)
		m = append(m, Property{string(name), value})
		b = b[n:]
	}
	return m, nil
}

// cutProperty returns the property at the beginning of b and its size, which is
// zero when b ends before it does.
func cutProperty(b []byte) (name, value []byte, n int) {
	at := 1 + int(b[0])
	if len(b) < at+valueSize {
		return nil, nil, 0
	}
	size := binary.BigEndian.Uint32(b[at:])
	name, rest := b[1:at], b[at+valueSize:]
	if size > math.MaxInt32 || int(size) > len(rest) {
		return nil, nil, 0
	}
	return name, rest[:size:size], at + valueSize + int(size)
}
