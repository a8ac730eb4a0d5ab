package engine

import (
	"zeromux/internal/mechanism"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// This file is the sending half towards a peer with whom frames travel sealed, each in
// one of its own: a recoder's frame, and our own commands. RFC 26 "The MESSAGE Command".

// A sealer seals the frames of one connection. It belongs to whoever writes it: a
// peer opens them in the order in which they were sealed, and no other.
type sealer struct {
	mech mechanism.Mechanism
	// old says that the peer reads subscriptions as messages.
	old     bool
	scratch []byte // such a message
	extra   int    // octets by which sealing made the last body longer
}

// frame is a recoder's.
func (s *sealer) frame(b []byte, f *pipe.Frame) ([]byte, error) {
	if s.old && f.Flags&zmtp.FlagCommand != 0 {
		flags, prefix, topic := oldForm(f)
		s.scratch = append(append(s.scratch[:0], prefix...), topic...)
		return s.seal(b, flags, s.scratch)
	}
	return s.seal(b, f.Flags, f.Body)
}

// seal appends a frame in which one with these flags and this body travels. Whatever
// is inside, it has no flags but for its length: libzmq mistakes them for those of the
// frame inside.
func (s *sealer) seal(b []byte, flags zmtp.Flags, body []byte) ([]byte, error) {
	from := len(b)
	head := zmtp.HeaderSize(len(body) + s.extra)
	b = append(b, blank[:head]...)
	b, err := s.mech.Seal(b, flags, body)
	if err != nil {
		return b[:from], err
	}
	size := len(b) - from - head
	s.extra = size - len(body)
	if exact := zmtp.HeaderSize(size); exact != head { // as with the first one
		b = append(b, blank[:exact]...)
		copy(b[from+exact:], b[from+head:from+head+size])
		b = b[:from+exact+size]
	}
	zmtp.AppendHeader(b[from:from], 0, size)
	return b, nil
}

// commands seals our own commands, which are whole frames.
func (s *sealer) commands(b, frames []byte) ([]byte, error) {
	for len(frames) > 0 {
		h, n, err := zmtp.ParseHeader(frames)
		if err != nil {
			return b, err
		}
		end := n + int(h.Size)
		if b, err = s.seal(b, h.Flags, frames[n:end]); err != nil {
			return b, err
		}
		frames = frames[end:]
	}
	return b, nil
}

// blank is room for a header.
var blank [zmtp.MaxHeader]byte
