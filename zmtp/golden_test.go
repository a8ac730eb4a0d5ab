package zmtp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// withoutZMTP are the directions that hold no greeting to read: octets of STREAM
// sockets, and libzmq that had sent only its signature when the recording ended.
var withoutZMTP = map[string]string{
	"stream-accept/c2s":                    "raw octets of a STREAM peer",
	"stream-accept/s2c":                    "raw octets of a STREAM peer",
	"stream-connect/c2s":                   "raw octets of a STREAM peer",
	"odd-silent-peer/s2c":                  "a signature alone",
	"odd-mechanism-mismatch-connecter/c2s": "a signature alone",
}

// silent are the directions in which nothing was ever sent.
var silent = map[string]bool{
	"stream-connect/s2c":           true,
	"odd-silent-peer/c2s":          true,
	"odd-unknown-mechanism/s2c":    true,
	"zmtp20-rejected-with-zap/s2c": true,
}

// endings are the streams that do not end at the end of a frame: how many frames
// come before, and what then. An error of nil is a frame that stays incomplete.
var endings = map[string]struct {
	frames int
	err    error
}{
	"odd-huge-length/c2s":          {1, ErrTooLarge},
	"odd-maxmsgsize/c2s":           {2, ErrTooLarge},
	"odd-maxmsgsize-connecter/s2c": {1, ErrTooLarge},
	"odd-maxmsgsize-handshake/c2s": {0, ErrTooLarge},
	"zmtp30-sub-topic-255/c2s":     {10, nil},
	"odd-pub-sub-topic-250/c2s":    {7, nil},
}

// malformed are the commands that must not parse, by direction and frame.
var malformed = map[string]struct {
	err  error
	code ErrorCode
}{
	"odd-ready-truncated-metadata/c2s/0":  {ErrMetadata, CodeInvalidMetadata},
	"odd-short-ping/c2s/1":                {ErrCommand, CodeMalformedCommand},
	"heartbeat-context-echo/c2s/6":        {ErrCommand, CodeMalformedCommand},
	"odd-pub-sub-topic-250/c2s/1":         {ErrCommand, CodeMalformedCommand},
	"odd-pub-sub-topic-250/c2s/6":         {ErrCommand, CodeMalformedCommand},
	"heartbeat-context-echo/c2s/5":        {ErrUnexpectedCommand, CodeUnexpectedCommand},
	"odd-handshake-unknown-command/c2s/0": {ErrUnexpectedCommand, CodeUnexpectedCommand},
}

// otherwiseEncoded are the frames whose octets we would write in another way.
var otherwiseEncoded = map[string]string{
	"odd-long-form-short-body/c2s/1": "0200000000000000026869",
	"odd-reserved-flag-bits/c2s/1":   "f8026869",
	"zmtp10-longform-identity/c2s/0": "ff000000000000000400616263",
}

// versions are those that are not 3.1, by vector, for the scripted side.
var versions = map[string]Version{
	"zmtp10-longform-identity":               V10,
	"zmtp10-push-to-pull":                    V10,
	"zmtp10-req-to-rep":                      V10,
	"zmtp10-sub-to-pub":                      V10,
	"zmtp10-versioned-push-to-pull":          V10Versioned,
	"zmtp20-dealer-to-router":                V20,
	"zmtp20-pub-to-sub":                      V20,
	"zmtp20-rejected-with-zap":               V20,
	"zmtp20-req-to-rep":                      V20,
	"zmtp20-sub-to-pub":                      V20,
	"zmtp30-pub-to-sub":                      V30,
	"zmtp30-sub-to-pub":                      V30,
	"zmtp30-sub-topic-255":                   V30,
	"heartbeat-to-3.0-peer":                  V30,
	"odd-nonzero-filler":                     V30,
	"odd-subscribe-command-to-3.0-announcer": V30,
}

// visited notes which entries of a table were used, so that none is dead.
type visited map[string]bool

func (v visited) all(t *testing.T, table string, keys []string) {
	t.Helper()
	for _, key := range keys {
		if !v[key] {
			t.Errorf("%s: no vector has %s", table, key)
		}
	}
}

func keys[V any](m map[string]V) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	return all
}

func TestEveryDirectionOfEveryVectorIsRead(t *testing.T) {
	seen := visited{}
	read := 0
	for _, d := range directions(t) {
		seen[d.name] = true
		t.Run(d.name, func(t *testing.T) {
			switch {
			case silent[d.name]:
				if len(d.units) > 0 {
					t.Errorf("sent %d units, want none", len(d.units))
				}
			case withoutZMTP[d.name] != "":
				checkWithoutZMTP(t, d)
			default:
				for _, size := range []int{len(d.stream()), 1, 2, 7, 11} {
					checkDirection(t, d, size, seen)
				}
				checkEncoding(t, d, seen)
				read++
			}
		})
	}
	seen.all(t, "withoutZMTP", keys(withoutZMTP))
	seen.all(t, "silent", keys(silent))
	seen.all(t, "endings", keys(endings))
	seen.all(t, "malformed", keys(malformed))
	seen.all(t, "otherwiseEncoded", keys(otherwiseEncoded))
	if want := 2*80 - len(silent) - len(withoutZMTP); read != want {
		t.Errorf("read %d directions, want %d", read, want)
	}
}

func checkWithoutZMTP(t *testing.T, d *direction) {
	t.Helper()
	v, err := Detect(d.stream())
	if strings.HasPrefix(d.name, "stream-") {
		// What a STREAM socket carries is anybody's. Octets that do not begin with
		// FF could only be taken for a peer of 1.0.
		if v != V10 || err != nil {
			t.Errorf("Detect: got %v, %v, want %v", v, err, V10)
		}
		return
	}
	if err != ErrShort || !bytes.Equal(d.stream(), AppendSignature(nil, 0)) {
		t.Errorf("got % x and %v, want a signature and %v", d.stream(), err, ErrShort)
	}
}

// checkDirection reads a direction in segments of size octets and compares with
// what was recorded.
func checkDirection(t *testing.T, d *direction, size int, seen visited) {
	t.Helper()
	stream := d.stream()
	version := d.version(t)
	vectorName, _, _ := strings.Cut(d.name, "/")
	want, older := versions[vectorName]
	if !older || d.libzmq && want == V30 {
		want = V31
	}
	if version != want {
		t.Fatalf("version: got %v, want %v", version, want)
	}
	got := read(t, stream, version, d.limit(), size)
	checkGreeting(t, d, version, got.greeting)

	ending, cut := endings[d.name]
	if wantErr := ending.err; wantErr != nil {
		if !errors.Is(got.err, wantErr) {
			t.Errorf("segments of %d: ends with %v, want %v", size, got.err, wantErr)
		}
		if CodeOf(got.err) != 0 {
			t.Errorf("code %v, want none: libzmq just disconnects", CodeOf(got.err))
		}
	} else if got.err != ErrShort || got.inFrame != cut {
		t.Errorf("segments of %d: ends with %v, within a frame: %v, want %v and %v", size, got.err, got.inFrame, ErrShort, cut)
	}
	if cut && len(got.frames) != ending.frames {
		t.Errorf("segments of %d: got %d frames, want %d", size, len(got.frames), ending.frames)
	}
	checkUnits(t, d, version, got)
	for i, f := range got.frames {
		inHandshake := version.HasHandshake() && i == 0
		if f.Flags&FlagCommand != 0 || inHandshake && f.Flags == 0 && bytes.HasPrefix(f.Body, []byte("\x05READY")) {
			key := fmt.Sprintf("%s/%d", d.name, i)
			seen[key] = true
			checkCommand(t, key, f.Body)
		}
	}
}

// checkUnits compares frames with the recorded units, octet for octet.
func checkUnits(t *testing.T, d *direction, version Version, got transcript) {
	t.Helper()
	if slices.ContainsFunc(d.units, func(u unit) bool { return u.what == "as read from the socket" }) {
		checkFramesOfReads(t, d, got)
		return
	}
	units := d.units
	at := 0
	if version.GreetingSize() > 0 {
		if units[0].what != "greeting" {
			t.Fatalf("begins with %q, want a greeting", units[0].what)
		}
		at, units = len(units[0].octets), units[1:]
	}
	_, cut := endings[d.name]
	if !cut && len(got.frames) != len(units) {
		t.Fatalf("got %d frames of %d units", len(got.frames), len(units))
	}
	for i, f := range got.frames {
		at += len(units[i].octets)
		if got.ends[i] != at {
			t.Errorf("frame %d ends at octet %d, want %d", i, got.ends[i], at)
		}
		if what := describe(f, units[i], version); what != units[i].what {
			t.Errorf("frame %d is a %q, want a %q", i, what, units[i].what)
		}
	}
}

// describe says what a frame is, in the words of the recording.
func describe(f Frame, u unit, version Version) string {
	more := f.Flags&FlagMore != 0
	if version.UsesV1Framing() {
		if version == V10 && u.octets[0] == signatureStart && more {
			return "identity frame opened in long form"
		}
		if more {
			return fmt.Sprintf("v1 frame: more, body %d", len(f.Body))
		}
		return fmt.Sprintf("v1 frame: last, body %d", len(f.Body))
	}
	what := "frame: message"
	name, _, err := ParseCommand(f.Body)
	isCommand := f.Flags&FlagCommand != 0
	if isCommand {
		what = "frame: command"
	}
	if more {
		what += " more"
	}
	if Flags(u.octets[0])&FlagLong != 0 {
		what += " long"
	}
	if err == nil && (isCommand || string(name) == CommandReady) {
		what += " " + string(name)
	}
	return fmt.Sprintf("%s, body %d", what, len(f.Body))
}

// checkFramesOfReads compares the frames of the two vectors that were recorded as
// they were read. In the second one libzmq 4.3.4 wrote a long size without
// FlagLong, so that the size and the topic are taken for frames.
func checkFramesOfReads(t *testing.T, d *direction, got transcript) {
	t.Helper()
	ready := func(socketType string) Frame {
		m := Metadata{{PropertySocketType, []byte(socketType)}}
		if socketType == "REQ" {
			m = append(m, Property{PropertyIdentity, nil})
		}
		return Frame{FlagCommand, AppendReady(nil, m)}
	}
	want := map[string][]Frame{
		"greeting-chunks/c2s":       {ready("REQ")},
		"greeting-chunks/s2c":       {ready("REP")},
		"odd-pub-sub-topic-250/s2c": {ready("PUB")},
		"odd-pub-sub-topic-250/c2s": {
			ready("SUB"),
			{FlagCommand, nil},
			{0, nil},
			{0, nil},
			{0, []byte{4}},
			{FlagMore, append([]byte("UBSCRIBE"), bytes.Repeat([]byte("t"), 'S'-8)...)},
			{FlagCommand, bytes.Repeat([]byte("t"), 't')},
		},
	}[d.name]
	if !sameFrames(got.frames, want) {
		t.Errorf("got frames %q, want %q", got.frames, want)
	}
}
