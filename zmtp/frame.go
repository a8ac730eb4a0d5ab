package zmtp

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Flags is the first octet of a frame of 2.0 and later. RFC 37 "Framing".
type Flags byte

// The bits of Flags. The others are sent as zero and ignored.
const (
	// FlagMore: another frame of the same message follows.
	FlagMore Flags = 1
	// FlagLong: the size takes eight octets, not one.
	FlagLong Flags = 2
	// FlagCommand: the body is a command, not part of a message.
	FlagCommand Flags = 4
)

// MaxHeader is the size of the longest header of 2.0 and later, in octets.
const MaxHeader = 9

const (
	shortHeader = 2
	maxShort    = 255 // the largest body with a size of one octet
)

// Header is what stands before the body of a frame.
type Header struct {
	// Flags has only FlagMore and FlagCommand; how the size was written and the
	// reserved bits are forgotten.
	Flags Flags
	// Size of the body in octets, never negative.
	Size int64
}

// HeaderSize returns how many octets AppendHeader takes for a body of size octets:
// 2 or 9.
func HeaderSize(size int) int {
	if size > maxShort {
		return MaxHeader
	}
	return shortHeader
}

// AppendHeader appends the header of a frame with a body of size octets, in the
// shorter of the two forms that can hold it. FlagLong in f makes no difference.
func AppendHeader(b []byte, f Flags, size int) []byte {
	f &= FlagMore | FlagCommand
	if size <= maxShort {
		return append(b, byte(f), byte(size))
	}
	b = append(b, byte(f|FlagLong))
	return binary.BigEndian.AppendUint64(b, uint64(size))
}

// AppendFrame appends a whole frame.
func AppendFrame(b []byte, f Flags, body []byte) []byte {
	return append(AppendHeader(b, f, len(body)), body...)
}

// ParseHeader reads the header at the beginning of b and returns it with its own
// size, n octets. The long form is accepted for every size. It returns ErrShort
// when b is a proper prefix of a header, and ErrFrameSize for a size above 2^63-1.
// Whether the body is too large is for [Header.Check] to say.
func ParseHeader(b []byte) (h Header, n int, err error) {
	if len(b) < shortHeader || Flags(b[0])&FlagLong != 0 {
		return parseLongHeader(b)
	}
	h.Flags, h.Size = Flags(b[0])&(FlagMore|FlagCommand), int64(b[1])
	return h, shortHeader, nil
}

func parseLongHeader(b []byte) (Header, int, error) {
	if len(b) < MaxHeader {
		return Header{}, 0, ErrShort
	}
	size := binary.BigEndian.Uint64(b[1:])
	if size > math.MaxInt64 {
		return Header{}, 0, breach(ErrFrameSize, 0, b[:MaxHeader])
	}
	return Header{Flags(b[0]) & (FlagMore | FlagCommand), int64(size)}, MaxHeader, nil
}

// maxBody is the largest body that could ever be held in memory, a header before
// it: Go's heap ends at 2^48 octets where an address has 64 bits.
const maxBody = 1<<(31+17*(strconv.IntSize/64)) - 1 - MaxHeader

// Check returns ErrTooLarge when the body is larger than maxFrame octets or than
// memory can be; a negative maxFrame is no limit. It is to be asked before memory
// is. The limit is for the body of a single frame, with 1.0 without the flags
// octet. libzmq: ZMQ_MAXMSGSIZE.
func (h Header) Check(maxFrame int64) error {
	if h.Size > maxBody || maxFrame >= 0 && h.Size > maxFrame {
		return breach(ErrTooLarge, 0, binary.BigEndian.AppendUint64(nil, uint64(h.Size)))
	}
	return nil
}
