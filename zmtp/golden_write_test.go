package zmtp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// checkCommand parses a command by its name, and compares with what is written
// again from what was read.
func checkCommand(t *testing.T, key string, body []byte) {
	t.Helper()
	again, err := rewriteCommand(body)
	if want, bad := malformed[key]; bad {
		if !errors.Is(err, want.err) || CodeOf(err) != want.code {
			t.Errorf("command %s: got %v with %v, want %v with %v", key, err, CodeOf(err), want.err, want.code)
		}
		return
	}
	if err != nil {
		t.Errorf("command %s: %v", key, err)
		return
	}
	// Contexts above 16 octets are the one thing that is not kept.
	if key == "heartbeat-context-echo/c2s/3" {
		body = body[:len(body)-len("XYZ")]
	}
	if !bytes.Equal(again, body) {
		t.Errorf("command %s: written again as %q, was %q", key, again, body)
	}
}

// rewriteCommand reads a command of a known name and writes it again.
func rewriteCommand(body []byte) ([]byte, error) {
	name, data, err := ParseCommand(body)
	if err != nil {
		return nil, err
	}
	switch string(name) {
	case CommandReady:
		m, err := ParseReady(body)
		if err != nil {
			return nil, err
		}
		return AppendReady(nil, m), nil
	case CommandError:
		reason, err := ParseError(body)
		return AppendError(nil, string(reason)), err
	case CommandPing:
		ttl, context, err := ParsePing(body)
		return AppendPing(nil, ttl, context), err
	case CommandPong:
		context, err := ParsePong(body)
		return AppendPong(nil, context), err
	case CommandSubscribe:
		topic, err := ParseSubscribe(body)
		return AppendSubscribe(nil, topic), err
	case CommandCancel:
		topic, err := ParseCancel(body)
		return AppendCancel(nil, topic), err
	case CommandJoin:
		group, err := ParseJoin(body)
		return AppendJoin(nil, string(group)), err
	case CommandLeave:
		group, err := ParseLeave(body)
		return AppendLeave(nil, string(group)), err
	}
	if again := AppendCommand(nil, string(name), data); !bytes.Equal(again, body) {
		return nil, fmt.Errorf("%q written again as %q", body, again)
	}
	_, err = ParseReady(body)
	return nil, err
}

// socketNumbers are libzmq's numbers of the types that meet older peers here.
var socketNumbers = map[string]byte{"PUB": 1, "SUB": 2, "REP": 4, "ROUTER": 6, "PULL": 7}

// checkGreeting compares a greeting with what its sender is known to have meant;
// libzmq's must be what we would write in its place.
func checkGreeting(t *testing.T, d *direction, version Version, octets []byte) {
	t.Helper()
	idLen := len(d.option("ROUTING_ID"))
	var ours []byte
	switch {
	case version == V10:
		if len(octets) > 0 {
			t.Errorf("greeting of %d octets, want none", len(octets))
		}
		return
	case version < V30:
		if _, err := ParseOldGreeting(octets); d.libzmq {
			// libzmq announces 3 here too, so its own greeting is not an old one.
			if !errors.Is(err, ErrVersion) {
				t.Errorf("libzmq's answer to an older peer: %v, want %v", err, ErrVersion)
			}
		} else if err != nil {
			t.Errorf("old greeting: %v", err)
		}
		ours = AppendOldGreeting(nil, socketNumbers[d.socket], idLen)
	default:
		got, err := ParseGreeting(octets)
		if err != nil {
			t.Fatalf("greeting: %v", err)
		}
		want := Greeting{Major: 3, Minor: 1, Mechanism: "NULL"}
		switch d.name {
		case "odd-unknown-mechanism/c2s":
			want.Mechanism = "WHAT"
		case "odd-mechanism-mismatch-connecter/s2c":
			want.Mechanism = "PLAIN"
		case "odd-nonzero-filler/c2s":
			want.AsServer = true
		case "zmtp2-major-2/c2s":
			want.Major, want.Minor = 2, 0
		case "zmtp4-future-major/c2s":
			want.Major, want.Minor = 4, 9
		}
		if version == V30 {
			want.Minor = 0
		}
		if got != want {
			t.Errorf("greeting: got %+v, want %+v", got, want)
		}
		ours = AppendGreeting(nil, Greeting{Mechanism: "NULL"}, idLen)
	}
	if d.libzmq && !bytes.Equal(octets, ours) {
		t.Errorf("greeting:\n  ours   %x\n  libzmq %x", ours, octets)
	}
}

// checkEncoding writes each recorded frame again, and libzmq's first frame from
// the facts alone.
func checkEncoding(t *testing.T, d *direction, seen visited) {
	t.Helper()
	version := d.version(t)
	got := read(t, d.stream(), version, -1, len(d.stream()))
	_, corrupt := endings[d.name]
	start := len(got.greeting)
	for i, f := range got.frames {
		key := fmt.Sprintf("%s/%d", d.name, i)
		octets := d.stream()[start:got.ends[i]]
		start = got.ends[i]

		ours := AppendFrame(nil, f.Flags, f.Body)
		if version.UsesV1Framing() {
			ours = AppendFrameV1(nil, f.Flags, f.Body)
		}
		if d.libzmq && i == 0 {
			ours = firstFrame(d, version)
		}
		switch {
		case otherwiseEncoded[key] != "":
			seen[key] = true
			if got := hex.EncodeToString(octets); got != otherwiseEncoded[key] {
				t.Errorf("frame %d: octets %s, want %s", i, got, otherwiseEncoded[key])
			}
		case corrupt && d.libzmq && i > 0:
			// The octets of a topic, taken for frames.
		case !bytes.Equal(ours, octets):
			t.Errorf("frame %d:\n  ours     %x\n  recorded %x", i, ours, octets)
		}
	}
}

// firstFrame is what a libzmq socket sends first: READY, or to an older peer its
// identity.
func firstFrame(d *direction, version Version) []byte {
	id := []byte(d.option("ROUTING_ID"))
	switch {
	case version == V10:
		return append(AppendSignature(nil, len(id)), id...)
	case version == V10Versioned:
		return AppendFrameV1(nil, 0, id)
	case version == V20:
		return AppendFrame(nil, 0, id)
	}
	m := Metadata{{PropertySocketType, []byte(d.socket)}}
	switch d.socket {
	case "REQ", "DEALER", "ROUTER":
		m = append(m, Property{PropertyIdentity, id})
	}
	if name, value, ok := strings.Cut(d.option("METADATA"), ":"); ok {
		m = append(m, Property{name, []byte(value)})
	}
	return AppendFrame(nil, FlagCommand, AppendReady(nil, m))
}
