package zmtp

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestV1HeaderCountsItsFlags(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags Flags
		size  int
		want  string
	}{
		{"an empty last frame", 0, 0, "\x01\x00"},
		{"an empty frame with more", FlagMore, 0, "\x01\x01"},
		{"the largest short body", 0, 253, "\xfe\x00"},
		{"the smallest long body", 0, 254, "\xff\x00\x00\x00\x00\x00\x00\x00\xff\x00"},
		{"a long body with more", FlagMore, 300, "\xff\x00\x00\x00\x00\x00\x00\x01\x2d\x01"},
		{"there are no commands", FlagCommand | FlagLong, 1, "\x02\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AppendHeaderV1(nil, c.flags, c.size)
			if string(got) != c.want {
				t.Errorf("got %x, want %x", got, c.want)
			}
			if HeaderSizeV1(c.size) != len(c.want) {
				t.Errorf("HeaderSizeV1: got %d, want %d", HeaderSizeV1(c.size), len(c.want))
			}
			h, n, err := ParseHeaderV1(got)
			if want := (Header{c.flags & FlagMore, int64(c.size)}); h != want || n != len(got) || err != nil {
				t.Errorf("read as %+v, %d, %v, want %+v, %d", h, n, err, want, len(got))
			}
			for short := range got {
				if _, _, err := ParseHeaderV1(got[:short]); err != ErrShort {
					t.Errorf("after %d octets: got %v, want %v", short, err, ErrShort)
				}
			}
		})
	}
}

func TestParseHeaderV1AcceptsWhatLibzmqAccepts(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets string
		want   Header
		n      int
	}{
		{"long form for an identity", "\xff\x00\x00\x00\x00\x00\x00\x00\x04\x00abc", Header{0, 3}, 10},
		{"a signature as the header of an identity", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", Header{FlagMore, 0}, 10},
		{"reserved bits", "\x03\xfehi", Header{0, 2}, 2},
		{"the largest body", "\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00", Header{0, math.MaxInt64}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, n, err := ParseHeaderV1([]byte(c.octets))
			if h != c.want || n != c.n || err != nil {
				t.Errorf("got %+v, %d, %v, want %+v, %d", h, n, err, c.want, c.n)
			}
		})
	}
}

func TestParseHeaderV1RefusesImpossibleLengths(t *testing.T) {
	for name, octets := range map[string]string{
		"zero in short form":      "\x00",
		"zero in long form":       "\xff\x00\x00\x00\x00\x00\x00\x00\x00",
		"one above the largest":   "\xff\x80\x00\x00\x00\x00\x00\x00\x01",
		"the largest of 64 bits":  "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"zero, with octets after": "\x00\x01\x02",
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := ParseHeaderV1([]byte(octets)); !errors.Is(err, ErrFrameSize) {
				t.Errorf("got %v, want %v", err, ErrFrameSize)
			}
		})
	}
}

func TestAppendFrameV1IsHeaderAndBody(t *testing.T) {
	got := AppendFrameV1([]byte("before"), FlagMore, []byte("hi"))
	if want := []byte("before\x03\x01hi"); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}
