package zmtp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseMetadataAcceptsWhatLibzmqAccepts(t *testing.T) {
	for _, c := range []struct {
		name, octets string
		want         []string // name=value
	}{
		{"nothing", "", nil},
		{"one property", "\x01a\x00\x00\x00\x02xy", []string{"a=xy"}},
		{"an empty value", "\x01a\x00\x00\x00\x00", []string{"a="}},
		{"an empty name", "\x00\x00\x00\x00\x01x", []string{"=x"}},
		{"a name of any octets", "\x04a b\x00\x00\x00\x00\x01x", []string{"a b\x00=x"}},
		{"the longest name", "\xff" + strings.Repeat("n", 255) + "\x00\x00\x00\x00", []string{strings.Repeat("n", 255) + "="}},
		{"the same name twice", "\x01a\x00\x00\x00\x01x\x01a\x00\x00\x00\x01y", []string{"a=x", "a=y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseMetadata([]byte(c.octets))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range m {
				got = append(got, p.Name+"="+string(p.Value))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if again := AppendMetadata(nil, m); string(again) != c.octets {
				t.Errorf("written again as %q, was %q", again, c.octets)
			}
		})
	}
}

func TestParseMetadataRefusesAListThatDoesNotEndWithAProperty(t *testing.T) {
	const good = "\x01a\x00\x00\x00\x02xy"
	for _, c := range []struct{ name, octets string }{
		{"a single octet after the last property", good + "\x00"},
		{"four octets after the last property", good + "\x00\x00\x00\x00"},
		{"a name that does not fit", "\x05ab"},
		{"a name and nothing else", "\x02ab"},
		{"a size that does not fit", "\x01a\x00\x00\x00"},
		{"a value that does not fit", "\x01a\x00\x00\x00\x03xy"},
		{"the largest value", "\x01a\xff\xff\xff\xffxy"},
		{"the largest value with a sign", "\x01a\x7f\xff\xff\xffxy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseMetadata([]byte(c.octets))
			if !errors.Is(err, ErrMetadata) || CodeOf(err) != CodeInvalidMetadata {
				t.Errorf("got %v with %v, want %v", err, CodeOf(err), ErrMetadata)
			}
			if m != nil {
				t.Errorf("got %v beside an error", m)
			}
		})
	}
	for n := 1; n < len(good); n++ {
		if _, err := ParseMetadata([]byte(good[:n])); !errors.Is(err, ErrMetadata) {
			t.Errorf("cut after %d octets: got %v, want %v", n, err, ErrMetadata)
		}
	}
}

// Empty properties are the smallest that there are, and cost the reader most.
func TestParseMetadataReadsABoundedNumberOfProperties(t *testing.T) {
	const empty = 1 + valueSize
	b := make([]byte, (MaxProperties+1)*empty)
	if m, err := ParseMetadata(b[:MaxProperties*empty]); len(m) != MaxProperties || err != nil {
		t.Errorf("as many as are allowed: got %d, %v", len(m), err)
	}
	for name, read := range map[string]func([]byte) (Metadata, error){
		"a list": ParseMetadata,
		"READY":  func(b []byte) (Metadata, error) { return ParseReady(AppendCommand(nil, CommandReady, b)) },
	} {
		m, err := read(b)
		if !errors.Is(err, ErrTooManyProperties) || CodeOf(err) != CodeInvalidMetadata || m != nil {
			t.Errorf("%s with one more: got %d with %v, want %v", name, len(m), err, ErrTooManyProperties)
		}
	}
	// No more memory is asked for than the error takes, however long the list.
	b = make([]byte, 1<<20)
	if n := testing.AllocsPerRun(10, func() { _, _ = ParseMetadata(b) }); n > 2 {
		t.Errorf("a megabyte of properties: %v allocations", n)
	}
}

func TestMetadataLookup(t *testing.T) {
	m := Metadata{
		{"socket-type", []byte("PUB")},
		{PropertySocketType, []byte("REQ")},
		{PropertyIdentity, []byte("first")},
		{PropertySocketType, []byte("REP")},
		{PropertyIdentity, []byte("last")},
		{"X-Empty", nil},
	}
	if got, ok := m.Get(PropertySocketType); string(got) != "REQ" || !ok {
		t.Errorf("the first occurrence counts, by its exact name: got %q, %v", got, ok)
	}
	if got, ok := m.Get("X-Empty"); len(got) > 0 || !ok {
		t.Errorf("an empty property is there: got %q, %v", got, ok)
	}
	if got, ok := m.Get("IDENTITY"); got != nil || ok {
		t.Errorf("another spelling is another name: got %q, %v", got, ok)
	}
	if got := m.Identity(); string(got) != "last" {
		t.Errorf("of identities the last counts: got %q", got)
	}
	if got := Metadata(nil).Identity(); got != nil {
		t.Errorf("no identity: got %q", got)
	}
	var types []string
	for value := range m.All(PropertySocketType) {
		types = append(types, string(value))
	}
	if !slices.Equal(types, []string{"REQ", "REP"}) {
		t.Errorf("All: got %q", types)
	}
	for range m.All(PropertySocketType) {
		break
	}
}
