package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// A reader drives the receiving half of a connection as a driver does, without a
// connection, and writes down what the socket and the peer get of it.
type reader struct {
	testing.TB
	pool     message.Pool
	app, end *pipe.End
	in       inbound
	z        *zmtpIn // in, or what is within
	helps    bool    // whoever makes room goes on with what was held back
	room     bool    // said by the pipe, and not dealt with by helping
	lender   *lender // of memory that is shared with others; nil: there are none
	got      []string
	commands []string
}

// newReader makes the receiving half for a peer of a version. mark is the
// high-water mark; zero is none. mech opens frames that come sealed; nil: they do not.
func newReader(tb testing.TB, v zmtp.Version, cfg *Config, mark int, along []byte, mech mechanism.Mechanism) *reader {
	r := &reader{TB: tb}
	r.pool.Poison = true
	r.app, r.end = pipe.New(pipe.Config{Pool: &r.pool, RecvMark: mark, RecvMarkPeer: -1})
	r.app.Join(new(pipe.Hub))
	r.end.Carry(r)
	z := newZMTPIn(r.end, &r.pool, &message.Peer{}, cfg, r)
	r.in, r.z = z, z
	if mech != nil {
		opener := newSealedIn(r.end, &r.pool, &message.Peer{}, cfg, r, mech)
		opener.preload(along)
		r.in, r.z = opener, opener.z
		return r
	}
	if v.UsesV1Framing() {
		r.in = &v1In{zmtpIn: z, decoder: zmtp.NewDecoder(v, cfg.MaxMessageSize), along: along}
	} else {
		z.preload(along)
	}
	return r
}

// OutReady and InRoom make the reader the session of its pipe.
func (r *reader) OutReady(bool) {}
func (r *reader) InRoom()       { r.room = !r.helps || !r.z.readOn() }

func (r *reader) command(body []byte) { r.commands = append(r.commands, string(body)) }

// feed gives octets to the connection in reads of these sizes, over and over, and
// reads the socket whenever the mark is reached. It returns how the connection
// ended, or nil.
func (r *reader) feed(stream []byte, sizes []int) (err error) {
	for i := 0; ; i++ {
		n := 0
		z := borrowerOf(r.in)
		lent := z != nil && i > 0 && r.lender != nil
		if lent {
			r.lender.lend(z)
		}
		if i > 0 {
			space := r.in.space()
			if len(space) == 0 {
				r.Fatal("no space for the next octets")
			}
			n = copy(space, stream[:min(len(stream), sizes[i%len(sizes)])])
			stream = stream[n:]
		}
		err = r.in.received(n)
		if lent {
			r.lender.lent(z, err == nil && !r.in.waiting())
			r.neighbour()
		}
		for err == nil && r.in.waiting() {
			r.room = false
			if !r.drain(1) {
				r.Fatal("reading pauses, and nothing waits to be read")
			}
			for !r.room {
				if !r.drain(1) {
					r.Fatal("reading pauses for good: the socket has read all and there is no room")
				}
			}
			err = r.in.resume()
		}
		if err != nil || len(stream) == 0 {
			r.drain(1 << 30)
			r.in.rest()
			if r.lender != nil {
				r.lender.keep()
			}
			return err
		}
	}
}

// neighbour uses some of the shared memory.
func (r *reader) neighbour() {
	if l := r.lender; l.shared != nil {
		n := copy(l.shared.B[l.fill:], "\xee\xee\xee")
		l.fill += n
	}
}

// drain reads up to n messages and reports whether there was one.
func (r *reader) drain(n int) bool {
	var m message.Message
	k := 0
	for ; k < n && r.app.Read(&m) == pipe.OK; k++ {
		r.got = append(r.got, fmt.Sprintf("%.300q", textOf(&m)))
	}
	return k > 0
}

// errorText is what may be compared of an error.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ways are the segments in which a stream may come.
func ways(seed uint64) map[string][]int {
	random := rand.New(rand.NewPCG(seed, 1))
	var odd []int
	for range 20 {
		odd = append(odd, 1+random.IntN(1<<random.IntN(17)))
	}
	return map[string][]int{"whole": {1 << 30}, "octet by octet": {1}, "at random": odd, "by 4 KiB": {4096}, "by 100": {100}}
}

// sameHoweverItComes feeds a stream in several ways, with several marks, below zero
// those at which the socket helps, and checks that the outcome is always the same. It returns the outcome.
func sameHoweverItComes(tb testing.TB, v zmtp.Version, cfg *Config, stream []byte, seed uint64) (got, commands []string, err error) {
	return same(tb, v, cfg, stream, seed, func() mechanism.Mechanism { return nil })
}

// same is sameHoweverItComes of a stream that a mechanism opens.
func same(tb testing.TB, v zmtp.Version, cfg *Config, stream []byte, seed uint64, mech func() mechanism.Mechanism) (got, commands []string, err error) {
	first := true
	for _, mark := range []int{0, 1, -2, 2, 3, -5, 5, -40} {
		helps := mark < 0 && !v.UsesV1Framing()
		mark = max(mark, -mark)
		for way, sizes := range ways(seed) {
			if way == "octet by octet" && len(stream) > 100<<10 {
				continue
			}
			for _, along := range []int{0, min(len(stream), 300)} {
				r := newReader(tb, v, cfg, mark, stream[:along], mech())
				r.helps = helps
				if mark%2 == 1 {
					r.lender = &lender{pool: &r.pool}
				}
				end := r.feed(stream[along:], sizes)
				if first {
					got, commands, err, first = r.got, r.commands, end, false
					continue
				}
				what := fmt.Sprintf("%s, mark %d, %d octets along with the handshake", way, mark, along)
				if errorText(end) != errorText(err) {
					tb.Errorf("%s: ends with %v, want %v", what, end, err)
				}
				if !slices.Equal(r.got, got) {
					tb.Errorf("%s: %d messages, want %d:\n%.200s\n%.200s", what, len(r.got), len(got), r.got, got)
				}
				if !slices.Equal(r.commands, commands) {
					tb.Errorf("%s: commands %.200q, want %.200q", what, r.commands, commands)
				}
			}
		}
	}
	return got, commands, err
}

func frame2(flags zmtp.Flags, body string) []byte { return zmtp.AppendFrame(nil, flags, []byte(body)) }

var more, last, command = zmtp.FlagMore, zmtp.Flags(0), zmtp.FlagCommand

// streams are what peers send, with what must come of it.
var streams = []struct {
	name     string
	stream   [][]byte
	messages int
	commands int
	err      string
}{
	{"nothing", nil, 0, 0, ""},
	{"short messages", [][]byte{frame2(last, "a"), frame2(last, ""), frame2(more, "b"), frame2(last, "c")}, 3, 0, ""},
	{"a message that never ends", [][]byte{frame2(last, "a"), frame2(more, "b"), frame2(more, "c")}, 1, 0, ""},
	{
		"reserved bits and a long form that is not needed",
		[][]byte{{0xf8, 1, 'a'}, {2, 0, 0, 0, 0, 0, 0, 0, 1, 'b'}, {2, 0, 0, 0, 0, 0, 0, 0, 0}, frame2(last, "c")},
		4, 0, "",
	},
	{
		"commands between and within messages",
		[][]byte{
			frame2(command, "\x04PING\x00\x00"), frame2(last, "a"), frame2(more, "b"), frame2(command, "\x03odd"), frame2(last, "c"),
			frame2(command, ""), frame2(command|more, "\x05READY"), frame2(last, "d"),
		},
		3, 4, "",
	},
	{
		"a command in front of a large frame of the same message",
		[][]byte{frame2(more, "a"), frame2(command, "\x03odd"), frame2(more, numbered(1, 50<<10)), frame2(command, "\x03odd"), frame2(last, "z")},
		1, 2, "",
	},
	{"frames of all sizes", [][]byte{
		frame2(last, numbered(1, 255)), frame2(more, numbered(2, 256)), frame2(last, numbered(3, 4085)), frame2(more, numbered(4, 16<<10)),
		frame2(more, numbered(5, 33<<10)), frame2(last, numbered(6, 70<<10)), frame2(last, "end"),
	}, 4, 0, ""},
	{"large frames in a row", [][]byte{
		frame2(last, numbered(1, 32<<10)), frame2(last, numbered(2, 32<<10-9)), frame2(last, numbered(3, 200<<10)), frame2(more, numbered(4, 90<<10)), frame2(last, ""),
	}, 4, 0, ""},
	{"subscriptions", [][]byte{
		frame2(command, "\x09SUBSCRIBEa"), frame2(command, "\x06CANCELa"), frame2(last, "\x01b"), frame2(command|more, "\x09SUBSCRIBE"),
		frame2(command, "\x09SUBSCRIB"), frame2(command, "\x09SUBSCRIBE"+numbered(1, 40<<10)), frame2(command, "\x03odd"+numbered(2, 40<<10)),
	}, 5, 2, ""},
	{"subscriptions within a message", [][]byte{
		frame2(last, "a"), frame2(more, "b"), frame2(command, "\x09SUBSCRIBEa"), frame2(command, "\x06CANCELa"), frame2(command, "\x03odd"),
		frame2(more, numbered(1, 50<<10)), frame2(command, "\x09SUBSCRIBE"+numbered(2, 40<<10)), frame2(command, "\x09SUBSCRIBEb"), frame2(last, "c"),
		frame2(command, "\x09SUBSCRIBEc"), frame2(last, "d"),
	}, 8, 1, ""},
	{"a frame too large behind good ones", [][]byte{frame2(last, "a"), frame2(last, "b"), {2, 0, 0, 0, 1, 0, 0, 0, 0}, frame2(last, "c")}, 2, 0, "zmtp: frame too large (00 00 00 01 00 00 00 00)"},
	{"a size that cannot be", [][]byte{frame2(last, "a"), frame2(more, "b"), {2, 0xff, 0, 0, 0, 0, 0, 0, 0}}, 1, 0, "zmtp: impossible frame size (02 ff 00 00 00 00 00 00 00)"},
	{"as many frames as are allowed", [][]byte{
		frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(last, ""), frame2(last, "a"),
	}, 2, 0, ""},
	{"one frame more than is allowed", [][]byte{
		frame2(last, "a"),
		frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(last, ""), frame2(last, "b"),
	}, 1, 0, "zmtp: too many frames in a message"},
	{"one frame more than is allowed, of which one is large", [][]byte{
		frame2(last, "a"),
		frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(more, ""), frame2(more, numbered(1, 50<<10)), frame2(last, ""),
	}, 1, 0, "zmtp: too many frames in a message"},
}

func testConfig() *Config {
	return &Config{SocketType: "XPUB", Publisher: true, MaxMessageSize: 1 << 20, MaxFrames: 5}
}

func TestStreamsAreReadTheSameHoweverTheyCome(t *testing.T) {
	for _, test := range streams {
		t.Run(test.name, func(t *testing.T) {
			got, commands, err := sameHoweverItComes(t, zmtp.V31, testConfig(), slices.Concat(test.stream...), 1)
			if len(got) != test.messages || len(commands) != test.commands || errorText(err) != test.err {
				t.Errorf("%d messages, %d commands, error %q, want %d, %d, %q", len(got), len(commands), errorText(err), test.messages, test.commands, test.err)
			}
		})
	}
}

// A subscription that comes between the frames of a message counts at once, though
// the message may never end, and stays a message of its own.
func TestASubscriptionWithinAMessageGoesAheadOfIt(t *testing.T) {
	long := numbered(1, 70<<10)
	for _, test := range []struct {
		name   string
		stream [][]byte
		want   []string
	}{
		{"in a message that ends", [][]byte{
			frame2(last, "a"), frame2(more, "b"), frame2(command, "\x09SUBSCRIBEx"), frame2(more, "c"), frame2(command, "\x06CANCELx"), frame2(last, "d"), frame2(last, "e"),
		}, []string{`["a"]`, `["+x"]`, `["-x"]`, `["b" "c" "d"]`, `["e"]`}},
		{"in a message that does not end", [][]byte{frame2(more, "b"), frame2(command, "\x09SUBSCRIBEx")}, []string{`["+x"]`}},
		{"to a very long topic", [][]byte{
			frame2(more, "b"), frame2(command, "\x09SUBSCRIBE"+long), frame2(last, "c"),
		}, []string{fmt.Sprintf("%.300q", []string{"+" + long}), `["b" "c"]`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := sameHoweverItComes(t, zmtp.V31, testConfig(), slices.Concat(test.stream...), 1)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
	// To a socket that publishes nothing it is a command like any other.
	cfg := testConfig()
	cfg.Publisher = false
	got, commands, err := sameHoweverItComes(t, zmtp.V31, cfg, slices.Concat(frame2(more, "b"), frame2(command, "\x09SUBSCRIBEx"), frame2(last, "c")), 1)
	if err != nil || len(commands) != 1 || !slices.Equal(got, []string{`["b" "c"]`}) {
		t.Errorf("no publisher: got %q and commands %q, %v", got, commands, err)
	}
}

func frame1(flags zmtp.Flags, body string) []byte {
	return zmtp.AppendFrameV1(nil, flags, []byte(body))
}

func TestStreamsOf10AreReadTheSameHoweverTheyCome(t *testing.T) {
	for _, test := range []struct {
		name     string
		stream   [][]byte
		messages int
		err      string
	}{
		{"short messages", [][]byte{frame1(last, "a"), frame1(last, ""), frame1(more, "b"), frame1(last, "c")}, 3, ""},
		{"frames of all sizes", [][]byte{frame1(last, numbered(1, 253)), frame1(more, numbered(2, 254)), frame1(more, numbered(3, 255)), frame1(last, numbered(4, 70<<10)), frame1(last, "e")}, 3, ""},
		{"a length of zero behind good ones", [][]byte{frame1(last, "a"), frame1(last, "b"), {0}, frame1(last, "c")}, 2, "zmtp: impossible frame size (00)"},
		{"one frame more than is allowed", [][]byte{frame1(last, "a"), frame1(more, ""), frame1(more, ""), frame1(more, ""), frame1(more, ""), frame1(more, "")}, 1, "zmtp: too many frames in a message"},
		{"a frame too large behind good ones", [][]byte{frame1(last, "a"), {0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0}}, 1, "zmtp: frame too large (00 00 00 00 00 ff ff ff)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := sameHoweverItComes(t, zmtp.V10, testConfig(), slices.Concat(test.stream...), 1)
			if len(got) != test.messages || !strings.HasPrefix(errorText(err), test.err) || (err == nil) != (test.err == "") {
				t.Errorf("%d messages, error %q, want %d, %q", len(got), errorText(err), test.messages, test.err)
			}
		})
	}
}

// FuzzInbound feeds a stream whole, octet by octet and at random, with marks of
// several sizes: what comes of it is always the same.
func FuzzInbound(f *testing.F) {
	for _, test := range streams {
		stream := slices.Concat(test.stream...)
		f.Add(stream[:min(len(stream), 5000)], uint64(len(stream)), false)
	}
	f.Add(slices.Concat(frame1(more, "a"), frame1(last, "b"), frame1(last, numbered(1, 300)), []byte{0}), uint64(7), true)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, old bool) {
		v := zmtp.V31
		if old {
			v = zmtp.V10
		}
		sameHoweverItComes(t, v, testConfig(), stream[:min(len(stream), 8<<10)], seed)
	})
}

// TestALargeFrameIsJoinedOnce reads the first frame of a connection, far larger
// than anything that the peer has sent: memory is never more than 64 KiB ahead of
// what has come, and what has come is moved once.
func TestALargeFrameIsJoinedOnce(t *testing.T) {
	const size = 64 << 20
	r := newReader(t, zmtp.V31, &Config{MaxMessageSize: -1}, 0, nil, nil)
	z := r.in.(*zmtpIn)
	stream := zmtp.AppendHeader(nil, 0, size)
	joined, most, pieces := 0, 0, 0
	for left := len(stream) + size; left > 0; {
		space := r.in.space()
		n := copy(space, stream)
		stream = stream[n:]
		if n == 0 {
			n = min(len(space), left)
		}
		left -= n
		if err := r.in.received(n); err != nil {
			t.Fatal(err)
		}
		before := pieces
		pieces = 0
		if b := z.block; b != nil {
			pieces = len(b.pieces)
			held := len(b.chunk.B)
			for _, piece := range b.pieces {
				held += len(piece.B)
			}
			most = max(most, held-int(z.life))
		}
		if pieces < before {
			joined++
		}
	}
	if joined != 1 {
		t.Errorf("the frame was moved %d times", joined)
	}
	if most > message.LargeChunk {
		t.Errorf("memory was %d octets ahead of what the peer had sent", most)
	}
	if !r.drain(1) {
		t.Error("the frame did not arrive")
	}
	r.in.rest()
}

// A peer of which little has come that is unfinished keeps no more than a small chunk,
// and leaves the one that is shared to the others.
func TestLittleThatIsUnfinishedKeepsLittle(t *testing.T) {
	for name, octets := range map[string][]byte{
		"an octet":                       {0},
		"part of a frame":                zmtp.AppendFrame(nil, 0, []byte("hello"))[:5],
		"a message without its end":      zmtp.AppendFrame(nil, zmtp.FlagMore, []byte("hello")),
		"whole ones before it":           append(zmtp.AppendFrame(nil, 0, []byte("hello")), 0),
		"the header of a frame too huge": zmtp.AppendHeader(nil, 0, 1<<40),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, zmtp.V31, &Config{MaxMessageSize: -1}, 0, nil, nil)
			l := &lender{pool: &r.pool}
			l.lend(r.z)
			if err := r.in.received(copy(r.in.space(), octets)); err != nil {
				t.Fatal(err)
			}
			l.lent(r.z, true)
			if c := r.z.chunk; c != nil && len(c.B) > message.SmallChunk {
				t.Errorf("it keeps a chunk of %d octets", len(c.B))
			}
			if l.shared == nil {
				t.Error("the others have lost the shared chunk")
			}
			l.keep()
			r.drain(1)
			r.in.rest()
		})
	}
}

// TestWhatAPeerEarnsHasABound lets one that has sent much claim more than it may have
// ahead: memory for the whole of a frame is asked for up to the bound, and no further.
func TestWhatAPeerEarnsHasABound(t *testing.T) {
	for _, test := range []struct {
		size int64
		most int
	}{
		{creditMost, creditMost + zmtp.MaxHeader},
		{creditMost + 2*message.LargeChunk, 2 * message.LargeChunk},
		{1 << 30, 2 * message.LargeChunk},
	} {
		r := newReader(t, zmtp.V31, &Config{MaxMessageSize: -1}, 0, nil, nil)
		z := r.in.(*zmtpIn)
		z.life = 1 << 45
		n := copy(z.space(), zmtp.AppendHeader(nil, 0, int(test.size)))
		if err := z.received(n); err != nil {
			t.Fatal(err)
		}
		if got := len(z.block.chunk.B); got > test.most {
			t.Errorf("a claim of %d octets gets %d at once, want at most %d", test.size, got, test.most)
		}
		z.rest()
	}
}
