package zmtp

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestFrameHeaderTakesTheShorterForm(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags Flags
		size  int
		want  string
	}{
		{"an empty last frame", 0, 0, "\x00\x00"},
		{"an empty frame with more", FlagMore, 0, "\x01\x00"},
		{"the largest short body", 0, 255, "\x00\xff"},
		{"the smallest long body", 0, 256, "\x02\x00\x00\x00\x00\x00\x00\x01\x00"},
		{"a long body with more", FlagMore, 300, "\x03\x00\x00\x00\x00\x00\x00\x01\x2c"},
		{"a short command", FlagCommand, 7, "\x04\x07"},
		{"a long command", FlagCommand, 65536, "\x06\x00\x00\x00\x00\x00\x01\x00\x00"},
		{"the caller's long flag makes no difference", FlagLong, 1, "\x00\x01"},
		{"reserved bits are not sent", 0xf8, 1, "\x00\x01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AppendHeader(nil, c.flags, c.size)
			if string(got) != c.want {
				t.Errorf("got %x, want %x", got, c.want)
			}
			if HeaderSize(c.size) != len(c.want) {
				t.Errorf("HeaderSize: got %d, want %d", HeaderSize(c.size), len(c.want))
			}
			h, n, err := ParseHeader(got)
			if want := (Header{c.flags & (FlagMore | FlagCommand), int64(c.size)}); h != want || n != len(got) || err != nil {
				t.Errorf("read as %+v, %d, %v, want %+v, %d", h, n, err, want, len(got))
			}
		})
	}
}

func TestParseHeaderAcceptsWhatLibzmqAccepts(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets string
		want   Header
		n      int
	}{
		{"long form for a small body", "\x02\x00\x00\x00\x00\x00\x00\x00\x02hi", Header{0, 2}, 9},
		{"reserved bits", "\xf9\x02hi", Header{FlagMore, 2}, 2},
		{"more on a command", "\x05\x07", Header{FlagMore | FlagCommand, 7}, 2},
		{"the largest size", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff", Header{0, math.MaxInt64}, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, n, err := ParseHeader([]byte(c.octets))
			if h != c.want || n != c.n || err != nil {
				t.Errorf("got %+v, %d, %v, want %+v, %d", h, n, err, c.want, c.n)
			}
			for short := range c.n {
				if _, _, err := ParseHeader([]byte(c.octets[:short])); err != ErrShort {
					t.Errorf("after %d octets: got %v, want %v", short, err, ErrShort)
				}
			}
		})
	}
}

func TestParseHeaderRefusesASizeAbove63Bits(t *testing.T) {
	for _, octets := range []string{"\x02\x80\x00\x00\x00\x00\x00\x00\x00", "\x06\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if _, _, err := ParseHeader([]byte(octets)); !errors.Is(err, ErrFrameSize) {
			t.Errorf("%x: got %v, want %v", octets, err, ErrFrameSize)
		}
	}
}

func TestAppendFrameIsHeaderAndBody(t *testing.T) {
	body := pattern(256)
	got := AppendFrame([]byte("before"), FlagMore, body)
	want := append([]byte("before\x03\x00\x00\x00\x00\x00\x00\x01\x00"), body...)
	if !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestHeadersAllocateNothing(t *testing.T) {
	b := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		for _, size := range []int{10, 1000} {
			if h, _, err := ParseHeader(AppendHeader(b, FlagMore, size)); err != nil || h.Check(1000) != nil {
				t.Fatal(err)
			}
			if _, _, err := ParseHeaderV1(AppendHeaderV1(b, FlagMore, size)); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"short", 64}, {"long", 4096}} {
		b.Run(c.name, func(b *testing.B) {
			buf := make([]byte, 0, MaxHeader)
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendHeader(buf[:0], FlagMore, c.size)
			}
		})
	}
}

func BenchmarkParseHeader(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"short", 64}, {"long", 4096}} {
		b.Run(c.name, func(b *testing.B) {
			header := AppendHeader(nil, FlagMore, c.size)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ParseHeader(header); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
