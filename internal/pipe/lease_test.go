package pipe

import (
	"bytes"
	"testing"

	"zeromux/internal/message"
)

// lendable makes a pipe with n messages of size octets that its reader has taken, and
// read the first of. It returns the bodies of the others.
func lendable(tb testing.TB, c Config, n, size int) (r *rig, bodies [][]byte) {
	r = newRig(tb, c)
	r.far.Peer = new(message.Peer)
	for range n {
		m := r.data(size)
		bodies = append(bodies, m.Frames[0])
		if st := r.write(r.near, m); st != OK {
			tb.Fatal(st)
		}
	}
	var m message.Message
	if st := r.far.Read(&m); st != OK {
		tb.Fatal(st)
	}
	return r, bodies[1:]
}

// A lease ends where the reader is to acknowledge, so that the writer stays close
// behind.
func TestALeaseEndsBeforeTheNextAcknowledgement(t *testing.T) {
	r, bodies := lendable(t, Config{SendMark: 400, SendMarkPeer: -1}, 200, 8)
	var l Lease
	if !r.far.Lease(&l) {
		t.Fatal("no lease")
	}
	taken := 0
	for body, ok := l.Take(8); ok; body, ok = l.Take(8) {
		if !bytes.Equal(body, bodies[taken]) {
			t.Fatalf("message %d is another", taken)
		}
		taken++
	}
	l.End()
	l.Drop()
	if want := 400/8 - 2; taken != want { // one was read before, one is left that acknowledges
		t.Errorf("took %d, want %d", taken, want)
	}
	var m message.Message
	if r.far.Read(&m); !bytes.Equal(m.Frames[0], bodies[taken]) {
		t.Error("the message behind the lease is another")
	}
	if depth := r.near.Unsent(); depth != 200-400/8 {
		t.Errorf("depth %d, want %d: the messages of the lease were not acknowledged", depth, 200-400/8)
	}
	r.far.CloseRead()
	r.near.CloseWrite()
	r.done()
}

// What a lease gave out stays as it is until Drop, whatever becomes of the pipe.
func TestWhatALeaseGaveOutStays(t *testing.T) {
	r, bodies := lendable(t, Config{SendMarkPeer: -1}, 100, 200)
	var l Lease
	if !r.far.Lease(&l) {
		t.Fatal("no lease")
	}
	body, ok := l.Take(200)
	if !ok {
		t.Fatal("nothing to take")
	}
	l.End()
	var m message.Message
	for read := 2; ; read++ {
		if st := r.far.Read(&m); st == Empty {
			if read != 100 {
				t.Errorf("%d messages came in all", read)
			}
			break
		}
	}
	r.far.CloseRead()
	r.near.CloseWrite()
	if !bytes.Equal(body, bodies[0]) {
		t.Error("the memory of what was taken is used for something else")
	}
	l.Drop()
	r.done()
}
