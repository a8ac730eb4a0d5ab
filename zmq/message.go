package zmq

import (
	"bytes"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// copyUpTo is the size of a received message, in octets, up to which RecvInto
// copies it; a larger one stays in the block that it arrived in.
const copyUpTo = 1 << 10

// A Message is one whole message: one frame or more, sent and received together.
//
// A message to be sent is a list of frames and nothing else; Send copies them.
// One that was received also knows the peer that it came from. The zero Message
// has no frames and cannot be sent; it is what RecvInto wants to begin with.
type Message struct {
	// Frames are the frames, first to last. A frame may be empty.
	Frames [][]byte

	x *extra
}

// extra is what a received message knows beyond its frames, and the memory that
// RecvInto uses again.
type extra struct {
	peer *PeerInfo

	last   *message.Peer // the one that peer was made of
	self   *Message      // the message that the rest belongs to; a copy of it has no claim
	frames [][]byte
	buffer []byte
	held   []*message.Chunk // blocks that frames lie in
	short  *message.Peer    // last, after a message of one frame that was copied; nil otherwise
	leased *Socket          // that lease was made by; short is its peer. Nil: there is none
	lease  *pipe.Lease      // kept, to be used again
}

// NewMessage makes a message of frames, which it does not copy.
func NewMessage(frames ...[]byte) Message { return Message{Frames: frames} }

// NewStringMessage makes a message with a frame for each string.
func NewStringMessage(frames ...string) Message {
	m := Message{Frames: make([][]byte, len(frames))}
	for i, f := range frames {
		m.Frames[i] = []byte(f)
	}
	return m
}

// Bytes is the body of a message that has one: its last frame. It is nil when
// there are no frames.
func (m Message) Bytes() []byte {
	if len(m.Frames) == 0 {
		return nil
	}
	return m.Frames[len(m.Frames)-1]
}

// String is all frames joined by spaces; for a message of one frame, its text.
func (m Message) String() string {
	if len(m.Frames) == 1 {
		return string(m.Frames[0])
	}
	return string(bytes.Join(m.Frames, []byte(" ")))
}

// Size is the number of octets in all frames.
func (m Message) Size() int {
	size := 0
	for _, f := range m.Frames {
		size += len(f)
	}
	return size
}

// Clone returns a message with memory of its own. A message from Recv keeps the
// whole block of 64 or 256 KiB alive that it arrived in, and one from RecvInto dies at
// the next call: clone what is kept for long.
func (m Message) Clone() Message {
	buffer := make([]byte, 0, m.Size())
	c := Message{Frames: make([][]byte, len(m.Frames))}
	for i, f := range m.Frames {
		from := len(buffer)
		buffer = append(buffer, f...)
		c.Frames[i] = buffer[from:len(buffer):len(buffer)]
	}
	if m.x != nil {
		c.x = &extra{peer: m.x.peer}
	}
	return c
}

// Peer tells who sent a received message, by the connection that it came over.
// It is nil for a message that was not received, and for those that a socket
// makes itself, such as the unsubscriptions of a peer that has left.
func (m Message) Peer() *PeerInfo {
	if m.x == nil {
		return nil
	}
	return m.x.peer
}

// Property returns the value of a property that the sender announced in its
// handshake, such as "Identity" or one of its own that begins with "X-".
// libzmq: zmq_msg_gets.
func (m Message) Property(name string) (value string, ok bool) {
	return m.Peer().Property(name)
}

// slab is where plain Recv carves its lists of frames from, and the records of
// peers that messages share.
type slab struct {
	frames [][]byte
	octets []byte
	extras map[*message.Peer]*extra
	recent *message.Peer // the peer of the last message, and its record
	record *extra
}

const (
	slabFrames = 256
	slabOctets = 4 << 10
	slabPeers  = 1024 // records kept; more are made again when they are needed
	slabPeer   = 2 << 10
)

// list returns a list of n frames that is the caller's for good. Frames of so many
// octets that it matters get one of their own: lists from one block keep the memory of
// each other's frames alive.
func (s *slab) list(n, size int) [][]byte {
	if size >= message.LargeFrame {
		return make([][]byte, n)
	}
	if n > len(s.frames) {
		if n > slabFrames/4 {
			return make([][]byte, n)
		}
		s.frames = make([][]byte, slabFrames)
	}
	list := s.frames[:n:n]
	s.frames = s.frames[n:]
	return list
}

// extra returns the record that all messages of one peer share.
func (s *slab) extra(p *message.Peer) *extra {
	switch {
	case p == nil:
		return nil
	case p == s.recent:
		return s.record
	}
	x := s.extras[p]
	if x == nil {
		if s.extras == nil || len(s.extras) >= slabPeers {
			s.extras = make(map[*message.Peer]*extra)
		}
		x = &extra{peer: newPeerInfo(p)}
		if !wordy(p) {
			s.extras[p] = x
		}
	}
	s.recent, s.record = p, x
	return x
}

// wordy reports whether p has said so much in its handshake that its record is
// not kept beside others, which may be those of peers that are long gone.
func wordy(p *message.Peer) bool {
	size := len(p.RoutingID) + len(p.UserID)
	for i := range p.Properties {
		size += 64 + len(p.Properties[i].Name) + len(p.Properties[i].Value)
	}
	if state := tlsState(p); state != nil {
		for _, certificate := range state.PeerCertificates {
			size += 4 * len(certificate.Raw) // what is read from it takes more than itself
		}
	}
	return size > slabPeer
}

// clone returns a copy of a short frame, carved from a block.
func (s *slab) clone(f []byte) []byte {
	if len(f) > len(s.octets) {
		if len(f) > slabOctets/16 {
			return bytes.Clone(f)
		}
		s.octets = make([]byte, slabOctets)
	}
	n := copy(s.octets, f)
	c := s.octets[:n:n]
	s.octets = s.octets[n:]
	return c
}

// give returns the received message in, with memory that is the caller's for
// good. from is the end that the frames are borrowed from, or nil; the first
// own frames are the pattern's.
func (s *slab) give(in *message.Message, from *pipe.End, own int) Message {
	size := in.Size()
	list := s.list(len(in.Frames), size)
	if from == nil || from.Shared() {
		buffer := make([]byte, 0, size)
		for i, f := range in.Frames {
			at := len(buffer)
			buffer = append(buffer, f...)
			list[i] = buffer[at:len(buffer):len(buffer)]
		}
	} else {
		copy(list, in.Frames)
		for i := range own {
			list[i] = s.clone(list[i])
		}
		from.Keep()
	}
	return Message{Frames: list, x: s.extra(in.Peer)}
}

// fill makes m the received message in, reusing the memory that an earlier fill
// gave it.
func (m *Message) fill(in *message.Message, from *pipe.End, own int, s *slab) {
	x := m.x
	if x == nil || x.self != m {
		x = &extra{self: m}
		m.x = x
	}
	if len(x.held) > 0 {
		x.release()
	}
	if x.leased != nil {
		x.forget()
	}
	if x.last != in.Peer {
		x.last, x.peer = in.Peer, nil
		if shared := s.extra(in.Peer); shared != nil {
			x.peer = shared.peer
		}
	}
	size := in.Size()
	if len(x.frames) > 1 {
		clear(x.frames) // or those beyond the new ones would keep their memory alive
	}
	x.frames = x.frames[:0]
	if size > copyUpTo && from != nil && !from.Shared() {
		x.held = from.Hold(x.held)
		x.frames = append(x.frames, in.Frames...)
		x.buffer = x.buffer[:0]
		for i := range own {
			at := len(x.buffer)
			x.buffer = append(x.buffer, x.frames[i]...)
			x.frames[i] = x.buffer[at:len(x.buffer):len(x.buffer)]
		}
	} else {
		if cap(x.buffer) < size {
			x.buffer = make([]byte, 0, max(size, 256))
		}
		b := x.buffer[:0]
		for _, f := range in.Frames {
			at := len(b)
			b = append(b, f...)
			x.frames = append(x.frames, b[at:len(b):len(b)])
		}
	}
	m.Frames = x.frames
	x.short = nil
	if len(x.frames) == 1 && len(x.held) == 0 {
		x.short = in.Peer
	}
}

// fillShort is fill of a message of one short frame that comes after another of
// the same peer and finds room in its memory. It reports false when it is not.
func (x *extra) fillShort(m *Message, body []byte, peer *message.Peer) bool {
	if x.self != m || x.short != peer || peer == nil || cap(x.buffer) < len(body) {
		return false
	}
	x.set(m, body)
	return true
}

// set makes m, which x belongs to and which has had one frame, a copy of body. There
// is room for it.
func (x *extra) set(m *Message, body []byte) {
	b := x.buffer[:len(body):len(body)]
	x.frames[0] = b
	m.Frames = x.frames
	copy(b, body)
}

// release lets go of the blocks that an earlier message lay in.
func (x *extra) release() {
	for i, c := range x.held {
		c.Release()
		x.held[i] = nil
	}
	x.held = x.held[:0]
}
