package pipe

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"zeromux/internal/message"
)

// left are the encodings of those of a batch that are messages and do not begin with a
// frame.
func left(batch []*message.Message, first []byte) (all [][]byte) {
	for _, m := range batch {
		if m.Kind == message.Data && !bytes.Equal(m.Frames[0], first) {
			all = append(all, encoded(m))
		}
	}
	return all
}

// writes writes a batch and returns what is in it.
func writes(r *rig, batch []*message.Message) []*message.Message {
	r.Helper()
	var all []*message.Message
	for _, m := range batch {
		all = append(all, copyOf(m))
		if st := r.near.Write(m); st != OK {
			r.Fatalf("Write: %v", st)
		}
	}
	for _, o := range r.owners {
		o.owner.Release()
	}
	r.tell()
	return all
}

// arrives checks which messages a stream holds, subscriptions left out.
func arrives(t *testing.T, stream []byte, want [][]byte) {
	t.Helper()
	whole, size := parse(stream)
	if size != len(stream) {
		t.Errorf("%d octets behind the last message", len(stream)-size)
	}
	var got [][]byte
	for _, m := range dataOf(whole) {
		got = append(got, encoded(m))
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%d messages arrive, or others, want %d", len(got), len(want))
	}
}

// Whatever stands around it, a message that waits is taken back whole, and the rest goes
// out as ever, with what is written afterwards.
func TestAMessageThatWaitsIsTakenBack(t *testing.T) {
	for _, batch := range batches {
		t.Run(batch.name, func(t *testing.T) {
			for k := range batch.write(newRig(t, Config{})) {
				r := newRig(t, Config{})
				all := writes(r, batch.write(r))
				before := r.near.Written()
				m := all[k]
				if found := r.near.Withdraw(m.Frames[0]); found != (m.Kind == message.Data) {
					t.Errorf("message %d: found %v", k, found)
				}
				want := all
				if m.Kind == message.Data {
					want = slices.DeleteFunc(slices.Clone(all), func(o *message.Message) bool {
						return o.Kind == message.Data && bytes.Equal(o.Frames[0], m.Frames[0])
					})
				}
				if n := r.near.Unsent(); n != len(want) {
					t.Errorf("message %d: %d wait, want %d", k, n, len(want))
				}
				if r.near.Written() != before {
					t.Errorf("message %d: the totals have become %+v, from %+v", k, r.near.Written(), before)
				}
				later := r.data(3)
				want = append(slices.Clone(want), copyOf(later))
				r.write(r.near, later)
				arrives(t, carry(t, NewOutgoing(r.far), 1<<30, 1<<20), left(want, []byte("none")))
				r.near.CloseWrite()
				r.far.CloseRead()
				r.done()
			}
		})
	}
}

// What a session has taken goes out, or, if nobody wants it any more, is lost with the
// connection: it does not come back. What is written later is another thing, though it
// begins alike.
func TestAMessageInFlightIsTakenBackWhenItWouldReturn(t *testing.T) {
	for _, batch := range batches {
		t.Run(batch.name, func(t *testing.T) {
			for k, m := range batch.write(newRig(t, Config{})) {
				if m.Kind != message.Data {
					continue
				}
				for _, written := range []bool{true, false} {
					r := newRig(t, Config{})
					all := writes(r, batch.write(r))
					first, forgotten := all[k].Frames[0], false
					ok := r.hub.OnlyWanted(func(e *End, f []byte) bool {
						if e != r.near {
							t.Error("asked of another end")
						}
						return !forgotten || !bytes.Equal(f, first)
					})
					if !ok || r.hub.OnlyWanted(nil) {
						t.Error("nobody is asked, or two are")
					}
					o := NewOutgoing(r.far)
					o.Take()
					if r.near.Withdraw(first) {
						t.Errorf("message %d waits, and was taken", k)
					}
					forgotten = true
					none := []byte("none")
					if written {
						arrives(t, carry(t, o, 1<<30, 1<<20), left(all, none))
					} else {
						if lost := o.Restore(); lost != 0 {
							t.Errorf("%d were lost", lost)
						}
						arrives(t, carry(t, o, 1<<30, 1<<20), left(all, first))
					}
					forgotten = false
					alike := &message.Message{Frames: [][]byte{first}}
					r.write(r.near, copyOf(alike))
					o.Take()
					o.Restore()
					arrives(t, carry(t, o, 1<<30, 1<<20), [][]byte{encoded(alike)})
					o.Drop()
					r.near.CloseWrite()
					r.far.CloseRead()
					r.done()
				}
			}
		})
	}
}

// The writer learns of the room that it has made, as of any.
func TestWhatIsTakenBackMakesRoom(t *testing.T) {
	r := newRig(t, Config{SendMark: 4, SendMarkPeer: -1, RecvMarkPeer: -1})
	for i := range 4 {
		r.write(r.near, &message.Message{Frames: [][]byte{fmt.Append(nil, i)}})
	}
	if st := r.near.CanWrite(); st != Full {
		t.Fatalf("at the mark: %v", st)
	}
	for i := range 2 {
		if r.hub.HasWritable() {
			t.Errorf("there is room when %d were taken back", i)
		}
		r.near.Withdraw(fmt.Append(nil, i))
	}
	if !r.hub.HasWritable() {
		t.Error("nobody was told of room")
	}
	r.near.CloseWrite()
	r.far.CloseRead()
	r.done()
}

// What may be taken back is taken by a session a little at a time, whole messages, and
// nothing of it is lost, doubled or counted twice.
func TestWhatMayBeTakenBackIsTakenALittleAtATime(t *testing.T) {
	for _, batch := range batches {
		t.Run(batch.name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.hub.OnlyWanted(func(*End, []byte) bool { return true })
			want := left(writes(r, batch.write(r)), []byte("none"))
			for range 3 {
				for range 4 {
					m := r.data(1)
					m.Frames[0] = r.body(takenAtOnce / 2)
					want = append(want, encoded(copyOf(m)))
					r.write(r.near, m)
				}
				m := r.data(2)
				want = append(want, encoded(copyOf(m)))
				r.write(r.near, m)
			}
			before, unsent := r.near.Written(), r.near.Unsent()
			var stream []byte
			o := NewOutgoing(r.far)
			for o.Take() == OK {
				if k := len(o.spans) - 1; octetsOf(o.spans[:k]) >= takenAtOnce && o.spans[k].flags&spanMid == 0 {
					t.Errorf("%d octets are taken at once", octetsOf(o.spans))
				}
				before := len(stream)
				for _, b := range o.Buffers(nil, 1<<30, 1<<20) {
					stream = append(stream, b...)
				}
				part := stream[before:]
				if _, size := parse(part); size != len(part) {
					t.Error("a message is cut")
				}
				o.Wrote(len(part))
			}
			arrives(t, stream, want)
			if r.near.Written() != before || unsent == 0 || r.near.Unsent() != 0 {
				t.Errorf("written %+v, then %+v; unsent %d, then %d", before, r.near.Written(), unsent, r.near.Unsent())
			}
			r.near.CloseWrite()
			r.far.CloseRead()
			r.done()
		})
	}
}
