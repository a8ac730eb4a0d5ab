package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// exact are the formats that keep every octet.
var exact = []string{formatQuoted, formatHex, formatBase64, formatJSON}

func frames(text ...string) [][]byte {
	list := make([][]byte, len(text))
	for i := range text {
		list[i] = []byte(text[i])
	}
	return list
}

func mustFormat(t testing.TB, name string, ids bool, split *string) *format {
	t.Helper()
	f, err := newFormat(name, ids, nil, split)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestFormatsWriteAMessageAsALine(t *testing.T) {
	for _, c := range []struct {
		format string
		frames [][]byte
		want   string
	}{
		{formatText, frames("hello"), "hello\n"},
		{formatText, frames("a", "", "b"), "a\t\tb\n"},
		{formatText, frames(""), "\n"},
		{formatQuoted, frames("a\tb", "\xff", ""), `"a\tb" "\xff" ""` + "\n"},
		{formatHex, frames("\x00\xff", "", "a"), "00ff\t\t61\n"},
		{formatBase64, frames("hello", "\x00"), "aGVsbG8=\tAA==\n"},
		{formatJSON, frames("a<b>", "", "\xff"), `["a<b>","",{"base64":"/w=="}]` + "\n"},
		{formatRaw, frames("a\n", "\x00"), "a\n\x00"},
	} {
		t.Run(c.format, func(t *testing.T) {
			f := mustFormat(t, c.format, false, nil)
			if got := string(f.append(nil, c.frames)); got != c.want {
				t.Errorf("%q is written %q, want %q", c.frames, got, c.want)
			}
		})
	}
}

func TestFormatsReadWhatPeopleWrite(t *testing.T) {
	comma, tabulator := ",", `\t`
	for _, c := range []struct {
		name   string
		format string
		split  *string
		text   string
		want   [][]byte
	}{
		{"a line of text is one frame", formatText, nil, "a\tb", frames("a\tb")},
		{"a split line", formatText, &comma, "a,,b,", frames("a", "", "b", "")},
		{"a line that is split at tabs", formatText, &tabulator, "a\tb c", frames("a", "b c")},
		{"hex with blanks", formatHex, nil, "00 FF 0a\t", frames("\x00\xff\n", "")},
		{"quoted strings with blanks around", formatQuoted, nil, ` "a b"	"\x00é"  `, frames("a b", "\x00é")},
		{"a JSON string alone", formatJSON, nil, `"a\u0000"`, frames("a\x00")},
		{"JSON with blanks", formatJSON, nil, ` [ "a" , {"base64":"_"} ]`, nil},
		{"JSON with octets", formatJSON, nil, ` [ "a" , {"base64":"/w=="} ]`, frames("a", "\xff")},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := mustFormat(t, c.format, false, c.split)
			got, err := f.parse([]byte(c.text))
			if (err != nil) != (c.want == nil) {
				t.Fatalf("error %v", err)
			}
			if !same(got, c.want) {
				t.Errorf("%q is read as %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestFormatsRefuseWhatTheyAreNot(t *testing.T) {
	for _, c := range []struct{ format, text string }{
		{formatHex, "0"},
		{formatHex, "0g"},
		{formatBase64, "a"},
		{formatBase64, "YQ==YQ=="},
		{formatQuoted, ""},
		{formatQuoted, "a"},
		{formatQuoted, `"a`},
		{formatQuoted, "`a`"},
		{formatQuoted, `'a'`},
		{formatQuoted, `"a" b`},
		{formatJSON, ""},
		{formatJSON, "[]"},
		{formatJSON, "null"},
		{formatJSON, "1"},
		{formatJSON, "[1]"},
		{formatJSON, "[null]"},
		{formatJSON, `[{"base64":null}]`},
		{formatJSON, `[{}]`},
		{formatJSON, `["a"] "b"`},
	} {
		f := mustFormat(t, c.format, false, nil)
		if got, err := f.parse([]byte(c.text)); err == nil {
			t.Errorf("%s reads %q as %q", c.format, c.text, got)
		}
	}
}

func TestIDsAreReadAsTheyAreShown(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"alice", "alice"},
		{"alice in chains", "alice in chains"},
		{"Ærøskøbing", "Ærøskøbing"},
		{"\x00\x80\x00\x41\xa7", "0x00800041a7"},
		{"a\tb", "0x610962"},
		{"0x41", "0x30783431"},
		{"\xff", "0xff"},
	} {
		got := showID([]byte(c.id))
		if got != c.want {
			t.Errorf("id %q is shown as %q, want %q", c.id, got, c.want)
		}
		if back, err := readID(got); err != nil || string(back) != c.id {
			t.Errorf("%q is read as %q (%v), want %q", got, back, err, c.id)
		}
	}
}

func TestTextTamesWhatWouldMoveTheCursor(t *testing.T) {
	f := mustFormat(t, formatText, false, nil)
	f.tame = true
	got := string(f.append(nil, frames("say \"é\"\tnow", "\x1b[2J\\", "\xff\n")))
	want := "say \"é\"\tnow\t" + `\x1b[2J\\` + "\t" + `\xff\n` + "\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzFormats(f *testing.F) {
	for _, text := range []string{"", "hello", `["a",{"base64":"/w=="}]`, `"a" "\xff"`, "00ff\t", "aGVsbG8=\t", "0x41\tb"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range append(exact, formatText, formatRaw) {
			for _, ids := range []bool{false, true} {
				how := mustFormat(t, name, ids, nil)
				m, err := how.parse(bytes.Clone(text))
				if err != nil {
					continue
				}
				if len(m) == 0 {
					t.Fatalf("%s reads %q as a message without frames", name, text)
				}
				for _, other := range exact {
					keeps := mustFormat(t, other, ids, nil)
					line := keeps.append(nil, m)
					if bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("\n")) {
						t.Fatalf("%s writes %q as %q", other, m, line)
					}
					back, err := keeps.parse(bytes.TrimSuffix(line, []byte("\n")))
					if err != nil || !same(back, m) {
						t.Fatalf("%s writes %q as %q and reads that as %q (%v)", other, m, line, back, err)
					}
				}
				id := showID(m[0])
				if back, err := readID(id); err != nil || !bytes.Equal(back, m[0]) || strings.ContainsAny(id, "\t\n") {
					t.Fatalf("id %q is shown as %q and read as %q (%v)", m[0], id, back, err)
				}
			}
		}
	})
}
