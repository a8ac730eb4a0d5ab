package zmtp

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// Each target holds its decoder to the same promises: no panic, memory in
// proportion to the input, reading undoes appending, and the same outcome for the
// whole input as for its octets one by one.

// addStreams seeds a target with every recorded stream.
func addStreams(f *testing.F, add func(stream []byte)) {
	f.Helper()
	for _, d := range directions(f) {
		if stream := d.stream(); len(stream) > 0 {
			add(stream)
		}
	}
}

// addFrames seeds a target with the body of every recorded frame.
func addFrames(f *testing.F, add func(f Frame)) {
	f.Helper()
	for _, d := range directions(f) {
		if len(d.units) == 0 || withoutZMTP[d.name] != "" {
			continue
		}
		for _, frame := range read(f, d.stream(), d.version(f), -1, len(d.stream())).frames {
			add(frame)
		}
	}
}

func FuzzGreeting(f *testing.F) {
	addStreams(f, func(stream []byte) { f.Add(stream) })
	f.Fuzz(func(t *testing.T, b []byte) {
		version, detectErr := Detect(b)
		if detectErr != nil && (detectErr != ErrShort || len(b) >= OldGreetingSize) {
			t.Fatalf("Detect after %d octets: %v", len(b), detectErr)
		}
		greeting, greetingErr := ParseGreeting(b)
		socketType, oldErr := ParseOldGreeting(b)

		// Octet by octet: what was decided early stays.
		due := 0
		for n := range len(b) + 1 {
			if v, err := Detect(b[:n]); err == nil && v != version {
				t.Fatalf("Detect: %v after %d octets, %v after all", v, n, version)
			}
			if now := GreetingDue(b[:n]); now < due {
				t.Fatalf("GreetingDue: %d after %d octets, before %d", now, n, due)
			} else {
				due = now
			}
			if _, err := ParseGreeting(b[:n]); err != nil && err != ErrShort && errors.Unwrap(err) != errors.Unwrap(greetingErr) {
				t.Fatalf("ParseGreeting: %v after %d octets, %v after all", err, n, greetingErr)
			}
			if _, err := ParseOldGreeting(b[:n]); err != nil && err != ErrShort && errors.Unwrap(err) != errors.Unwrap(oldErr) {
				t.Fatalf("ParseOldGreeting: %v after %d octets, %v after all", err, n, oldErr)
			}
		}
		if detectErr == nil {
			want := map[Version]int{V10: 10, V10Versioned: 12, V20: 12, V30: 64, V31: 64}[version]
			if due != want {
				t.Fatalf("GreetingDue: %d to a peer of %v, want %d", due, version, want)
			}
		}

		// The version tells which greeting it is.
		if greetingErr == nil {
			if !version.HasHandshake() {
				t.Fatalf("a greeting of 64 octets from a peer of %v", version)
			}
			again, err := ParseGreeting(AppendGreeting(nil, greeting, 0))
			if again != greeting || err != nil {
				t.Fatalf("%+v written and read again: %+v, %v", greeting, again, err)
			}
		}
		if oldErr == nil {
			if version != V20 && version != V10Versioned {
				t.Fatalf("a greeting of 12 octets from a peer of %v", version)
			}
			if again := AppendOldGreeting(nil, socketType, 0); again[OldGreetingSize-1] != socketType {
				t.Fatalf("socket type %d written as % x", socketType, again)
			}
		}
	})
}

func FuzzFrame(f *testing.F) {
	addStreams(f, func(stream []byte) { f.Add(stream) })
	addFrames(f, func(frame Frame) { f.Add(AppendFrame(nil, frame.Flags, frame.Body)) })
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzHeader(t, b, ParseHeader, AppendHeader, HeaderSize)
		fuzzBody(t, b, V31, AppendFrame)
	})
}

func FuzzFrameV1(f *testing.F) {
	addStreams(f, func(stream []byte) { f.Add(stream) })
	addFrames(f, func(frame Frame) { f.Add(AppendFrameV1(nil, frame.Flags, frame.Body)) })
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzHeader(t, b, ParseHeaderV1, AppendHeaderV1, HeaderSizeV1)
		fuzzBody(t, b, V10, AppendFrameV1)
	})
}

// fuzzHeader reads b as a header.
func fuzzHeader(t *testing.T, b []byte, parse func([]byte) (Header, int, error), appendTo func([]byte, Flags, int) []byte, sizeOf func(int) int) {
	t.Helper()
	h, n, err := parse(b)
	if err != nil {
		if h != (Header{}) || n != 0 {
			t.Fatalf("got %+v and %d beside %v", h, n, err)
		}
		if err == ErrShort && len(b) >= MaxHeaderV1 {
			t.Fatalf("%d octets are not enough", len(b))
		}
		return
	}
	if h.Size < 0 || n < 2 || n > len(b) || h.Flags&^(FlagMore|FlagCommand) != 0 {
		t.Fatalf("got %+v of %d octets", h, n)
	}
	for short := range n {
		if _, _, err := parse(b[:short]); err != ErrShort {
			t.Fatalf("after %d octets of %d: got %v, want %v", short, n, err, ErrShort)
		}
	}
	if h.Size >= math.MaxInt {
		return // no slice is as long
	}
	again := appendTo(nil, h.Flags, int(h.Size))
	if len(again) != sizeOf(int(h.Size)) || len(again) > n {
		t.Fatalf("%+v written in %d octets, read from %d", h, len(again), n)
	}
	if h2, n2, err := parse(again); h2 != h || n2 != len(again) || err != nil {
		t.Fatalf("%+v written and read again: %+v, %d, %v", h, h2, n2, err)
	}
}

// fuzzBody sends b as the body of a frame.
func fuzzBody(t *testing.T, b []byte, version Version, appendTo func([]byte, Flags, []byte) []byte) {
	t.Helper()
	octets := appendTo(nil, FlagMore, b)
	f, n, err := NewDecoder(version, int64(len(b))).Next(octets)
	if f.Flags != FlagMore || !bytes.Equal(f.Body, b) || n != len(octets) || err != nil {
		t.Fatalf("a body of %d octets came back with %d, %v", len(b), len(f.Body), err)
	}
	if len(b) > 0 {
		if _, _, err := NewDecoder(version, int64(len(b)-1)).Next(octets); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("one octet over the limit: got %v, want %v", err, ErrTooLarge)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	addStreams(f, func(stream []byte) {
		f.Add(stream, false, int64(-1), uint8(7), uint16(0))
		f.Add(stream, true, int64(40), uint8(3), uint16(5))
	})
	f.Add(append(AppendHeader(nil, 0, 1000), pattern(800)...), false, int64(-1), uint8(50), uint16(64))
	f.Fuzz(func(t *testing.T, stream []byte, v1 bool, limit int64, segment uint8, ahead uint16) {
		version := V31
		if v1 {
			version = V10
		}
		decoder := func() *Decoder {
			d := NewDecoder(version, limit)
			d.ahead = int64(ahead)
			return d
		}
		// feed checks at each step what memory is held.
		whole, wholeErr := feed(t, decoder(), stream, max(len(stream), 1))
		for _, size := range []int{1, max(int(segment), 1)} {
			parts, partsErr := feed(t, decoder(), stream, size)
			if !sameFrames(whole, parts) {
				t.Fatalf("%d frames from the whole, %d from segments of %d", len(whole), len(parts), size)
			}
			if rule(wholeErr) != rule(partsErr) {
				t.Fatalf("%v from the whole, %v from segments of %d", wholeErr, partsErr, size)
			}
		}

		// What was read can be written, in no more octets, and read once more.
		var again []byte
		for _, frame := range whole {
			if limit >= 0 && int64(len(frame.Body)) > limit {
				t.Fatalf("a body of %d octets over the limit of %d", len(frame.Body), limit)
			}
			if v1 {
				again = AppendFrameV1(again, frame.Flags, frame.Body)
			} else {
				again = AppendFrame(again, frame.Flags, frame.Body)
			}
		}
		if len(again) > len(stream) {
			t.Fatalf("%d octets written again as %d", len(stream), len(again))
		}
		if back, err := feed(t, NewDecoder(version, limit), again, max(len(again), 1)); err != ErrShort || !sameFrames(whole, back) {
			t.Fatalf("%d frames written, %d read again, %v", len(whole), len(back), err)
		}
	})
}

// rule is what of an error must not depend on segments.
func rule(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

func FuzzCommand(f *testing.F) {
	addFrames(f, func(frame Frame) { f.Add(frame.Body) })
	long := strings.Repeat("x", 255) // as much as an octet can count
	for _, body := range [][]byte{
		AppendJoin(nil, "group"), AppendLeave(nil, "group"), AppendError(nil, "300"),
		AppendJoin(nil, long), AppendLeave(nil, long), AppendError(nil, long),
		AppendPing(nil, 1, []byte(long)), AppendPong(nil, []byte(long)), AppendCommand(nil, long, []byte(long)),
		AppendReady(nil, Metadata{{Name: long, Value: []byte(long)}}), AppendSubscription(nil, true, []byte(long)),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		name, data, err := ParseCommand(body)
		if err == nil && !bytes.Equal(AppendCommand(nil, string(name), data), body) {
			t.Fatalf("%q cut into %q and %q", body, name, data)
		}
		understood := 0
		for command, parse := range parsers {
			parseErr := parse(body)
			if err != nil && parseErr == nil {
				t.Fatalf("%s reads %q, which is no command: %v", command, body, err)
			}
			if parseErr == nil {
				understood++
			}
			if parseErr != nil && CodeOf(parseErr) == 0 {
				t.Fatalf("%s from %q: %v has no code", command, body, parseErr)
			}
		}
		if understood > 1 {
			t.Fatalf("%d commands at once: %q", understood, body)
		}
		if once, err := rewriteCommand(body); err == nil {
			// What a command may carry beyond its meaning is lost the first time.
			if len(once) > len(body) || !bytes.HasPrefix(body, once) {
				t.Fatalf("%q written again as %q", body, once)
			}
			if twice, err := rewriteCommand(once); err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%q written again as %q, %v", once, twice, err)
			}
		}
		if topic, subscribe, ok := ParseSubscription(body); ok && !bytes.Equal(AppendSubscription(nil, subscribe, topic), body) {
			t.Fatalf("subscription %q read as %q, %v", body, topic, subscribe)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	addFrames(f, func(frame Frame) {
		f.Add(bytes.TrimPrefix(frame.Body, []byte("\x05READY")))
	})
	f.Add(make([]byte, (MaxProperties+1)*(1+valueSize)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMetadata(b)
		if err != nil {
			if !errors.Is(err, ErrMetadata) && !errors.Is(err, ErrTooManyProperties) || m != nil {
				t.Fatalf("got %v, %v", m, err)
			}
			return
		}
		if len(m) > MaxProperties {
			t.Fatalf("%d properties", len(m))
		}
		if cap(m)*(1+valueSize) > len(b) {
			t.Fatalf("room for %d properties in %d octets", cap(m), len(b))
		}
		if again := AppendMetadata(nil, m); !bytes.Equal(again, b) {
			t.Fatalf("%q written again as %q", b, again)
		}
		// A list ends only where one of its properties does.
		ends := map[int]bool{0: true}
		end := 0
		for _, p := range m {
			end += 1 + len(p.Name) + valueSize + len(p.Value)
			ends[end] = true
		}
		for n := range b {
			if _, err := ParseMetadata(b[:n]); (err == nil) != ends[n] {
				t.Fatalf("cut after %d octets of %q: %v", n, b, err)
			}
		}
		for _, p := range m {
			if _, ok := m.Get(p.Name); !ok {
				t.Fatalf("%q is not found", p.Name)
			}
		}
	})
}
