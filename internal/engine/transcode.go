package engine

import (
	"bytes"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

const (
	// transcodeSlack is how many octets a frame may take more than in the pipe.
	transcodeSlack = 128
	// transcodeFrames is how many frames are written anew at a time, at most, and
	// transcodeKept of how many the ends are noted in memory that stays.
	transcodeFrames = 2 << 10
	transcodeKept   = 64
)

// A recoder is the sending half towards a peer that does not read what the
// pipe holds: every frame is written anew, as many as a chunk holds at a time. It
// keeps both ends of each in mind, so that the pipe learns which messages have gone
// and which one a broken connection has cut in two.
type recoder struct {
	out  *pipe.Outgoing
	pool *message.Pool
	// frame appends one frame as the peer reads it. An error is final.
	frame func(b []byte, f *pipe.Frame) ([]byte, error)
	// failed is told of an error of frame.
	failed func(error)

	chunk *message.Chunk // where b lies; nil: nothing waits
	b     []byte         // written anew
	sent  int            // octets of b that are gone
	there int            // octets of the pipe that are accounted for, of those in b
	ends  []end          // of the frames in b
	gone  int            // frames of ends that are gone
	mid   bool           // the last frame in b does not end its message
	f     pipe.Frame     // the one that is being written anew; here, so that it costs nothing
	over  bool           // frame has failed
}

// end is where a frame ends, in the octets written anew and in those of the
// pipe.
type end struct{ here, there int }

func (r *recoder) next(b [][]byte) ([][]byte, pipe.Status) {
	for r.sent == len(r.b) {
		st := r.out.Take()
		if r.over {
			st = pipe.Empty
		}
		if st != pipe.OK {
			r.rest()
			return b, st
		}
		r.encode()
	}
	return append(b, r.b[r.sent:]), pipe.OK
}

// rest gives memory back when nothing waits.
func (r *recoder) rest() {
	r.b, r.sent = nil, 0
	if r.chunk != nil {
		r.chunk.Release()
		r.chunk = nil
	}
	if cap(r.ends) > transcodeKept {
		r.ends = nil
	}
	r.ends, r.gone = r.ends[:0], 0
}

// encode writes the next frames anew.
func (r *recoder) encode() {
	r.ends = r.ends[:0]
	r.sent, r.there, r.gone = 0, 0, 0
	r.b = r.b[:0]
	there := 0
	w := r.out.Walk()
	for len(r.ends) < transcodeFrames {
		var ok bool
		if r.f, ok = w.Next(); !ok || !r.makeRoom(r.f.Size()+transcodeSlack) {
			break
		}
		b, err := r.frame(r.b, &r.f)
		if err != nil {
			r.over = true
			r.failed(err)
			break
		}
		there += r.f.Size()
		r.b = b
		r.ends = append(r.ends, end{len(b), there})
		r.mid = !r.f.EndsMessage()
	}
	r.f = pipe.Frame{}
	r.written(0) // what left no octets is gone
}

// makeRoom sees to it that n octets more have a place in the chunk. It reports false
// when they have to wait until what is there has gone.
func (r *recoder) makeRoom(n int) bool {
	if n <= cap(r.b)-len(r.b) {
		return true
	}
	var c *message.Chunk
	switch {
	case len(r.b) == 0 && n > message.LargeChunk:
		c = r.pool.Block(n)
	case r.chunk == nil && n <= message.SmallChunk:
		c = r.pool.Chunk(message.SmallChunk)
	case n <= message.LargeChunk-len(r.b) && cap(r.b) < message.LargeChunk:
		c = r.pool.Chunk(message.LargeChunk)
	default:
		return false
	}
	b := append(c.B[:0], r.b...)
	if r.chunk != nil {
		r.chunk.Release()
	}
	r.chunk, r.b = c, b
	return true
}

func (r *recoder) written(n int) {
	r.sent += n
	for r.gone < len(r.ends) && r.ends[r.gone].here <= r.sent {
		r.gone++
	}
	var last end
	if r.gone > 0 {
		last = r.ends[r.gone-1]
	}
	if r.there < last.there {
		r.out.Wrote(last.there - r.there)
		r.there = last.there
	}
	if r.sent > last.here && r.there == last.there {
		r.out.Wrote(1)
		r.there++
	}
}

// between is true once all is written, if that ends with a message.
func (r *recoder) between() bool { return r.sent == len(r.b) && !r.mid }

// frameV1 appends a frame as peers of 1.0 read it.
func frameV1(b []byte, f *pipe.Frame) ([]byte, error) {
	flags, prefix, body := oldForm(f)
	b = zmtp.AppendHeaderV1(b, flags, len(prefix)+len(body))
	return append(append(b, prefix...), body...), nil
}

// frameV2 appends a frame as peers of 2.0 and 3.0 read it.
func frameV2(b []byte, f *pipe.Frame) ([]byte, error) {
	flags, prefix, body := oldForm(f)
	b = zmtp.AppendHeader(b, flags, len(prefix)+len(body))
	return append(append(b, prefix...), body...), nil
}

// oldForm turns a subscription, a command since 3.1, into the message that it
// was before: 1 or 0 and the topic.
func oldForm(f *pipe.Frame) (flags zmtp.Flags, prefix, body []byte) {
	if f.Flags&zmtp.FlagCommand == 0 {
		return f.Flags, nil, f.Body
	}
	if topic, cancel := bytes.CutPrefix(f.Body, cancelPrefix); cancel {
		return 0, zero, topic
	}
	return 0, one, bytes.TrimPrefix(f.Body, subscribePrefix)
}

var one, zero = []byte{1}, []byte{0}

// v1In is the receiving half of a connection that speaks 1.0: frames are
// written anew as 3.1 writes them and handled by a zmtpIn.
type v1In struct {
	*zmtpIn
	decoder *zmtp.Decoder
	along   []byte // came along with the handshake
	raw     []byte // where reads go
	held    []byte // written anew and not yet handled
	broken  error  // what came behind that; it counts once all of that is handled
}

func (v *v1In) space() []byte {
	if v.raw == nil {
		v.raw = make([]byte, 8<<10)
	}
	if most := v.cfg.ReadMost; most > 0 {
		return v.raw[:min(len(v.raw), most)]
	}
	return v.raw
}

func (v *v1In) received(n int) error {
	v.translate(v.along)
	v.along = nil
	v.translate(v.raw[:n])
	return v.handle()
}

// idle is zmtpIn's.
func (v *v1In) idle() {
	v.raw = nil
	v.zmtpIn.idle()
}

// translate writes the frames of rest anew, as far as they are whole.
func (v *v1In) translate(rest []byte) {
	for len(rest) > 0 && v.broken == nil {
		f, k, err := v.decoder.Next(rest)
		rest = rest[k:]
		switch err {
		case nil:
			v.held = zmtp.AppendFrame(v.held, f.Flags, f.Body)
		case zmtp.ErrShort:
		default:
			v.broken = err
		}
	}
}

func (v *v1In) resume() error {
	if err := v.zmtpIn.resume(); err != nil {
		return err
	}
	return v.handle()
}

// handle feeds what is held to the zmtpIn, until the mark is reached.
func (v *v1In) handle() error {
	for len(v.held) > 0 && !v.waiting() {
		n := copy(v.zmtpIn.room(), v.held)
		v.held = v.held[n:]
		if err := v.zmtpIn.received(n); err != nil {
			return err
		}
	}
	if len(v.held) > 0 || v.waiting() {
		return nil
	}
	v.held = nil
	return v.broken
}
