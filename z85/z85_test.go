package z85_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"zeromux/z85"
)

// The test vector of RFC 32 "Test Case"; and from libzmq's manual, and by pyzmq 24.0.1
// over libzmq 4.3.4, the borders of a group, and two keys.
var vectors = map[string]struct {
	octets []byte
	text   string
}{
	"the test case of RFC 32": {[]byte{0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b}, "HelloWorld"},
	"the smallest group":      {[]byte{0, 0, 0, 0}, "00000"},
	"the largest group":       {[]byte{0xff, 0xff, 0xff, 0xff}, "%nSc0"},
	"the most significant octet comes first": {
		[]byte{0, 0, 0, 1, 1, 0, 0, 0}, "000010rr91",
	},
	"letters": {[]byte("abcd"), "vpA.S"},
	"a key": {
		[]byte("\x8e\x0b\xdd\x69\x76\x28\xb9\x1d\x8f\x24\x55\x87\xee\x95\xc5\xb0\x4d\x48\x96\x3f\x79\x25\x98\x77\xb4\x9c\xd9\x06\x3a\xea\xd3\xb7"),
		"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
	},
}

func TestVectorsReadAndWriteTheSame(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			if text, err := z85.EncodeToString(v.octets); text != v.text || err != nil {
				t.Errorf("written %q, %v, want %q", text, err, v.text)
			}
			if octets, err := z85.DecodeString(v.text); !bytes.Equal(octets, v.octets) || err != nil {
				t.Errorf("read %x, %v, want %x", octets, err, v.octets)
			}
		})
	}
}

func TestEveryCharacterHasItsValue(t *testing.T) {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
	for i := range 256 {
		text := "0000" + string([]byte{byte(i)})
		octets, err := z85.DecodeString(text)
		value := strings.IndexByte(alphabet, byte(i))
		switch {
		case value < 0:
			if err != z85.CorruptInputError(4) {
				t.Errorf("%q: got %x, %v, want that its fifth character is wrong", text, octets, err)
			}
		case err != nil, !bytes.Equal(octets, []byte{0, 0, 0, byte(value)}):
			t.Errorf("%q: got %x, %v, want %d", text, octets, err, value)
		}
	}
}

func TestWhatIsNoZ85IsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		err  error
		read int // octets of the groups before
	}{
		"nothing":                            {"", z85.ErrLength, 0},
		"four characters":                    {"HelloWorl", z85.ErrLength, 0},
		"one character":                      {"HelloWorldH", z85.ErrLength, 0},
		"a blank":                            {"Hello Worl", z85.CorruptInputError(5), 4},
		"a newline at the end":               {"HelloWorl\n", z85.CorruptInputError(9), 4},
		"a NUL":                              {"Hell\x00World", z85.CorruptInputError(4), 0},
		"a letter that is not ASCII":         {"Hellö0", z85.ErrLength, 0},
		"the first octet of one":             {"Hell\xc3", z85.CorruptInputError(4), 0},
		"a tilde":                            {"HelloWo~ld", z85.CorruptInputError(7), 4},
		"the first group beyond 32 bits":     {"Hello%nSc1", z85.CorruptInputError(5), 4},
		"the last group there is":            {"#####", z85.CorruptInputError(0), 0},
		"an alien behind a group beyond all": {"#####~0000", z85.CorruptInputError(0), 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := z85.DecodeString(c.text)
			if err != c.err || len(got) != c.read {
				t.Errorf("got %d octets and %v, want %d and %v", len(got), err, c.read, c.err)
			}
		})
	}
}

func TestErrorsDoNotQuoteWhatTheyRefuse(t *testing.T) {
	const text = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni~Lh6"
	_, err := z85.DecodeString(text)
	if want := "z85: illegal text at offset 36"; fmt.Sprint(err) != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestOctetsThatMakeNoGroupsAreRefused(t *testing.T) {
	for n := range 13 {
		text, err := z85.EncodeToString(make([]byte, n))
		if n%4 == 0 {
			if err != nil || len(text) != z85.EncodedLen(n) || z85.DecodedLen(len(text)) != n {
				t.Errorf("%d octets: %q, %v", n, text, err)
			}
		} else if !errors.Is(err, z85.ErrLength) || text != "" {
			t.Errorf("%d octets: %q, %v, want ErrLength", n, text, err)
		}
	}
}

func TestAppendingKeepsWhatIsThere(t *testing.T) {
	long := make([]byte, 5, 100)
	copy(long, "before")
	for name, dst := range map[string][]byte{"nil": nil, "full": []byte("befor"), "with room": long} {
		t.Run(name, func(t *testing.T) {
			text, err := z85.AppendEncode(dst, vectors["the test case of RFC 32"].octets)
			if want := string(dst) + "HelloWorld"; string(text) != want || err != nil {
				t.Errorf("%q, %v, want %q", text, err, want)
			}
			if same, err := z85.AppendEncode(dst, []byte{1}); !bytes.Equal(same, dst) || err != z85.ErrLength {
				t.Errorf("%q, %v, want %q and ErrLength", same, err, dst)
			}
			octets, err := z85.AppendDecode(dst, []byte("vpA.S"))
			if want := string(dst) + "abcd"; string(octets) != want || err != nil {
				t.Errorf("%q, %v, want %q", octets, err, want)
			}
			if part, err := z85.AppendDecode(dst, []byte("vpA.S####~")); string(part) != string(dst)+"abcd" || err != z85.CorruptInputError(9) {
				t.Errorf("%q, %v, want the first group and where the second goes wrong", part, err)
			}
		})
	}
}

func TestTheyWriteNoFurtherThanTheySay(t *testing.T) {
	dst := bytes.Repeat([]byte{0xee}, 12)
	if n, err := z85.Encode(dst, vectors["the test case of RFC 32"].octets); n != 10 || err != nil || string(dst) != "HelloWorld\xee\xee" {
		t.Errorf("%d, %v: %q", n, err, dst)
	}
	if n, err := z85.Decode(dst, []byte("vpA.SvpA.S")); n != 8 || err != nil || string(dst) != "abcdabcdld\xee\xee" {
		t.Errorf("%d, %v: %q", n, err, dst)
	}
}

func TestAShortDestinationPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"Encode": func() { z85.Encode(make([]byte, 4), make([]byte, 4)) },
		"Decode": func() { z85.Decode(make([]byte, 3), []byte("00000")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it does not panic")
				}
			}()
			f()
		})
	}
}

// FuzzDecode holds what is read against what is written, both ways.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.text))
		f.Add(v.octets)
	}
	f.Add([]byte("%nSc1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		octets, err := z85.AppendDecode(nil, data)
		switch {
		case err == nil:
			if text, err := z85.EncodeToString(octets); text != string(data) || err != nil {
				t.Errorf("%q was read, %q, %v written", data, text, err)
			}
		case errors.As(err, new(z85.CorruptInputError)):
			if len(octets)%4 != 0 || len(octets) >= z85.DecodedLen(len(data)) {
				t.Errorf("%q: %d octets before %v", data, len(octets), err)
			}
		case err != z85.ErrLength || len(data) > 0 && len(data)%5 == 0:
			t.Errorf("%q: %v", data, err)
		}
		text, err := z85.AppendEncode(nil, data)
		if err != nil {
			if len(data)%4 == 0 {
				t.Errorf("%x: %v", data, err)
			}
			return
		}
		if back, err := z85.DecodeString(string(text)); len(data) > 0 && (err != nil || !bytes.Equal(back, data)) {
			t.Errorf("%x was written %q, and read %x, %v", data, text, back, err)
		}
	})
}

func ExampleEncodeToString() {
	text, err := z85.EncodeToString([]byte{0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b})
	fmt.Println(text, err)
	// Output: HelloWorld <nil>
}

func ExampleDecodeString() {
	octets, err := z85.DecodeString("HelloWorld")
	fmt.Printf("%x %v\n", octets, err)
	_, err = z85.DecodeString("Hello World!")
	fmt.Println(err)
	_, err = z85.DecodeString("Hello~orld")
	fmt.Println(err)
	// Output:
	// 864fd26fb559f75b <nil>
	// z85: the length is not that of whole groups
	// z85: illegal text at offset 5
}

func BenchmarkEncode(b *testing.B) {
	src, dst := make([]byte, 32), make([]byte, 40)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := z85.Encode(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	src, dst := []byte("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"), make([]byte, 32)
	b.SetBytes(int64(len(dst)))
	for b.Loop() {
		if _, err := z85.Decode(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
