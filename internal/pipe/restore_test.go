package pipe

import (
	"fmt"
	"slices"
	"testing"

	"zeromux/internal/message"
)

// A batch is what stands in a pipe when the connection is cut.
var batches = []struct {
	name  string
	write func(r *rig) []*message.Message
}{
	{"one message", func(r *rig) []*message.Message { return []*message.Message{r.data(3)} }},
	{"short and empty ones", func(r *rig) []*message.Message {
		return []*message.Message{r.data(0), r.data(1), r.data(0, 0), r.data(255), r.data(256), r.data(0, 255, 0)}
	}},
	{"frames of a block each", func(r *rig) []*message.Message {
		return []*message.Message{r.data(2), r.data(message.LargeFrame), r.data(message.LargeFrame + 1), r.data(5)}
	}},
	{"messages over many spans", func(r *rig) []*message.Message {
		return []*message.Message{
			r.data(2), r.data(3, message.LargeFrame, 4), r.data(message.LargeFrame, message.LargeFrame, 0), r.data(1), r.data(1, 1),
		}
	}},
	{"lent bodies", func(r *rig) []*message.Message {
		return []*message.Message{
			r.data(2), r.lent(r.data(message.LargeFrame)), r.lent(r.data(7, message.LargeFrame, 9, message.LargeFrame)), r.data(1),
		}
	}},
	{"subscriptions between", func(r *rig) []*message.Message {
		sub := &message.Message{Kind: message.Subscribe, Frames: [][]byte{[]byte("topic")}}
		can := &message.Message{Kind: message.Cancel, Frames: [][]byte{r.body(300)}}
		return []*message.Message{sub, r.data(4), can, r.data(5, 6), sub, r.data(message.LargeFrame), can}
	}},
	{"a message that begins where a chunk ends", func(r *rig) []*message.Message {
		return []*message.Message{r.data(message.SmallChunk - 20), r.data(10, 30), r.data(message.LargeFrame - 1), r.data(8)}
	}},
}

// A connection that is cut loses the message that was cut in two, and nothing else:
// what was written whole is gone, the rest is there again, once and in order.
func TestACutAtAnyOctetLosesTheMessageCutInTwo(t *testing.T) {
	for _, batch := range batches {
		t.Run(batch.name, func(t *testing.T) {
			edges := edgesOf(batch.write(newRig(t, Config{})))
			for cut := 0; cut <= edges[len(edges)-1]; cut++ {
				if !slices.ContainsFunc(edges, func(edge int) bool { return -12 <= cut-edge && cut-edge <= 12 }) {
					continue // inside a body one octet is like the other
				}
				for _, step := range []int{1 << 30, 7000} {
					cutAt(t, batch.write, cut, step, false)
					cutAt(t, batch.write, cut, step, true)
				}
				if t.Failed() {
					t.Fatalf("cut at octet %d of %d", cut, edges[len(edges)-1])
				}
			}
		})
	}
}

// edgesOf returns where the frames of a batch begin, and where the last one ends.
func edgesOf(batch []*message.Message) (edges []int) {
	at := 0
	for _, m := range batch {
		for i := range m.Frames {
			edges = append(edges, at)
			one := *m
			one.Frames = m.Frames[i : i+1]
			at += len(encoded(&one))
		}
	}
	return append(edges, at)
}

// cutAt writes a batch, lets a session write up to cut octets, at most step at a
// time, and restores. With again it is the second connection: the first was cut
// before it carried anything.
func cutAt(t *testing.T, write func(r *rig) []*message.Message, cut, step int, again bool) {
	r := newRig(t, Config{})
	total := 0
	batch := write(r)
	var want [][]byte // of each message, nil for subscriptions
	lost := 0
	for _, m := range batch {
		if st := r.near.Write(m); st != OK {
			t.Fatalf("Write: %v", st)
		}
		octets := encoded(m)
		if begin := total; m.Kind != message.Data {
			octets, total = nil, total+len(octets)
		} else {
			total += len(octets)
			if begin < cut {
				octets = nil
				if total > cut {
					lost++
				}
			}
		}
		if octets != nil {
			want = append(want, octets)
		}
	}
	for _, o := range r.owners {
		o.owner.Release()
	}
	r.tell()
	later := r.data(11)
	o := NewOutgoing(r.far)
	if again {
		o.Take()
		o.Restore()
		r.look()
		cut = withoutSubscriptions(batch, cut)
	}
	carry(t, o, cut, step)
	r.write(r.near, later) // waits while the connection breaks
	want = append(want, encoded(later))

	if got := o.Restore(); got != lost {
		t.Errorf("%d messages were lost, want %d", got, lost)
	}
	if out := r.near.Unsent(); out != len(want) {
		t.Errorf("%d messages wait after the cut, want %d", out, len(want))
	}
	r.look()
	r.write(r.near, r.data(2)) // joins what is there
	want = append(want, encoded(&message.Message{Frames: [][]byte{bodyOf(r.serial, 2)}}))
	stream := carry(t, o, 1<<30, 1<<30)
	whole, size := parse(stream)
	if size != len(stream) || len(whole) != len(want) {
		t.Errorf("%d messages in %d of %d octets came after the cut, want %d", len(whole), size, len(stream), len(want))
		return
	}
	for i, m := range whole {
		if string(encoded(m)) != string(want[i]) {
			t.Errorf("message %d after the cut is another one", i)
		}
	}
	if out := r.near.Unsent(); out != 0 {
		t.Errorf("%d messages are thought to wait when all are written", out)
	}
	o.Drop()
	r.far.CloseRead()
	r.near.CloseRead()
	r.done()
}

// withoutSubscriptions returns where a cut goes through when subscriptions are gone.
func withoutSubscriptions(batch []*message.Message, cut int) int {
	at, gone := 0, 0
	for _, m := range batch {
		size := len(encoded(m))
		if m.Kind != message.Data {
			gone += max(0, min(cut-at, size))
		}
		at += size
	}
	return cut - gone
}

func bodyOf(serial uint32, size int) []byte {
	b := make([]byte, size)
	fillBody(b, serial)
	return b
}

// carry writes at most limit octets as a session does, step octets at a time, and
// returns them.
func carry(t testing.TB, o *Outgoing, limit, step int) (stream []byte) {
	for limit > 0 {
		if st := o.Take(); st != OK {
			return stream
		}
		n := 0
		for _, b := range o.Buffers(nil, min(limit, step), 3) {
			b = b[:min(len(b), limit-n, step-n)]
			stream = append(stream, b...)
			n += len(b)
		}
		if n == 0 {
			t.Fatal("nothing to write, though Take says there is")
		}
		o.Wrote(n)
		limit -= n
	}
	return stream
}

// A connection may be cut again before it has carried anything further.
func TestCutsUponCuts(t *testing.T) {
	r := newRig(t, Config{})
	var want []string
	for i := range 40 {
		m := r.data(i, message.LargeFrame*(i%3/2)+i)
		r.write(r.near, m)
		want = append(want, string(encoded(m)))
	}
	o := NewOutgoing(r.far)
	var got []string
	for cuts := 0; ; cuts++ {
		stream := carry(t, o, 1+cuts*13, 1<<20)
		whole, size := parse(stream)
		for _, m := range whole {
			got = append(got, string(encoded(m)))
		}
		lost := o.Restore()
		if lost > 1 || lost == 1 != (size < len(stream)) {
			t.Fatalf("cut %d: %d messages lost with %d octets of one written", cuts, lost, len(stream)-size)
		}
		if lost == 1 {
			got = append(got, "")
		}
		if o.end.in.depth() == 0 {
			break
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages came or were lost, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != "" && got[i] != want[i] {
			t.Errorf("message %d is another one", i)
		}
	}
	r.far.CloseRead()
	r.near.CloseRead()
	r.done()
}

// Messages that a broken connection gives back count as before: room is what is
// left below the mark.
func TestRestoredMessagesCountAgainstTheMark(t *testing.T) {
	for written := range 4 {
		t.Run(fmt.Sprint(written, " of 4 written"), func(t *testing.T) {
			r := newRig(t, Config{SendMark: 4, SendMarkPeer: -1})
			for range 4 {
				r.write(r.near, r.data(message.LargeFrame))
			}
			if st := r.write(r.near, r.data(1)); st != Full {
				t.Fatalf("Write at the mark: %v", st)
			}
			o := NewOutgoing(r.far)
			carry(t, o, written*(message.LargeFrame+9), 1<<20)
			o.Restore()
			if out := r.near.Unsent(); out != 4-written {
				t.Errorf("%d messages wait, want %d", out, 4-written)
			}
			if told, want := r.hub.HasWritable(), written >= 2; told != want {
				t.Errorf("told of room: %v, want %v", told, want)
			}
			o.Drop()
			r.far.CloseRead()
			r.near.CloseRead()
			r.done()
		})
	}
}

// Subscriptions that a subscriber sent as messages are dropped as well, in front of
// the cut and behind it.
func TestRestoreDropsSubscriptionsInMessages(t *testing.T) {
	for _, row := range []struct {
		name   string
		frames []string
		stays  bool
	}{
		{"a subscription", []string{"\x01a"}, false},
		{"to everything", []string{"\x01"}, false},
		{"the end of one", []string{"\x00a"}, false},
		{"a message", []string{"\x02a"}, true},
		{"an empty message", []string{""}, true},
		{"a message with more behind", []string{"\x01a", "b"}, true},
		{"a message that ends as a subscription", []string{"b", "\x01a"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, Config{})
			o := NewOutgoing(r.far)
			o.Subscriber = true
			m := new(message.Message)
			for _, f := range row.frames {
				m.Frames = append(m.Frames, []byte(f))
			}
			r.write(r.near, r.data(5))
			r.write(r.near, m)
			o.Take()
			r.write(r.near, m)
			if lost := o.Restore(); lost != 0 {
				t.Errorf("%d lost", lost)
			}
			want := 1
			if row.stays {
				want = 3
			}
			if out := r.near.Unsent(); out != want {
				t.Errorf("%d messages wait, want %d", out, want)
			}
			whole, _ := parse(carry(t, o, 1<<30, 1<<30))
			if len(whole) != want {
				t.Errorf("%d messages came, want %d", len(whole), want)
			}
			r.far.CloseRead()
			r.near.CloseRead()
			r.done()
		})
	}
}

func TestSubscriptionsGoInFrontOfWhatWaits(t *testing.T) {
	for _, waiting := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(waiting, " messages wait"), func(t *testing.T) {
			r := newRig(t, Config{SendMark: 3, SendMarkPeer: -1})
			var want []*message.Message
			var c Encoding
			for i := range 3 {
				m := &message.Message{Kind: message.Subscribe, Frames: [][]byte{r.body(100 + i*message.LargeFrame)}}
				c.Encode(m, &r.pool)
				want = append(want, m)
			}
			for range waiting {
				m := r.data(9, message.LargeFrame)
				r.write(r.near, m)
				want = append(want, m)
			}
			o := NewOutgoing(r.far)
			if waiting == 0 {
				o.Take() // goes to sleep
			}
			if st := r.near.WriteFirst(&c); st != OK {
				t.Fatalf("WriteFirst: %v", st)
			}
			c.Release()
			r.tell()
			if told, slept := r.readable.Load() > 0, waiting == 0; told != slept {
				t.Errorf("the session is told: %v, want %v", told, slept)
			}
			if out := r.near.Unsent(); out != len(want) {
				t.Errorf("%d messages wait, want %d", out, len(want))
			}
			whole, _ := parse(carry(t, o, 1<<30, 1<<30))
			if !slices.EqualFunc(whole, want, same) {
				t.Errorf("%d messages came, or in another order", len(whole))
			}
			r.far.CloseRead()
			if st := r.near.WriteFirst(&c); st != Closed {
				t.Errorf("WriteFirst into a pipe that nobody reads: %v", st)
			}
			r.near.CloseRead()
			r.done()
		})
	}
}
