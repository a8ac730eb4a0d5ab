package zmtp

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// feed gives stream to d in segments of at most size octets and returns copies of
// the frames that came out, with the error that ended it: ErrShort for a stream
// that was right to its end.
func feed(tb testing.TB, d *Decoder, stream []byte, size int) ([]Frame, error) {
	tb.Helper()
	var frames []Frame
	for len(stream) > 0 {
		segment := stream[:min(size, len(stream))]
		stream = stream[len(segment):]
		for {
			f, n, err := d.Next(segment)
			if n < 0 || n > len(segment) {
				tb.Fatalf("Next took %d octets of %d", n, len(segment))
			}
			if held, most := d.held(), d.fed+max(d.ahead, 1); held > most {
				tb.Fatalf("decoder holds %d octets of memory after %d octets of input", held, d.fed)
			}
			if errors.Is(err, ErrShort) {
				if n != len(segment) {
					tb.Fatalf("Next is short, but took %d octets of %d", n, len(segment))
				}
				break
			}
			if err != nil {
				return frames, err
			}
			if f.Body == nil {
				tb.Fatal("Next returned a frame with a nil body")
			}
			f.Body = bytes.Clone(f.Body)
			frames = append(frames, f)
			segment = segment[n:]
		}
	}
	return frames, ErrShort
}

// held is the memory that d keeps for bodies.
func (d *Decoder) held() int64 {
	held := int64(cap(d.body))
	for _, block := range d.blocks {
		held += int64(cap(block))
	}
	return held
}

func sameFrames(a, b []Frame) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Flags != b[i].Flags || !bytes.Equal(a[i].Body, b[i].Body) {
			return false
		}
	}
	return true
}

func pattern(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestDecoderGivesTheSameFramesWhateverTheSegments(t *testing.T) {
	for _, version := range []Version{V10, V20, V31} {
		for _, c := range []struct {
			ahead int64
			sizes []int
		}{
			{1, []int{0, 1, 252, 253, 254, 255, 256, 257, 3, 0, 700, 300}},
			{300, []int{0, 255, 256, 4000, 2, 5000, 10000, 20000}},
			{maxAhead, []int{4000, 65535, 65536, 65537, 300000, 3, 0, 200000, 70000}},
		} {
			var stream []byte
			var want []Frame
			for i, size := range c.sizes {
				f := Frame{Flags(i) & FlagMore, pattern(size)}
				if version.UsesV1Framing() {
					stream = AppendFrameV1(stream, f.Flags, f.Body)
				} else {
					stream = AppendFrame(stream, f.Flags, f.Body)
				}
				want = append(want, f)
			}
			for _, segment := range []int{1, 2, 7, 9, 10, 1000, 8192, 65536, 100000, len(stream)} {
				d := NewDecoder(version, -1)
				d.ahead = c.ahead
				got, err := feed(t, d, stream, segment)
				if err != ErrShort || !sameFrames(got, want) {
					t.Errorf("%v in segments of %d, %d ahead: got %d frames and %v, want %d frames", version, segment, c.ahead, len(got), err, len(want))
				}
			}
		}
	}
}

func TestDecoderLimitIsForEachBodyAndInclusive(t *testing.T) {
	for _, version := range []Version{V10, V31} {
		appendHeader := AppendHeader
		if version.UsesV1Framing() {
			appendHeader = AppendHeaderV1
		}
		for _, c := range []struct {
			name  string
			limit int64
			size  int
			want  error
		}{
			{"equal is fine", 40, 40, ErrShort},
			{"one more is too large", 40, 41, ErrTooLarge},
			{"zero lets empty frames through", 0, 0, nil},
			{"zero refuses a single octet", 0, 1, ErrTooLarge},
			{"minus one is no limit", -1, 1 << 30, ErrShort},
			{"any negative number is no limit", math.MinInt64, 1 << 30, ErrShort},
			{"the largest number is no limit", math.MaxInt64, 1 << 30, ErrShort},
			{"without a limit, memory is one", -1, math.MaxInt, map[bool]error{true: ErrTooLarge, false: ErrShort}[math.MaxInt > maxBody]},
		} {
			t.Run(version.String()+" "+c.name, func(t *testing.T) {
				d := NewDecoder(version, c.limit)
				_, _, err := d.Next(appendHeader(nil, 0, c.size))
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if d.held() > 0 {
					t.Errorf("%d octets of memory were asked for by a header alone", d.held())
				}
			})
		}
	}
}

func TestDecoderErrorSticks(t *testing.T) {
	d := NewDecoder(V31, 1)
	stream := []byte{0, 2, 'h', 'i', 0, 0}
	for range 3 {
		if _, n, err := d.Next(stream); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("got %v, want %v", err, ErrTooLarge)
		} else {
			stream = stream[n:]
		}
	}
}

func TestDecoderAsksForALargeBodyOnlyWhenAsMuchHasCome(t *testing.T) {
	const size = 1 << 30
	d := NewDecoder(V31, -1)
	stream := AppendHeader(nil, 0, size)
	block := pattern(5000)
	for fed := 0; fed < 1<<22; fed += len(block) {
		if _, _, err := d.Next(append(stream, block...)); err != ErrShort {
			t.Fatal(err)
		}
		stream = nil
		if most := int64(fed + len(block) + maxAhead); d.held() > most {
			t.Fatalf("%d octets held after %d", d.held(), fed)
		}
	}
}

func TestAppendingToABodyLeavesWhatFollowsIt(t *testing.T) {
	stream := AppendFrame(AppendFrame(nil, 0, []byte("one")), 0, []byte("two"))
	want := bytes.Clone(stream)
	d := NewDecoder(V31, -1)
	f, _, err := d.Next(stream)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(f.Body, "overwritten"...)
	if !bytes.Equal(stream, want) {
		t.Errorf("stream became %q", stream)
	}
}

func TestDecoderLetsGoOfALargeBody(t *testing.T) {
	stream := AppendFrame(nil, 0, pattern(1<<20))
	d := NewDecoder(V31, -1)
	if frames, _ := feed(t, d, stream, 8192); len(frames) != 1 {
		t.Fatalf("got %d frames, want 1", len(frames))
	}
	if d.held() > maxAhead {
		t.Errorf("%d octets held after the frame was taken", d.held())
	}
}

func TestDecoderAllocatesNothingForFramesThatFitItsBuffer(t *testing.T) {
	stream := AppendFrame(nil, 0, pattern(1000))
	d := NewDecoder(V31, -1)
	round := func() {
		for _, part := range [][]byte{stream, stream[:1], stream[1:500], stream[500:]} {
			if _, _, err := d.Next(part); err != nil && err != ErrShort {
				t.Fatal(err)
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round, want none", n)
	}
}

func BenchmarkDecoder(b *testing.B) {
	var stream []byte
	for range 500 {
		stream = AppendFrame(stream, 0, pattern(16))
	}
	d := NewDecoder(V31, -1)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := stream; len(rest) > 0; {
			_, n, err := d.Next(rest)
			if err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
}

// TestWhatAConnectionEarnsHasABound lets one that has brought much claim more.
func TestWhatAConnectionEarnsHasABound(t *testing.T) {
	for _, size := range []int64{maxCredit, maxCredit + 2*maxAhead, 1 << 30} {
		d := NewDecoder(V20, -1)
		d.fed = 1 << 45
		if _, _, err := d.Next(append(AppendHeader(nil, 0, int(size)), 'x')); !errors.Is(err, ErrShort) {
			t.Fatal(err)
		}
		if got, most := int64(cap(d.body)), maxCredit+int64(maxAhead); got > most || size > most && got > maxAhead {
			t.Errorf("a claim of %d octets gets %d at once", size, got)
		}
	}
}
