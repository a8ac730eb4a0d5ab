package zmtp

// maxAhead is the most memory, in octets, that a Decoder asks for beyond what the
// connection has brought in its life. One chunk of an ordinary read fits; a peer
// that only claims to send more costs no more than this.
const maxAhead = 64 << 10

// maxCredit bounds what a connection may earn in its life, in octets: a claim beyond it
// is believed as far as the frame itself has come.
const maxCredit = 64 << 20

// Frame is one frame as it came.
type Frame struct {
	// Flags has FlagMore and FlagCommand; of 1.0 frames only FlagMore.
	Flags Flags
	// Body is never nil. How long it is valid is said by whoever returns it.
	Body []byte
}

// Decoder cuts a stream of octets into frames, whatever segments it comes in.
// It belongs to one connection and one goroutine. The zero Decoder reads frames of
// 2.0 and later, of any size.
//
// A Decoder begins where the greeting ends: after Version.GreetingSize octets.
type Decoder struct {
	v1    bool
	over  int64 // the smallest body that is too large; zero: none is
	ahead int64 // zero means maxAhead; tests make it small
	fed   int64 // octets taken in the life of the connection

	head  [MaxHeaderV1]byte // the header, as long as it is incomplete
	nhead int

	inBody bool // the header is known, the body is being collected
	header Header
	left   int64    // octets of the body still to come
	body   []byte   // the last of the blocks; its capacity is what was asked for
	blocks [][]byte // full ones before it, while the body may not be asked for whole

	err error // sticks: after it the octets have no meaning
}

// NewDecoder returns a Decoder for the frames of a peer of version v. A body of
// more than maxFrame octets is an error; a negative maxFrame is no limit.
// libzmq: ZMQ_MAXMSGSIZE.
func NewDecoder(v Version, maxFrame int64) *Decoder {
	d := &Decoder{v1: v.UsesV1Framing()}
	if maxFrame >= 0 {
		d.over = maxFrame + 1 // of the largest number, that is no limit either
	}
	return d
}

// Next takes octets from the beginning of b up to the end of a frame, and returns
// the frame and how many octets it took. The next call goes on with b[n:].
//
// When b ends before the frame does, all of b is taken and the error is ErrShort.
// ErrFrameSize and ErrTooLarge are reported as soon as the header is complete,
// and again by every later call; n is then 0.
//
// The body may lie in b, or in memory that the next call uses again.
func (d *Decoder) Next(b []byte) (f Frame, n int, err error) {
	if d.err != nil {
		return Frame{}, 0, d.err
	}
	if !d.inBody {
		n, err = d.takeHeader(b)
		d.fed += int64(n)
		if err != nil {
			return Frame{}, n, err
		}
		if size := d.header.Size; size <= int64(len(b)-n) {
			end := n + int(size)
			d.fed += size
			return Frame{d.header.Flags, b[n:end:end]}, end, nil
		}
		if d.ahead == 0 {
			d.ahead = maxAhead
		}
		d.inBody, d.left = true, d.header.Size
		d.body = d.body[:0]
	}
	n += d.takeBody(b[n:])
	if d.left > 0 {
		return Frame{}, n, ErrShort
	}
	f = Frame{d.header.Flags, d.body}
	d.inBody = false
	if int64(cap(d.body)) > d.ahead {
		d.body = nil // one large frame must not hold its memory for ever
	}
	return f, n, nil
}

// takeHeader takes what belongs to a header from b, and checks the size.
func (d *Decoder) takeHeader(b []byte) (n int, err error) {
	whole := b
	if d.nhead > 0 {
		whole = d.head[:d.nhead+copy(d.head[d.nhead:], b)]
	}
	var h Header
	if d.v1 {
		h, n, err = ParseHeaderV1(whole)
	} else {
		h, n, err = ParseHeader(whole)
	}
	if err == ErrShort {
		d.nhead += copy(d.head[d.nhead:], b)
		return len(b), err
	}
	if err == nil {
		err = h.Check(d.over - 1)
	}
	if err != nil {
		d.err = err
		return 0, err
	}
	n -= d.nhead
	d.nhead, d.header = 0, h
	return n, nil
}

// takeBody takes what belongs to the body from b.
func (d *Decoder) takeBody(b []byte) int {
	b = b[:min(int64(len(b)), d.left)]
	n := len(b)
	for len(b) > 0 {
		if len(d.body) == cap(d.body) {
			d.grow()
		}
		m := copy(d.body[len(d.body):cap(d.body)], b)
		d.body = d.body[:len(d.body)+m]
		d.fed += int64(m)
		d.left -= int64(m)
		b = b[m:]
	}
	return n
}

// grow asks for memory for the rest of the body: for the whole body at once when
// the connection has brought nearly as much, else for one more block. The frame
// never ends within a block, since then the whole body would have been asked for.
func (d *Decoder) grow() {
	there := d.header.Size - d.left
	if d.header.Size > max(min(d.fed, maxCredit), there)+d.ahead {
		if len(d.body) > 0 {
			d.blocks = append(d.blocks, d.body)
		}
		d.body = make([]byte, 0, d.ahead)
		return
	}
	whole := make([]byte, 0, d.header.Size)
	for _, block := range d.blocks {
		whole = append(whole, block...)
	}
	d.body, d.blocks = append(whole, d.body...), nil
}
