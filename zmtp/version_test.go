package zmtp

import "testing"

const signature = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"

func TestDetectTellsTheVersionFromTheFirstOctets(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets string
		want   Version
		after  int // octets that decide
	}{
		{"an empty identity in 1.0 framing", "\x01\x00\x03\x00hi", V10, 1},
		{"an identity of 253 octets in 1.0 framing", "\xfe\x00abcdefghijkl", V10, 1},
		{"a long-form identity, its flags octet even", "\xff\x00\x00\x00\x00\x00\x00\x00\x04\x00abc", V10, 10},
		{"a long-form identity with reserved flags", "\xff\x00\x00\x00\x00\x00\x00\x00\x04\x7eabc", V10, 10},
		{"revision 0", signature + "\x00\x08", V10Versioned, 11},
		{"revision 1", signature + "\x01\x03", V20, 11},
		{"major 2, which never was", signature + "\x02\x00", V31, 11},
		{"3.0", signature + "\x03\x00", V30, 12},
		{"3.1", signature + "\x03\x01", V31, 12},
		{"a minor version to come", signature + "\x03\x02", V31, 12},
		{"a major version to come", signature + "\x04\x00", V31, 11},
		{"the largest version", signature + "\xff\xff", V31, 11},
		{"padding and other bits of the end octet do not matter", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x03\x00", V30, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.octets) + 1 {
				got, err := Detect([]byte(c.octets[:n]))
				switch {
				case n < c.after && (got != 0 || err != ErrShort):
					t.Errorf("after %d octets: got %v, %v, want %v", n, got, err, ErrShort)
				case n >= c.after && (got != c.want || err != nil):
					t.Errorf("after %d octets: got %v, %v, want %v", n, got, err, c.want)
				}
			}
		})
	}
}

func TestVersionTellsWhatFollows(t *testing.T) {
	for _, c := range []struct {
		v                                            Version
		text                                         string
		greeting                                     int
		handshake, v1, commands, heartbeats, allofit bool
	}{
		{V10, "1.0 (unversioned)", 0, false, true, false, false, true},
		{V10Versioned, "1.0", 12, false, true, false, false, false},
		{V20, "2.0", 12, false, false, false, false, false},
		{V30, "3.0", 64, true, false, false, true, false},
		{V31, "3.1", 64, true, false, true, true, false},
		{0, "Version(0)", 0, false, false, false, false, false},
	} {
		v := c.v
		if v.String() != c.text || v.GreetingSize() != c.greeting || v.HasHandshake() != c.handshake || v.UsesV1Framing() != c.v1 ||
			v.HasCommandSubscriptions() != c.commands || v.HasHeartbeats() != c.heartbeats || v.WantsEverything() != c.allofit {
			t.Errorf("%v: does not say what %+v says", v, c)
		}
	}
}
