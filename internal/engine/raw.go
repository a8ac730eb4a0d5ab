package engine

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// rawChunk is the most octets of one message that STREAM receives, unless the
// configuration bounds reading otherwise. libzmq: ZMQ_IN_BATCH_SIZE.
const rawChunk = 8192

// rawMost is the most octets of one message that STREAM receives.
func (c *Config) rawMost() int {
	if c.ReadMost > 0 {
		return c.ReadMost
	}
	return rawChunk
}

// rawIn is the receiving half of a connection without protocol: what one read
// brings is one message.
type rawIn struct {
	end    *pipe.End
	pool   *message.Pool
	peer   *message.Peer
	most   int // octets of one read
	chunk  *message.Chunk
	fill   int
	held   int // octets read and not yet delivered
	paused bool
}

func (r *rawIn) space() []byte {
	if r.chunk != nil && (len(r.chunk.B)-r.fill < zmtp.MaxHeader+min(r.most, rawChunk/8)) {
		if r.chunk.Sole() {
			r.fill = 0
		} else {
			r.chunk.Release()
			r.chunk = nil
		}
	}
	if r.chunk == nil {
		r.chunk, r.fill = r.pool.Chunk(message.LargeChunk), 0
	}
	from := r.fill + zmtp.MaxHeader
	return r.chunk.B[from : from+min(len(r.chunk.B)-from, r.most)]
}

func (r *rawIn) received(n int) error {
	r.held = n
	return r.resume()
}

func (r *rawIn) resume() error {
	r.paused = false
	if r.held == 0 {
		return nil
	}
	if r.end.Room() == 0 {
		r.paused = true
		return nil
	}
	body := r.fill + zmtp.MaxHeader
	from := body - zmtp.HeaderSize(r.held)
	zmtp.AppendHeader(r.chunk.B[from:from], 0, r.held)
	r.fill = body + r.held
	r.held = 0
	r.chunk.Retain()
	span := [1]pipe.Span{pipe.NewSpan(r.chunk, from, r.fill, 1, r.peer)}
	r.end.Deliver(span[:], 1)
	return nil
}

func (r *rawIn) waiting() bool { return r.paused }

func (r *rawIn) heard() bool { return false }

func (r *rawIn) idle() {
	if r.held == 0 && r.chunk != nil && r.chunk.Sole() {
		r.rest()
	}
}

func (r *rawIn) rest() {
	if r.chunk != nil {
		r.chunk.Release()
		r.chunk = nil
	}
}

// frameRaw is a recoder's frame for STREAM: the body alone.
func frameRaw(b []byte, f *pipe.Frame) ([]byte, error) { return append(b, f.Body...), nil }
