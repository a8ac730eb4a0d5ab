package zap

import (
	"bytes"
	"testing"
)

// split makes frames of octets: an octet of length before each.
func split(b []byte) (frames [][]byte) {
	for len(b) > 0 {
		size := min(int(b[0]), len(b)-1)
		frames = append(frames, b[1:1+size])
		b = b[1+size:]
	}
	return frames
}

// join is the opposite, for frames of up to 255 octets.
func join(frames [][]byte) (b []byte) {
	for _, frame := range frames {
		b = append(append(b, byte(len(frame))), frame...)
	}
	return b
}

// FuzzReply feeds the side that asks. What it accepts is what a handler writes.
func FuzzReply(f *testing.F) {
	for _, status := range []int{StatusOK, StatusTemporary, StatusDenied, StatusInternal} {
		reply := Reply{Status: status, Text: "text", UserID: "joe", Metadata: []byte("\x01a\x00\x00\x00\x01b")}
		f.Add(join(append([][]byte{nil}, AppendReply(nil, []byte("1"), &reply)...)))
	}
	f.Add(join(frames("", "1.0", "1", "200", "", "")))
	f.Add(join(frames("x", "1.0", "1", "200", "", "", "")))
	f.Add(join(frames("", "1.0", "2", "600", "", "", "")))

	f.Fuzz(func(t *testing.T, b []byte) {
		given := split(b)
		reply, err := ParseReply(given)
		if err != nil {
			if reply.Status != 0 {
				t.Fatalf("status %d in spite of %v", reply.Status, err)
			}
			return
		}
		again := append([][]byte{nil}, AppendReply(nil, []byte(requestID), &reply)...)
		if !equal(again, given) {
			t.Fatalf("written again: %q, was %q", again, given)
		}
	})
}

// FuzzRequest feeds the handler.
func FuzzRequest(f *testing.F) {
	for _, request := range []Request{
		{Domain: "dom", Address: "127.0.0.1", Mechanism: "NULL"},
		{Address: "127.0.0.1", Identity: []byte("me"), Mechanism: "PLAIN", Credentials: frames("admin", "secret")},
		{Address: "::1", Mechanism: "CURVE", Credentials: [][]byte{bytes.Repeat([]byte{7}, 32)}},
	} {
		f.Add(join(AppendRequest(nil, &request)[1:]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		given := split(b)
		request, id, err := ParseRequest(given)
		if err != nil {
			return
		}
		again := AppendRequest(nil, &request)[1:]
		again[1] = id
		if !equal(again, given) {
			t.Fatalf("written again: %q, was %q", again, given)
		}
	})
}
