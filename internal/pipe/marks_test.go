package pipe

import (
	"math"
	"testing"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// A reader that only looks whether there is more has used up what it read, as far
// as the writer is concerned: else a writer that met a lowered mark would wait for
// a reader that waits for it.
func TestAReaderThatFindsNothingHasAcknowledgedAll(t *testing.T) {
	r := newRig(t, Config{RecvMark: 0, RecvMarkPeer: -1})
	for range 9 {
		spans, n := r.spansOf(r.data(1))
		r.far.Deliver(spans, n)
	}
	var m message.Message
	r.near.Read(&m)
	r.near.SetRecvMark(4)
	if room := r.far.Room(); room != 0 {
		t.Fatalf("room for %d messages beyond the mark", room)
	}
	for range 8 {
		r.near.Read(&m)
	}
	if st := r.near.CanRead(); st != Empty {
		t.Fatalf("CanRead: %v, want Empty", st)
	}
	if r.writable.Load() == 0 {
		t.Error("the writer was not told of room")
	}
	if room := r.far.Room(); room != 4 {
		t.Errorf("room for %d messages, want 4", room)
	}
	r.near.CloseRead()
	r.done()
}

// Marks count what waits and what the reader has in its hands.
func TestTheMarkIsExact(t *testing.T) {
	for mark := 1; mark <= 7; mark++ {
		r := newRig(t, Config{SendMark: mark, SendMarkPeer: -1})
		var far Hub
		r.far.Join(&far)
		for i := range mark {
			if st := r.write(r.near, r.data(i)); st != OK {
				t.Fatalf("mark %d: message %d: %v", mark, i, st)
			}
		}
		if st := r.write(r.near, r.data(0)); st != Full {
			t.Errorf("mark %d: one more: %v, want Full", mark, st)
		}
		// Half of the mark is low water: not before that many are left is there room.
		var m message.Message
		for left := mark; left > 0; left-- {
			if room := r.hub.HasWritable(); room != (left <= mark/2) {
				t.Errorf("mark %d: with %d left the writer was told: %v", mark, left, room)
			}
			r.far.Read(&m)
		}
		r.far.CloseRead()
		r.near.CloseRead()
		r.done()
	}
}

// spansOf encodes messages as a session delivers them: several in a chunk, large
// bodies in blocks of their own.
func (r *rig) spansOf(all ...*message.Message) (spans []Span, n int) {
	c := r.pool.Chunk(message.LargeChunk)
	at := 0
	for _, m := range all {
		for i, f := range m.Frames {
			flags, last := zmtp.FlagMore, 0
			if i == len(m.Frames)-1 {
				flags, last = 0, 1
			}
			octets := zmtp.AppendFrame(nil, flags, f)
			if len(octets) > len(c.B)-at {
				block := r.pool.Block(len(octets))
				copy(block.B, octets)
				r.chunks[block] = true
				spans = append(spans, NewWholeSpan(block, last, nil))
				continue
			}
			from := at
			at += copy(c.B[at:], octets)
			if k := len(spans) - 1; k >= 0 && spans[k].chunk == c && int(spans[k].end) == from {
				spans[k].end = uint32(at)
				spans[k].n += int32(last)
				continue
			}
			c.Retain()
			spans = append(spans, NewSpan(c, from, at, last, nil))
		}
	}
	r.chunks[c] = true
	c.Release()
	return spans, len(all)
}

// Two shares that are as large as can be are not as small as can be together.
func TestAMarkDoesNotOverflow(t *testing.T) {
	var m marks
	m.set(math.MaxInt, math.MaxInt)
	if m.reached(1000) || m.step() < 1 || !m.low(1000) {
		t.Errorf("the mark of %d is reached by 1000 messages, or is %d steps", m.mark, m.step())
	}
}
