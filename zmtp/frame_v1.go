package zmtp

import (
	"encoding/binary"
	"math"
)

// MaxHeaderV1 is the size of the longest header of 1.0, in octets.
const MaxHeaderV1 = 10

const (
	longLengthV1 = 0xff
	maxShortV1   = 253 // the largest body with a length of one octet
)

// HeaderSizeV1 returns how many octets AppendHeaderV1 takes for a body of size
// octets: 2 or 10.
func HeaderSizeV1(size int) int {
	if size > maxShortV1 {
		return MaxHeaderV1
	}
	return shortHeader
}

// AppendHeaderV1 appends the header of a 1.0 frame with a body of size octets. Of
// f only FlagMore is written; there are no commands in 1.0. RFC 13, RFC 15.
func AppendHeaderV1(b []byte, f Flags, size int) []byte {
	f &= FlagMore
	if size <= maxShortV1 {
		return append(b, byte(size)+1, byte(f))
	}
	b = append(b, longLengthV1)
	b = binary.BigEndian.AppendUint64(b, uint64(size)+1)
	return append(b, byte(f))
}

// AppendFrameV1 appends a whole 1.0 frame.
func AppendFrameV1(b []byte, f Flags, body []byte) []byte {
	return append(AppendHeaderV1(b, f, len(body)), body...)
}

// ParseHeaderV1 reads the header of a 1.0 frame at the beginning of b and returns
// it with its own size, n octets. On the wire the length counts the flags octet;
// in the Header it does not. It returns ErrShort when b is a proper prefix of a
// header, and ErrFrameSize for a length of zero or a body above 2^63-1.
func ParseHeaderV1(b []byte) (h Header, n int, err error) {
	if len(b) == 0 {
		return Header{}, 0, ErrShort
	}
	length, at := uint64(b[0]), 1
	if b[0] == longLengthV1 {
		if len(b) < MaxHeaderV1-1 {
			return Header{}, 0, ErrShort
		}
		length, at = binary.BigEndian.Uint64(b[1:]), MaxHeaderV1-1
	}
	if length == 0 || length-1 > math.MaxInt64 {
		return Header{}, 0, breach(ErrFrameSize, 0, b[:at])
	}
	if len(b) == at {
		return Header{}, 0, ErrShort
	}
	return Header{Flags(b[at]) & FlagMore, int64(length - 1)}, at + 1, nil
}
