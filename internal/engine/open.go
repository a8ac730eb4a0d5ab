package engine

import (
	"encoding/binary"
	"errors"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// This file is the receiving half of a connection on which frames travel sealed, each
// in one of its own. What they hold is opened straight into the memory from which
// the socket reads, as if it had been read there.

// sealMost is the most octets that sealing adds to a body: with so many more a sealed
// frame may still hold one that is not too large.
const sealMost = 256

// errOpened is what is wrong with a mechanism that finds more in a frame than fits.
var errOpened = errors.New("more was opened than was sealed")

// An openError is why a connection ends of which a frame could not be opened.
type openError struct{ err error }

func (e *openError) Error() string { return "sealed frame: " + e.err.Error() }

// Unwrap returns why the frame could not be opened.
func (e *openError) Unwrap() error { return e.err }

// sealedIn reads sealed frames into memory of its own, opens those that are whole, and
// has them handled by a zmtpIn.
type sealedIn struct {
	z    *zmtpIn
	mech mechanism.Mechanism

	raw        *message.Chunk // sealed octets; nil: there are none
	from, fill int            // those of raw that were not opened yet
	whole      int            // octets of the frame at from, if it is whole
	need       int            // octets of the frame at from, if it is not, and its size is known
	block      *block         // the large frame that is being read; raw is nil then
	blocked    bool           // the last frame had a block

	extra  int   // octets by which opening made the last body shorter
	broken error // what came behind all that was opened; it counts once all that is handled
}

func newSealedIn(end *pipe.End, pool *message.Pool, peer *message.Peer, cfg *Config, to commander, mech mechanism.Mechanism) *sealedIn {
	return &sealedIn{z: newZMTPIn(end, pool, peer, cfg, to), mech: mech}
}

// preload is zmtpIn's.
func (s *sealedIn) preload(b []byte) {
	if len(b) > 0 {
		s.raw = chunkOf(s.z.pool, b)
		s.fill = len(b)
		s.z.life = int64(len(b))
	}
}

func (s *sealedIn) space() []byte {
	room := s.room()
	if most := s.z.cfg.ReadMost; most > 0 {
		return room[:min(len(room), most)]
	}
	return room
}

func (s *sealedIn) room() []byte {
	if s.block != nil {
		return s.block.space()
	}
	size := message.SmallChunk
	if s.z.busy || s.need > size || s.fill-s.from > size/2 {
		size = message.LargeChunk
	}
	switch {
	case s.raw == nil:
		s.raw = s.z.pool.Chunk(size)
	case s.from == s.fill && len(s.raw.B) == size:
		s.from, s.fill = 0, 0
	case s.from == s.fill, len(s.raw.B)-s.fill < len(s.raw.B)/4, s.need > len(s.raw.B)-s.from:
		s.moveTo(size)
	}
	room := s.raw.B[s.fill:]
	if s.blocked && len(room) > afterBlock {
		room = room[:afterBlock]
	}
	if z := s.z; z.borrowed { // what is opened, which takes no more, must find a place there
		room = room[:min(len(room), len(z.chunk.B)-z.fill-zmtp.MaxHeader)]
	}
	return room
}

// moveTo moves what was not opened to the front, of a chunk of this size.
func (s *sealedIn) moveTo(size int) {
	tail := s.raw.B[s.from:s.fill]
	to := s.raw
	if len(to.B) != size {
		to = s.z.pool.Chunk(size)
	}
	s.from, s.fill = 0, copy(to.B, tail)
	if to != s.raw {
		s.raw.Release()
		s.raw = to
	}
}

func (s *sealedIn) received(n int) error {
	s.z.life += int64(n)
	s.z.borrowed = false
	if s.block != nil {
		s.block.fill += n
	} else {
		s.z.busy = n >= message.SmallChunk/2
		s.fill += n
	}
	return s.open()
}

func (s *sealedIn) resume() error {
	if err := s.z.resume(); err != nil {
		return err
	}
	return s.open()
}

func (s *sealedIn) waiting() bool { return s.z.waiting() }
func (s *sealedIn) heard() bool   { return s.z.heard() }

// open opens the frames that are whole and hands over what was in them, up to the
// mark. What is opened is handled before what is wrong behind it counts.
func (s *sealedIn) open() error {
	z := s.z
	if z.chunk != nil && z.from == z.fill && z.chunk.Sole() {
		z.from, z.begun, z.parsed, z.fill = 0, 0, 0, 0
	}
	for s.broken == nil && !z.paused {
		body, ok, err := s.next()
		if err == nil && ok {
			ok, err = s.openFrame(body)
		}
		if s.broken = err; !ok {
			break
		}
	}
	if !z.paused {
		if err := s.parse(); err != nil {
			return err
		}
	}
	if z.paused {
		return nil
	}
	return s.broken
}

// parse has what was opened handled. Behind an error nothing counts, though it was opened.
func (s *sealedIn) parse() error {
	err := s.z.parse()
	if err != nil {
		s.z.fill = s.z.parsed
	}
	return err
}

// next returns the body of the next sealed frame, if it is whole, and leaves it where
// it is.
func (s *sealedIn) next() (body []byte, ok bool, err error) {
	if s.block != nil {
		if !s.block.isWhole(s.z.pool, s.z.life) {
			return nil, false, nil
		}
		_, n, _ := zmtp.ParseHeader(s.block.chunk.B) // it was read before
		return s.block.chunk.B[n:], true, nil
	}
	s.need = 0
	if s.raw == nil {
		return nil, false, nil
	}
	b := s.raw.B[s.from:s.fill]
	h, n, err := zmtp.ParseHeader(b)
	if err == zmtp.ErrShort {
		return nil, false, nil
	}
	if err == nil {
		err = h.Check(s.most())
	}
	if err != nil {
		return nil, false, err
	}
	size := int64(n) + h.Size
	switch {
	case size <= int64(len(b)):
		s.whole = int(size)
		return b[n:size], true, nil
	case size > hugeFrom:
		s.block = newBlock(s.z.pool, size, b, s.z.life)
		s.dropRaw()
	default:
		s.need = int(size)
	}
	return nil, false, nil
}

// most is the most octets of a sealed body, below zero without limit.
func (s *sealedIn) most() int64 {
	most := s.z.cfg.MaxMessageSize
	if most >= 0 && most < 1<<62 {
		most += sealMost
	}
	return most
}

// opened says that the frame that next returned has been.
func (s *sealedIn) opened() {
	if s.blocked = s.block != nil; s.blocked {
		s.block.release()
		s.block = nil
		return
	}
	s.from += s.whole
}

// openFrame opens one sealed body. It reports false when there is no room for what is in it
// yet, or never will be.
func (s *sealedIn) openFrame(body []byte) (ok bool, err error) {
	z := s.z
	size := zmtp.MaxHeader + len(body)
	if size > hugeFrom {
		return s.openBlock(body)
	}
	if z.chunk == nil || size > len(z.chunk.B)-z.fill {
		if err := s.parse(); err != nil || z.paused {
			return false, err
		}
		z.roomFor(size)
	}
	head := zmtp.HeaderSize(len(body) - s.extra)
	b := z.chunk.B[z.fill:][:head]
	flags, b, err := s.mech.Open(b, body)
	if err != nil {
		return false, &openError{err}
	}
	plain := len(b) - head
	if plain > len(body) {
		return false, &openError{errOpened}
	}
	s.extra = len(body) - plain
	if exact := zmtp.HeaderSize(plain); exact != head {
		copy(z.chunk.B[z.fill+exact:], b[head:])
		head = exact
	}
	zmtp.AppendHeader(z.chunk.B[z.fill:z.fill], flags, plain)
	z.fill += head + plain
	s.opened()
	return true, nil
}

// openBlock opens a large body into memory of its own.
func (s *sealedIn) openBlock(body []byte) (ok bool, err error) {
	z := s.z
	if err := s.parse(); err != nil || z.paused {
		return false, err
	}
	if z.end.Room() == 0 {
		z.paused = true
		return false, nil
	}
	c := z.pool.Block(zmtp.MaxHeader + len(body))
	flags, b, err := s.mech.Open(c.B[:zmtp.MaxHeader], body)
	plain := len(b) - zmtp.MaxHeader
	if err == nil && plain > len(body) {
		err = errOpened
	}
	if err != nil {
		c.Release()
		return false, &openError{err}
	}
	s.opened()
	if err := (zmtp.Header{Size: int64(plain)}).Check(z.cfg.MaxMessageSize); err != nil {
		c.Release()
		return false, err
	}
	c.B = c.B[:zmtp.MaxHeader+plain]
	c.B[0] = byte(flags&(zmtp.FlagMore|zmtp.FlagCommand) | zmtp.FlagLong)
	binary.BigEndian.PutUint64(c.B[1:], uint64(plain))
	z.cut()
	return true, z.takeBlock(c)
}

// idle is zmtpIn's.
func (s *sealedIn) idle() {
	switch {
	case s.raw == nil:
	case s.from == s.fill:
		s.dropRaw()
	case len(s.raw.B) > message.SmallChunk && max(s.need, s.fill-s.from) <= message.SmallChunk:
		s.moveTo(message.SmallChunk)
	}
	s.z.idle()
}

func (s *sealedIn) rest() {
	if s.block != nil {
		s.block.release()
		s.block = nil
	}
	s.dropRaw()
	s.z.rest()
}

// dropRaw lets go of the sealed octets.
func (s *sealedIn) dropRaw() {
	if s.raw != nil {
		s.raw.Release()
		s.raw = nil
	}
	s.from, s.fill = 0, 0
}
