package engine

import (
	"bytes"
	"encoding/binary"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

const (
	// hugeChunk is the size, in octets, of the chunks that large frames are
	// read into: several at a time, each left where it was read.
	hugeChunk = 4 * message.LargeChunk
	// blockFrom is the encoded size from which a frame that is not yet whole is
	// read into a block of its own: it would not fit a huge chunk twice.
	blockFrom = hugeChunk / 2
	// hugeFrom is the encoded size from which frames ask for huge chunks.
	hugeFrom = message.LargeChunk / 2
	// afterBlock is how much is read at once behind a frame that had a block:
	// another one probably follows, and what is read of it here is copied.
	afterBlock = 4 << 10
	// writeLimit is how much is written at once, in octets, so that room is
	// announced while a long queue is still going out.
	writeLimit = 1 << 20
)

var (
	subscribePrefix = []byte("\x09SUBSCRIBE")
	cancelPrefix    = []byte("\x06CANCEL")
)

// zmtpIn is the receiving half of a connection that speaks 2.0 or later. It
// walks the headers of what was read and hands runs of whole messages to the
// pipe; the frames of an unfinished one wait here.
//
//	chunk: [ handed over | from … whole messages … | begun … | parsed … octets of an unfinished frame … | fill )
type zmtpIn struct {
	end  *pipe.End
	pool *message.Pool
	peer *message.Peer
	cfg  *Config
	to   commander

	chunk  *message.Chunk
	from   int // octets before it belong to spans
	begun  int // where the unfinished message begins, or parsed
	parsed int
	fill   int

	messages int // whole ones in [from, begun)
	frames   int // of the unfinished message, in all its chunks

	part  []pipe.Span // frames of the unfinished message in earlier chunks
	ready []pipe.Span // to be delivered
	count int         // messages that end in ready

	block *block // the frame that is being read, if it has one
	need  int    // octets of the unfinished frame behind parsed, when its size is known
	life  int64  // octets received in all

	blocked bool // the last frame had a block
	large   bool // the last frame was one for huge chunks
	busy    bool // the last read brought much
	whole   bool // a frame has come since the last command, or since heard
	paused  bool // the mark is reached; parsing goes on when there is room

	borrowed bool // the chunk is shared with others, until what was read is handled
}

// A commander takes the body of each command that is not a subscription.
type commander interface{ command(body []byte) }

func newZMTPIn(end *pipe.End, pool *message.Pool, peer *message.Peer, cfg *Config, to commander) *zmtpIn {
	return &zmtpIn{end: end, pool: pool, peer: peer, cfg: cfg, to: to}
}

// preload takes octets that came along with the handshake; the first call of
// received handles them.
func (z *zmtpIn) preload(b []byte) {
	if len(b) > 0 {
		z.chunk = chunkOf(z.pool, b)
		z.fill = len(b)
		z.life = int64(len(b))
	}
}

// chunkOf returns a chunk that begins with b and has room behind it. A handshake reads
// little ahead, but for one in which somebody was asked.
func chunkOf(pool *message.Pool, b []byte) *message.Chunk {
	var c *message.Chunk
	if len(b) < message.LargeChunk {
		c = pool.Chunk(len(b) + 1)
	} else {
		c = pool.Block(len(b) + message.SmallChunk)
	}
	copy(c.B, b)
	return c
}

// space returns where the next octets go.
func (z *zmtpIn) space() []byte {
	if most := z.cfg.ReadMost; most > 0 {
		room := z.room()
		return room[:min(len(room), most)]
	}
	return z.room()
}

// room is all the space that there is.
func (z *zmtpIn) room() []byte {
	if z.block != nil {
		return z.block.space()
	}
	switch {
	case z.chunk == nil && z.large && z.life >= hugeChunk:
		z.chunk = z.newChunk(hugeChunk)
	case z.chunk == nil:
		z.chunk = z.pool.Chunk(message.SmallChunk)
	case z.fill == z.from && z.chunk.Sole(), len(z.chunk.B)-z.fill < len(z.chunk.B)/4, z.need > len(z.chunk.B)-z.parsed:
		z.renew()
	}
	room := z.chunk.B[z.fill:]
	if z.blocked && len(room) > afterBlock {
		room = room[:afterBlock]
	}
	return room
}

// renew begins a chunk: the same one again when nobody else holds it, a small
// one when little comes in. What is unfinished moves along.
func (z *zmtpIn) renew() {
	if z.begun < z.parsed {
		z.chunk.Retain()
		z.part = append(z.part, pipe.NewSpan(z.chunk, z.begun, z.parsed, 0, z.peer))
	}
	tail := z.chunk.B[z.parsed:z.fill]
	size := message.SmallChunk
	switch {
	case z.need > message.LargeChunk, z.large && z.busy && z.life >= hugeChunk:
		size = hugeChunk
	case z.busy, z.need > message.SmallChunk/2, len(tail) > message.SmallChunk/2:
		size = message.LargeChunk
	}
	if z.chunk.Sole() && len(z.chunk.B) == size {
		z.fill = copy(z.chunk.B, tail)
	} else {
		next := z.newChunk(size)
		z.fill = copy(next.B, tail)
		z.chunk.Release()
		z.chunk = next
	}
	z.from, z.begun, z.parsed = 0, 0, 0
}

// roomFor sees to it that n octets, at most hugeFrom and a header, can be written at fill.
// Everything that is there was parsed.
func (z *zmtpIn) roomFor(n int) {
	switch {
	case z.chunk != nil:
		z.need = n
		z.renew()
		z.need = 0
	case z.busy || n > message.SmallChunk/2:
		z.chunk = z.pool.Chunk(message.LargeChunk)
	default:
		z.chunk = z.pool.Chunk(message.SmallChunk)
	}
}

func (z *zmtpIn) newChunk(size int) *message.Chunk {
	if size == hugeChunk {
		return z.pool.Block(size)
	}
	return z.pool.Chunk(size)
}

// received takes note of n octets in the space and handles them. An error ends
// the connection.
func (z *zmtpIn) received(n int) error {
	z.life += int64(n)
	if z.block != nil {
		z.block.fill += n
		return z.fillBlock()
	}
	z.busy = n >= message.SmallChunk/2
	z.fill += n
	return z.parse()
}

// resume goes on with what was held back when the mark was reached.
func (z *zmtpIn) resume() error {
	z.paused = false
	if z.block != nil {
		return z.fillBlock()
	}
	return z.parse()
}

// readOn is resume as far as messages of one plain frame go, which cannot fail and
// concern nobody but the pipe. It reports whether the mark is reached again;
// otherwise what comes next is resume's.
func (z *zmtpIn) readOn() (again bool) {
	if !z.paused || z.block != nil || z.chunk == nil {
		return false
	}
	room := z.end.Room()
	if room == 0 {
		return true
	}
	z.plainFrames(z.chunk.B[:z.fill], room)
	if z.messages == 0 {
		return false
	}
	z.deliver()
	return z.end.Room() == 0
}

func (z *zmtpIn) waiting() bool { return z.paused }

func (z *zmtpIn) heard() bool {
	whole := z.whole
	z.whole = false
	return whole
}

// parse handles the frames that are whole, up to the mark, and delivers.
func (z *zmtpIn) parse() error {
	for z.parsed < z.fill {
		room := z.end.Room()
		if room == 0 {
			z.paused = true
			return nil
		}
		more, err := z.frameByFrame(room)
		z.deliver()
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// frameByFrame handles the frames that are whole, up to room messages, and
// reports whether it stopped for want of room.
func (z *zmtpIn) frameByFrame(room int) (more bool, err error) {
	b := z.chunk.B[:z.fill]
	z.need = 0
	for {
		z.plainFrames(b, room)
		if z.count+z.messages >= room {
			return true, nil
		}
		h, n, err := zmtp.ParseHeader(b[z.parsed:])
		if err == zmtp.ErrShort {
			return false, nil
		}
		if err == nil {
			err = h.Check(z.cfg.MaxMessageSize)
		}
		if err != nil {
			return false, err
		}
		size := int64(n) + h.Size
		z.large = size > hugeFrom
		if size > int64(len(b)-z.parsed) {
			if size > blockFrom || z.large && z.life < hugeChunk {
				z.beginBlock(size)
			} else {
				z.need = int(size)
			}
			return false, nil
		}
		z.blocked = false
		body := z.parsed + n
		end := z.parsed + int(size)
		if h.Flags&zmtp.FlagCommand != 0 {
			z.handleCommand(b[body:end], end)
			continue
		}
		z.parsed = end
		if err := z.countFrame(h.Flags); err != nil {
			return false, err
		}
	}
}

// plainFrames steps over messages of one frame that is not large, which most are,
// while nothing else comes.
func (z *zmtpIn) plainFrames(b []byte, room int) {
	if len(z.part) > 0 || z.begun != z.parsed {
		return
	}
	at, n := z.parsed, 0
	most := room - z.count - z.messages
	limit := uint64(hugeFrom - zmtp.MaxHeader)
	if z.cfg.MaxMessageSize >= 0 {
		limit = min(limit, uint64(z.cfg.MaxMessageSize))
	}
	for n < most && len(b)-at >= 2 {
		body, size := 2, uint64(b[at+1])
		if b[at] != 0 {
			if zmtp.Flags(b[at]) != zmtp.FlagLong || len(b)-at < zmtp.MaxHeader {
				break
			}
			body, size = zmtp.MaxHeader, binary.BigEndian.Uint64(b[at+1:])
		}
		if size > limit || int(size) > len(b)-at-body {
			break
		}
		at += body + int(size)
		n++
	}
	if n > 0 {
		z.parsed, z.begun = at, at
		z.messages += n
		z.whole, z.large, z.blocked = true, false, false
		z.frames = 0
	}
}

// countFrame takes note of a whole frame that ends at parsed.
func (z *zmtpIn) countFrame(flags zmtp.Flags) error {
	z.whole = true
	if flags&zmtp.FlagMore == 0 {
		z.frames = 0
		z.messages++
		z.begun = z.parsed
		if len(z.part) > 0 {
			z.cut()
		}
		return nil
	}
	z.frames++
	if z.cfg.MaxFrames > 0 && z.frames >= z.cfg.MaxFrames {
		return &zmtp.ProtocolError{Rule: zmtp.ErrTooManyFrames}
	}
	return nil
}

// handleCommand deals with a command whose frame ends at end. Subscriptions
// travel in the pipe as they are, like messages; everything else is cut out. One
// that comes between the frames of a message counts at once, as it does for
// libzmq, whose XPUB however takes it for a frame of that message; here it goes
// ahead of the message.
func (z *zmtpIn) handleCommand(body []byte, end int) {
	subscription := z.isSubscription(body)
	if subscription && z.begun == z.parsed && len(z.part) == 0 {
		z.parsed, z.begun, z.whole = end, end, true
		z.messages++
		return
	}
	z.cut()
	if subscription {
		z.chunk.Retain()
		z.ready = append(z.ready, pipe.NewSpan(z.chunk, z.parsed, end, 1, z.peer))
		z.count++
	} else {
		z.to.command(body)
	}
	z.whole = subscription
	z.parsed, z.from, z.begun = end, end, end
}

// isSubscription reports whether a command is one that the socket wants.
func (z *zmtpIn) isSubscription(body []byte) bool {
	return z.cfg.Publisher && (bytes.HasPrefix(body, subscribePrefix) || bytes.HasPrefix(body, cancelPrefix))
}

// cut makes spans of everything before parsed: whole messages to be delivered,
// and what there is of an unfinished one.
func (z *zmtpIn) cut() {
	if z.messages > 0 {
		z.takePart()
		z.chunk.Retain()
		z.ready = append(z.ready, pipe.NewSpan(z.chunk, z.from, z.begun, z.messages, z.peer))
		z.count += z.messages
		z.messages = 0
	}
	if z.begun < z.parsed {
		z.chunk.Retain()
		z.part = append(z.part, pipe.NewSpan(z.chunk, z.begun, z.parsed, 0, z.peer))
		z.begun = z.parsed
	}
	z.from = z.begun
}

// takePart makes ready what there was of a message that is whole now.
func (z *zmtpIn) takePart() {
	z.ready = append(z.ready, z.part...)
	clear(z.part) // or the connection would keep the memory of a large frame alive
	z.part = z.part[:0]
}

// deliver hands over every whole message.
func (z *zmtpIn) deliver() {
	if z.messages > 0 {
		z.takePart()
		z.chunk.Retain()
		z.ready = append(z.ready, pipe.NewSpan(z.chunk, z.from, z.begun, z.messages, z.peer))
		z.count += z.messages
		z.messages = 0
		z.from = z.begun
	}
	if z.count == 0 {
		return
	}
	z.end.Deliver(z.ready, z.count)
	clear(z.ready)
	z.ready, z.count = z.ready[:0], 0
}

// idle gives back the chunk, if nothing lies in it that is unfinished. One of
// which the beginning is still being read by the socket is filled further, unless
// it is huge.
func (z *zmtpIn) idle() {
	if z.chunk != nil && z.from == z.fill && z.block == nil && (z.large || z.chunk.Sole()) {
		z.forget()
	}
}

// forget lets go of the chunk.
func (z *zmtpIn) forget() {
	z.chunk.Release()
	z.chunk, z.borrowed = nil, false
	z.from, z.begun, z.parsed, z.fill = 0, 0, 0, 0
}

// rest gives memory back that a connection needs only while octets come in.
func (z *zmtpIn) rest() {
	if z.block != nil {
		z.block.release()
		z.block = nil
	}
	if z.chunk != nil {
		z.chunk.Release()
		z.chunk = nil
	}
	pipe.ReleaseAll(z.part)
	z.part = nil
	z.from, z.begun, z.parsed, z.fill = 0, 0, 0, 0
	z.paused = false
}

// zmtpOut is the sending half towards a peer that reads what the pipe holds,
// octet for octet.
type zmtpOut struct{ out *pipe.Outgoing }

func (z zmtpOut) next(b [][]byte) ([][]byte, pipe.Status) {
	if st := z.out.Take(); st != pipe.OK {
		return b, st
	}
	return z.out.Buffers(b, writeLimit, listMost), pipe.OK
}

func (z zmtpOut) written(n int) { z.out.Wrote(n) }

func (z zmtpOut) between() bool { return z.out.Between() }
