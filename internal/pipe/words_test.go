package pipe

import (
	"bytes"
	"slices"
	"testing"

	"zeromux/internal/message"
)

// However a connection is cut, each begins with what the session says itself, once,
// and goes on with the messages that the one before it had not begun to write.
func TestTheWordsOfASessionBeginEachConnection(t *testing.T) {
	word := bytes.Repeat([]byte("hello"), 60)
	said := encoded(&message.Message{Frames: [][]byte{word}})
	for cut := range len(said) + 40 {
		r := newRig(t, Config{SendMark: 3, SendMarkPeer: -1})
		batch := []*message.Message{r.data(5), r.data(6, 7), r.data(message.LargeFrame)}
		for _, m := range batch {
			r.write(r.near, m)
		}
		o := NewOutgoing(r.far)
		o.Begin(word)
		carry(t, o, cut, 1<<30)
		r.look()
		o.Restore()
		o.Begin(word)
		stream := carry(t, o, 1<<30, 1<<30)
		want, at := bytes.Clone(said), len(said)
		for _, m := range batch {
			if cut <= at {
				want = append(want, encoded(m)...)
			}
			at += len(encoded(m))
		}
		if !bytes.Equal(stream, want) {
			t.Fatalf("cut at %d: %d octets, want %d", cut, len(stream), len(want))
		}
		if !r.near.Drained() {
			t.Fatalf("cut at %d: something still counts as waiting", cut)
		}
		o.Drop()
		r.far.CloseRead()
		r.near.CloseRead()
		r.done()
	}
}

func TestWhatASideAppendsForItselfComesLast(t *testing.T) {
	for name, row := range map[string]struct {
		config Config
		ended  bool // the other side has ended, and this one has read to the end
		want   []string
	}{
		"behind what waits":            {Config{}, false, []string{"one", "two", "mine"}},
		"beyond the mark":              {Config{RecvMark: 2, RecvMarkPeer: -1}, false, []string{"one", "two", "mine"}},
		"in place of an older message": {Config{Conflate: true}, false, []string{"mine"}},
		"behind the end":               {Config{}, true, []string{"one", "two", "mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, row.config)
			var got []string
			read := func() {
				var m message.Message
				for r.near.Read(&m) == OK {
					got = append(got, string(m.Frames[0]))
				}
			}
			pool := &r.pool
			for _, s := range []string{"one", "two"} {
				r.far.Deliver([]Span{blockSpan(pool, 0, []byte(s)).ending(1)}, 1)
			}
			if row.ended {
				r.far.CloseWrite()
				read()
			}
			r.hub.Readable(func(*End) {})
			r.near.Append([]byte("mine"))
			r.near.Announce()
			told := 0
			r.hub.Readable(func(e *End) { told++ })
			if told == 0 {
				t.Error("the reader is not told")
			}
			read()
			if !slices.Equal(got, row.want) {
				t.Fatalf("read %q, want %q", got, row.want)
			}
			r.near.CloseRead()
			r.near.Append([]byte("nobody reads it"))
			r.near.Announce()
			r.far.CloseRead()
			r.done()
		})
	}
}

// ending returns a span in which n messages end.
func (s Span) ending(n int32) Span {
	s.n = n
	return s
}
