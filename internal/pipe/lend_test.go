package pipe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// A received is a way in which a message with a large body may lie in memory.
type received struct {
	name string
	// arrive has m arrive at the rig's near end.
	arrive func(r *rig, m *message.Message)
}

var ways = []received{
	{"among others in a chunk", func(r *rig, m *message.Message) {
		c := &message.Chunk{B: append(encoded(r.data(3)), encoded(m)...)}
		c.Retain()
		r.chunks[c] = true
		r.far.Deliver([]Span{NewSpan(c, 0, len(c.B), 2, nil)}, 2)
		r.near.Read(new(message.Message))
	}},
	{"each frame in a block of its own", func(r *rig, m *message.Message) {
		var spans []Span
		for i, f := range m.Frames {
			flags, n := zmtp.FlagMore, 0
			if i == len(m.Frames)-1 {
				flags, n = 0, 1
			}
			c := &message.Chunk{B: zmtp.AppendFrame(nil, flags, f)}
			c.Retain()
			r.chunks[c] = true
			spans = append(spans, NewWholeSpan(c, n, nil))
		}
		r.far.Deliver(spans, 1)
	}},
	{"from a neighbour who lent it", func(r *rig, m *message.Message) {
		var hub Hub
		r.far.Join(&hub)
		lent := r.lent(&message.Message{Frames: m.Frames})
		r.far.Write(lent)
		lent.Owned.Release()
		r.look()
	}},
}

// lending makes a message of large and small frames arrive, reads it, has forward
// write it on, and lets go of it.
// f returns the rigs to which it went.
func lending(t *testing.T, f func(t *testing.T, m *message.Message, forward func(write func(*message.Message))) []*rig) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			for _, sizes := range [][]int{
				{message.LargeFrame},
				{5, message.LargeFrame},
				{message.LargeFrame, 0, 40000, 300, 70000},
			} {
				t.Run(strings.Trim(fmt.Sprint(sizes), "[]"), func(t *testing.T) {
					from := newRig(t, Config{})
					m := from.data(sizes...)
					way.arrive(from, copyOf(m))
					rigs := f(t, m, func(write func(*message.Message)) {
						var in message.Message
						if st := from.near.Read(&in); st != OK || !same(&in, m) {
							t.Fatalf("read %v, %d frames", st, len(in.Frames))
						}
						in.Lender = from.near
						write(&in)
						from.near.CloseRead()
						from.far.CloseRead()
						from.far.CloseWrite()
					})
					for i, r := range rigs { // of what they share, one looks after it
						for _, other := range append([]*rig{from}, rigs[i+1:]...) {
							for c := range other.chunks {
								delete(r.chunks, c)
							}
						}
						r.done()
					}
					from.done()
				})
			}
		})
	}
}

// A large body that is sent on is not copied, and lasts as long as it is needed.
func TestALargeBodyIsLent(t *testing.T) {
	lending(t, func(t *testing.T, m *message.Message, forward func(func(*message.Message))) []*rig {
		to := newRig(t, Config{})
		to.write(to.near, to.data(7))
		forward(func(in *message.Message) {
			if st := to.near.Write(in); st != OK {
				t.Fatal(st)
			}
			for _, f := range in.Frames {
				if len(f) >= message.LargeFrame && !slices.ContainsFunc(to.near.out.spans, func(s Span) bool { return &s.Bytes()[0] == &f[0] }) {
					t.Errorf("a body of %d octets was copied", len(f))
				}
			}
		})
		to.write(to.near, to.data(9))
		var got message.Message
		for i, want := range []*message.Message{nil, m, nil} {
			if st := to.far.Read(&got); st != OK || want != nil && !same(&got, want) {
				t.Errorf("message %d: %v, %d frames", i, st, len(got.Frames))
			}
		}
		if to.far.Read(&got) != Empty {
			t.Error("there is more")
		}
		to.look()
		to.near.CloseRead()
		to.far.CloseRead()
		return []*rig{to}
	})
}

// It goes out behind its header, and what a broken connection has not sent goes out
// over the next.
func TestALentBodyGoesOut(t *testing.T) {
	lending(t, func(t *testing.T, m *message.Message, forward func(func(*message.Message))) []*rig {
		to := newRig(t, Config{})
		first := to.data(7)
		to.write(to.near, first)
		forward(func(in *message.Message) { to.near.Write(in) })
		out := NewOutgoing(to.far)
		out.Take()
		out.Wrote(len(encoded(first)))
		if lost := out.Restore(); lost != 0 {
			t.Errorf("%d messages are lost", lost)
		}
		out.Take()
		var stream []byte
		for {
			n := len(stream)
			for _, b := range out.Buffers(nil, 1, 1) {
				stream = append(stream, b...)
			}
			if len(stream) == n {
				break
			}
			out.Wrote(len(stream) - n)
		}
		if whole, size := parse(stream); len(whole) != 1 || size != len(stream) || !same(whole[0], m) {
			t.Errorf("%d octets went out, which are something else", len(stream))
		}
		to.near.CloseWrite()
		to.far.CloseRead()
		return []*rig{to}
	})
}

// One that goes to many is shared by all.
func TestALentBodyGoesToMany(t *testing.T) {
	lending(t, func(t *testing.T, m *message.Message, forward func(func(*message.Message))) []*rig {
		rigs := []*rig{newRig(t, Config{}), newRig(t, Config{}), newRig(t, Config{Conflate: true})}
		forward(func(in *message.Message) {
			var e Encoding
			e.Encode(in, &rigs[0].pool)
			for _, r := range rigs {
				if st := r.near.WriteEncoded(&e); st != OK {
					t.Fatal(st)
				}
			}
			e.Release()
		})
		for i, r := range rigs {
			r.look()
			var got message.Message
			want := m
			if i == 2 {
				want = &message.Message{Frames: m.Frames[len(m.Frames)-1:]}
			}
			if st := r.far.Read(&got); st != OK || !same(&got, want) {
				t.Errorf("pipe %d: %v, %d frames", i, st, len(got.Frames))
			}
			if i == 0 && !r.far.Shared() {
				t.Error("an application would get memory that others have, too")
			}
		}
		for _, r := range rigs {
			r.near.CloseRead()
			r.far.CloseRead()
		}
		return rigs
	})
}

// What lies elsewhere is not lent.
func TestOnlyTheLastMessageIsLent(t *testing.T) {
	r := newRig(t, Config{})
	if c, _ := r.far.Lend([]byte("x")); c != nil {
		t.Error("it lends before it has anything")
	}
	m := r.data(message.LargeFrame, 0)
	r.write(r.near, m)
	var in message.Message
	r.far.Read(&in)
	for name, body := range map[string][]byte{
		"nothing":         {},
		"its like":        m.Frames[0],
		"a part of it":    in.Frames[0][:100],
		"the empty frame": in.Frames[1],
	} {
		if c, _ := r.far.Lend(body); c != nil {
			t.Errorf("it lends %s", name)
		}
	}
	c, off := r.far.Lend(in.Frames[0])
	if c == nil || &c.B[off] != &in.Frames[0][0] {
		t.Error("it does not lend the body")
	} else {
		c.Release()
	}
	r.look()
	r.far.CloseRead()
	r.near.CloseRead()
	r.done()
}

// Short frames follow each other in a run, whatever comes between.
func TestMessagesOfShortFramesFollowEachOther(t *testing.T) {
	r := newRig(t, Config{SendMark: 5000})
	var sent []*message.Message
	for i := range 4000 {
		sizes := []int{5, i % 256}
		switch {
		case i%7 == 0:
			sizes = append(sizes, 0)
		case i%101 == 0:
			sizes = append(sizes, 256)
		case i%11 == 0:
			sizes = sizes[:1]
		case i%503 == 0:
			sizes = append(sizes, 17000)
		}
		m := r.data(sizes...)
		sent = append(sent, m)
		if st := r.write(r.near, m); st != OK {
			t.Fatalf("message %d: %v", i, st)
		}
	}
	if n := r.near.Written().Messages; n != uint64(len(sent)) {
		t.Errorf("%d messages count as written", n)
	}
	var got message.Message
	for i, m := range sent {
		if st := r.far.Read(&got); st != OK || !same(&got, m) {
			t.Fatalf("message %d: %v, %d frames, want %d", i, st, len(got.Frames), len(m.Frames))
		}
	}
	r.near.CloseRead()
	r.far.CloseRead()
	r.done()
}
