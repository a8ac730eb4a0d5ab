package pipe

import (
	"testing"

	"zeromux/internal/message"
)

// emptied reads all that waits, and returns how many messages that were.
func emptied(e *End) (n int) {
	var m message.Message
	for e.Read(&m) == OK {
		n++
	}
	return n
}

func TestAnEndThatFoundNothingHasNoCursor(t *testing.T) {
	r := newRig(t, Config{SendMarkPeer: -1, RecvMarkPeer: -1})
	for range 3 {
		for range 10 {
			r.write(r.near, r.data(1, 20_000))
		}
		if n := emptied(r.far); n != 10 {
			t.Fatalf("%d messages, want 10", n)
		}
		if r.far.cur != nil {
			t.Error("the end keeps its cursor")
		}
	}
	r.near.CloseRead()
	r.far.CloseRead()
	r.done()
}

// A list of spans goes to other pipes with a cursor; one that is long would make a
// pipe large that never had much to hold.
func TestALongListOfSpansStaysBehind(t *testing.T) {
	behind, other := newRig(t, Config{SendMarkPeer: -1}), newRig(t, Config{SendMarkPeer: -1})
	for range 20 {
		for range 100 {
			behind.write(behind.near, behind.data(20_000))
		}
		if n := emptied(behind.far); n != 100 {
			t.Fatalf("%d messages, want 100", n)
		}
		other.write(other.near, other.data(1))
		if n := emptied(other.far); n != 1 {
			t.Fatalf("%d messages, want 1", n)
		}
		if k := cap(other.far.in.spans); k > listMost {
			t.Fatalf("a pipe of one message has room for %d spans", k)
		}
	}
	for _, r := range []*rig{behind, other} {
		r.near.CloseRead()
		r.far.CloseRead()
		r.done()
	}
}
