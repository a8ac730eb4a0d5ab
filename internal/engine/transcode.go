package engine

import (
	"bytes"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

const (
	// transcodeLimit is about how many octets are written anew at a time, and
	// transcodeMessages how many messages at most.
	transcodeLimit    = 32 << 10
	transcodeMessages = 2 << 10
	// transcodeKept is of how many messages the ends are noted in memory that stays.
	transcodeKept = 64
)

// A recoder is the sending half towards a peer that does not read what the
// pipe holds: every message is written anew. It keeps both ends of each in
// mind, so that the pipe learns which messages have gone and which one a
// broken connection has cut in two.
type recoder struct {
	out *pipe.Outgoing
	// frame appends one frame as the peer reads it.
	frame func(b []byte, f *pipe.Frame) []byte

	b     []byte // written anew
	sent  int    // octets of b that are gone
	there int    // octets of the pipe that are accounted for, of those in b
	ends  []end  // of the messages in b
	gone  int    // messages of ends that are gone
}

// end is where a message ends, in the octets written anew and in those of the
// pipe.
type end struct{ here, there int }

func (r *recoder) next(b [][]byte) ([][]byte, pipe.Status) {
	for r.sent == len(r.b) {
		if st := r.out.Take(); st != pipe.OK {
			r.rest()
			return b, st
		}
		r.encode()
	}
	return append(b, r.b[r.sent:]), pipe.OK
}

// rest gives back, when nothing waits, what more than a small message took.
func (r *recoder) rest() {
	if cap(r.b) > message.SmallChunk || cap(r.ends) > transcodeKept {
		*r = recoder{out: r.out, frame: r.frame}
	}
}

// encode writes the next messages anew, the last one to its end.
func (r *recoder) encode() {
	r.b, r.ends = r.b[:0], r.ends[:0]
	r.sent, r.there, r.gone = 0, 0, 0
	there := 0
	w := r.out.Walk()
	for {
		f, ok := w.Next()
		if !ok {
			break
		}
		there += f.Size()
		r.b = r.frame(r.b, &f)
		if f.EndsMessage() {
			r.ends = append(r.ends, end{len(r.b), there})
			if len(r.b) >= transcodeLimit || len(r.ends) == transcodeMessages {
				break
			}
		}
	}
	r.written(0) // what left no octets is gone
}

func (r *recoder) written(n int) {
	r.sent += n
	for r.gone < len(r.ends) && r.ends[r.gone].here <= r.sent {
		r.out.Wrote(r.ends[r.gone].there - r.there)
		r.there = r.ends[r.gone].there
		r.gone++
	}
	var last end
	if r.gone > 0 {
		last = r.ends[r.gone-1]
	}
	if r.sent > last.here && r.there == last.there {
		r.out.Wrote(1)
		r.there++
	}
}

// between is true once all is written: what is written anew ends with a message.
func (r *recoder) between() bool { return r.sent == len(r.b) }

// frameV1 appends a frame as peers of 1.0 read it.
func frameV1(b []byte, f *pipe.Frame) []byte {
	flags, prefix, body := oldForm(f)
	b = zmtp.AppendHeaderV1(b, flags, len(prefix)+len(body))
	return append(append(b, prefix...), body...)
}

// frameV2 appends a frame as peers of 2.0 and 3.0 read it.
func frameV2(b []byte, f *pipe.Frame) []byte {
	flags, prefix, body := oldForm(f)
	b = zmtp.AppendHeader(b, flags, len(prefix)+len(body))
	return append(append(b, prefix...), body...)
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
