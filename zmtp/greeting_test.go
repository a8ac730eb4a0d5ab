package zmtp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// greetingWith returns a 3.1 greeting in which some octets are others.
func greetingWith(at int, octets string) []byte {
	b := AppendGreeting(nil, Greeting{Mechanism: "NULL"}, 0)
	copy(b[at:], octets)
	return b
}

func TestAppendGreetingFillsEachField(t *testing.T) {
	got := AppendGreeting([]byte("before"), Greeting{Major: 3, Mechanism: "PLAIN", AsServer: true}, 255)
	want := "before" +
		"\xff\x00\x00\x00\x00\x00\x00\x01\x00\x7f" +
		"\x03\x00" + "PLAIN" + strings.Repeat("\x00", 15) + "\x01" + strings.Repeat("\x00", 31)
	if string(got) != want {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestGreetingWithoutMajorIs31(t *testing.T) {
	got, err := ParseGreeting(AppendGreeting(nil, Greeting{Minor: 9, Mechanism: "NULL"}, 0))
	if want := (Greeting{3, 1, "NULL", false}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestParseGreetingReadsWhatLibzmqReads(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want Greeting
	}{
		{"padding does not matter", greetingWith(1, "\xaa\xbb\xcc\xdd\xee\xff\x11\x22"), Greeting{3, 1, "NULL", false}},
		{"filler does not matter", greetingWith(33, strings.Repeat("\xaa", 31)), Greeting{3, 1, "NULL", false}},
		{"as-server is octet 32", greetingWith(32, "\x01"), Greeting{3, 1, "NULL", true}},
		{"an odd as-server is no server", greetingWith(32, "\xaa"), Greeting{3, 1, "NULL", false}},
		{"a later version is read alike", greetingWith(10, "\x07\x05"), Greeting{7, 5, "NULL", false}},
		{"major 2 is read alike", greetingWith(10, "\x02\x00"), Greeting{2, 0, "NULL", false}},
		{"the mechanism may fill its field", greetingWith(12, "ABCDEFGHIJ0123-_.+XY"), Greeting{3, 1, "ABCDEFGHIJ0123-_.+XY", false}},
		{"what follows is left alone", append(greetingWith(0, ""), "more"...), Greeting{3, 1, "NULL", false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseGreeting(c.b)
			if got != c.want || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestParseGreetingFailsAtTheOctetThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     []byte
		want  error
		code  ErrorCode
		after int // octets that decide
	}{
		{"another first octet", greetingWith(0, "\x01"), ErrSignature, 0, 1},
		{"an even end of signature", greetingWith(9, "\x7e"), ErrSignature, 0, 10},
		{"revision 0", greetingWith(10, "\x00"), ErrVersion, 0, 11},
		{"revision 1", greetingWith(10, "\x01"), ErrVersion, 0, 11},
		{"no mechanism", greetingWith(12, "\x00\x00\x00\x00"), ErrMechanismName, CodeMechanismMismatch, 64},
		{"a mechanism in small letters", greetingWith(12, "null"), ErrMechanismName, CodeMechanismMismatch, 64},
		{"octets after the mechanism's padding", greetingWith(17, "X"), ErrMechanismName, CodeMechanismMismatch, 64},
		{"only short", greetingWith(0, ""), nil, 0, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.b) + 1 {
				_, err := ParseGreeting(c.b[:n])
				if n < c.after {
					if err != ErrShort {
						t.Errorf("after %d octets: got %v, want %v", n, err, ErrShort)
					}
					continue
				}
				if !errors.Is(err, c.want) || CodeOf(err) != c.code {
					t.Errorf("after %d octets: got %v with %v, want %v with %v", n, err, CodeOf(err), c.want, c.code)
				}
			}
		})
	}
}

func TestOldGreetingNamesTheSocketType(t *testing.T) {
	b := AppendOldGreeting(nil, 8, 2)
	if want := "\xff\x00\x00\x00\x00\x00\x00\x00\x03\x7f\x03\x08"; string(b) != want {
		t.Fatalf("got %x, want %x", b, want)
	}
	b[10] = 1 // as a peer of 2.0 writes it
	for n := range OldGreetingSize {
		if _, err := ParseOldGreeting(b[:n]); err != ErrShort {
			t.Errorf("after %d octets: got %v, want %v", n, err, ErrShort)
		}
	}
	if got, err := ParseOldGreeting(b); got != 8 || err != nil {
		t.Errorf("got %d, %v, want 8", got, err)
	}
	for at, want := range map[int]error{0: ErrSignature, 9: ErrSignature, 10: ErrVersion} {
		wrong := bytes.Clone(b)
		wrong[at] = 4
		if _, err := ParseOldGreeting(wrong); !errors.Is(err, want) {
			t.Errorf("octet %d wrong: got %v, want %v", at, err, want)
		}
	}
}

func TestGreetingDueNeverWaitsForAPeerThatWaits(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets string
		want   int
	}{
		{"nothing has come", "", 10},
		{"half a signature", signature[:9], 10},
		{"a signature", signature, 11},
		{"revision 0", signature + "\x00", 12},
		{"revision 1", signature + "\x01", 12},
		{"a peer of 3.x that waits for our version", signature + "\x03", 64},
		{"a peer of the future", signature + "\x09", 64},
		{"a whole greeting", string(greetingWith(0, "")), 64},
		{"an unversioned peer", "\x01\x00abcdefghijklmno", 10},
		{"an unversioned peer in long form", "\xff\x00\x00\x00\x00\x00\x00\x00\x04\x00abc", 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := GreetingDue([]byte(c.octets)); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// Two sides that send what is due and no more always come to the end, whatever
// the other one is and however few octets travel at once.
func TestTwoPeersThatSendWhatIsDueFinish(t *testing.T) {
	ours := AppendGreeting(nil, Greeting{Mechanism: "NULL"}, 0)
	for _, peer := range [][]byte{
		ours,
		AppendGreeting(nil, Greeting{Major: 3, Mechanism: "NULL"}, 0),
	} {
		var a, b []byte // what each has sent
		for range GreetingSize + 2 {
			a = ours[:min(len(a)+1, GreetingDue(b))]
			b = peer[:min(len(b)+1, GreetingDue(a))]
		}
		if len(a) != GreetingSize || len(b) != GreetingSize {
			t.Errorf("stuck after %d and %d octets", len(a), len(b))
		}
	}
}

func TestAppendGreetingPanicsForANameThatDoesNotFit(t *testing.T) {
	mustPanic(t, "longer than 20", func() {
		AppendGreeting(nil, Greeting{Mechanism: strings.Repeat("X", 21)}, 0)
	})
}

// mustPanic checks that f panics with a text that says why.
func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text, _ := recover().(string); !strings.Contains(text, want) {
			t.Errorf("panic: got %q, want %q", text, want)
		}
	}()
	f()
}
