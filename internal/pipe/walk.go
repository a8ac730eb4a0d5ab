package pipe

import (
	"bytes"
	"encoding/binary"

	"zeromux/zmtp"
)

// A Frame is one encoded frame as it lies in a list of spans.
type Frame struct {
	// Flags holds FlagMore and FlagCommand alone.
	Flags zmtp.Flags
	// Body is borrowed from the span.
	Body []byte

	span *Span // the one that the frame ends in
	size int   // octets, header included
}

// Size is the number of octets that the frame takes, header included.
func (f *Frame) Size() int { return f.size }

// EndsMessage reports whether the frame is the last of a message or a command.
func (f *Frame) EndsMessage() bool {
	return f.Flags&zmtp.FlagMore == 0 || f.Flags&zmtp.FlagCommand != 0
}

// begins reports whether the frame, the first of a message, is first.
func (f *Frame) begins(first []byte) bool {
	return f.Flags&zmtp.FlagCommand == 0 && bytes.Equal(f.Body, first)
}

// A Walker steps through the frames of a list of spans without changing it.
type Walker struct {
	spans []Span
	i     int    // the span behind the one that rest belongs to
	rest  []byte // octets of it that are still ahead
}

// Next returns the next frame, or false behind the last.
func (w *Walker) Next() (Frame, bool) {
	for len(w.rest) == 0 {
		if w.i == len(w.spans) {
			return Frame{}, false
		}
		w.rest = w.spans[w.i].Bytes()
		w.i++
	}
	before := len(w.rest)
	flags, body, rest := split(w.rest)
	size := before - len(rest)
	if body == nil { // a span of its own
		body = w.spans[w.i].Bytes()
		size += len(body)
		w.i++
	}
	w.rest = rest
	return Frame{Flags: flags, Body: body, span: &w.spans[w.i-1], size: size}, true
}

// split takes the first frame off b, whose frames are known to be whole and
// well formed. A nil body stands in the next span.
func split(b []byte) (flags zmtp.Flags, body, rest []byte) {
	flags = zmtp.Flags(b[0]) & (zmtp.FlagMore | zmtp.FlagCommand)
	if zmtp.Flags(b[0])&zmtp.FlagLong == 0 {
		end := 2 + int(b[1])
		return flags, b[2:end:end], b[end:]
	}
	size := int(binary.BigEndian.Uint64(b[1:]))
	if len(b) == zmtp.MaxHeader && size > 0 {
		return flags, nil, nil
	}
	end := zmtp.MaxHeader + size
	return flags, b[zmtp.MaxHeader:end:end], b[end:]
}
