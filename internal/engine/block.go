package engine

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// This file is the part of zmtpIn that reads large frames, each into memory of its own.

// creditMost bounds what a peer may earn in its life, in octets.
const creditMost = 64 << 20

// A block is a large frame that is being read.
type block struct {
	chunk  *message.Chunk // the frame, or the newest piece of it
	fill   int
	size   int64            // of the whole frame
	pieces []*message.Chunk // full ones before chunk, while the peer has not yet earned the whole
	there  int64            // octets in pieces
}

// newBlock starts a block for a frame of size octets of a peer that has sent so many
// in its life, with those that are there.
func newBlock(pool *message.Pool, size int64, there []byte, life int64) *block {
	first := int(size)
	if !earned(size, int64(len(there)), life) {
		first = len(there) + message.LargeChunk
	}
	b := &block{chunk: pool.Block(first), size: size}
	b.fill = copy(b.chunk.B, there)
	return b
}

// earned reports whether the peer has sent so much in its life, or of a frame of which
// so many octets are there, that memory for the whole of it may be asked for. Until
// then it is read piece by piece: who only claims to send much costs little.
func earned(size, there, life int64) bool {
	return size <= max(min(life, creditMost), there)+message.LargeChunk
}

// space is where the next octets of the frame go.
func (b *block) space() []byte { return b.chunk.B[b.fill:] }

// isWhole reports whether all of the frame is there, and makes room for more where
// it is not. The frame is the chunk then.
func (b *block) isWhole(pool *message.Pool, life int64) bool {
	if b.fill < len(b.chunk.B) {
		return false
	}
	if int64(len(b.chunk.B)) == b.size {
		return true
	}
	b.pieces = append(b.pieces, b.chunk)
	b.there += int64(b.fill)
	b.fill = 0
	if !earned(b.size, b.there, life) {
		b.chunk = pool.Chunk(message.LargeChunk)
		return false
	}
	b.chunk = pool.Block(int(b.size))
	for _, piece := range b.pieces {
		b.fill += copy(b.chunk.B[b.fill:], piece.B)
		piece.Release()
	}
	b.pieces = nil
	return b.fill == len(b.chunk.B)
}

// release gives the memory back.
func (b *block) release() {
	b.chunk.Release()
	for _, piece := range b.pieces {
		piece.Release()
	}
}

// beginBlock starts a block for a frame of size octets that begins at parsed
// and is not all there.
func (z *zmtpIn) beginBlock(size int64) {
	z.cut()
	z.block = newBlock(z.pool, size, z.chunk.B[z.parsed:z.fill], z.life)
	z.parsed = z.fill
	z.from, z.begun = z.fill, z.fill
}

// fillBlock goes on when octets of a frame with a block have come in.
func (z *zmtpIn) fillBlock() error {
	b := z.block
	if !b.isWhole(z.pool, z.life) {
		return nil
	}
	if z.end.Room() == 0 {
		z.paused = true
		return nil
	}
	z.block = nil
	return z.takeBlock(b.chunk)
}

// takeBlock deals with a frame that is all of a chunk, for whose message there is room.
// What came before it is cut off.
func (z *zmtpIn) takeBlock(c *message.Chunk) error {
	z.large, z.blocked = true, true
	flags := zmtp.Flags(c.B[0])
	if flags&zmtp.FlagCommand != 0 {
		return z.blockCommand(c)
	}
	last := 0
	if flags&zmtp.FlagMore == 0 {
		last = 1
	}
	z.part = append(z.part, pipe.NewWholeSpan(c, last, z.peer))
	if last == 0 {
		return z.countFrame(zmtp.FlagMore)
	}
	z.frames, z.whole = 0, true
	z.takePart()
	z.count++
	z.deliver()
	return nil
}

// blockCommand deals with a command that is as large as a large frame: a
// subscription to a very long topic, or nothing that concerns us.
func (z *zmtpIn) blockCommand(c *message.Chunk) error {
	body := c.B[zmtp.MaxHeader:]
	if z.isSubscription(body) {
		z.ready = append(z.ready, pipe.NewWholeSpan(c, 1, z.peer))
		z.count++
		z.whole = true
		z.deliver()
		return nil
	}
	z.whole = false
	z.to.command(body)
	c.Release()
	return nil
}
