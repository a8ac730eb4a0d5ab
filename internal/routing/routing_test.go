package routing

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// A bench is a hub with the pipes that join it, and the memory they use.
type bench struct {
	t    testing.TB
	pool message.Pool
	hub  pipe.Hub
	ends []*pipe.End // the socket's
	far  []*pipe.End
	out  []*pipe.Outgoing
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t}
	b.pool.Poison = true
	return b
}

// deaf is a session that need not be told of anything.
type deaf struct{}

func (deaf) OutReady(bool) {}
func (deaf) InRoom()       {}

// pipe makes a pipe whose socket may write mark messages, zero for any number.
func (b *bench) pipe(mark int) *pipe.End {
	near, far := pipe.New(pipe.Config{Pool: &b.pool, SendMark: mark, SendMarkPeer: -1, RecvMarkPeer: -1})
	near.Join(&b.hub)
	far.Carry(deaf{})
	near.ID = fmt.Append(nil, len(b.ends))
	b.ends, b.far, b.out = append(b.ends, near), append(b.far, far), append(b.out, pipe.NewOutgoing(far))
	return near
}

func (b *bench) pipes(n int) []*pipe.End {
	for range n {
		b.pipe(0)
	}
	return b.ends
}

// deliver brings messages of one frame to pipe i.
func (b *bench) deliver(i int, bodies ...string) {
	for _, s := range bodies {
		b.span(i, 0, s)
	}
}

func (b *bench) span(i int, flags zmtp.Flags, body string) {
	octets := append(zmtp.AppendHeader(nil, flags, len(body)), body...)
	c := b.pool.Block(len(octets))
	copy(c.B, octets)
	b.far[i].Deliver([]pipe.Span{pipe.NewSpan(c, 0, len(octets), 1, nil)}, 1)
}

// gets takes what was written to pipe i, frames of a message joined by bars.
func (b *bench) gets(i int) (all []string) {
	o := b.out[i]
	for o.Take() == pipe.OK {
		octets, frames := 0, []string(nil)
		w := o.Walk()
		for f, ok := w.Next(); ok; f, ok = w.Next() {
			octets += zmtp.HeaderSize(len(f.Body)) + len(f.Body)
			frames = append(frames, string(f.Body))
			if f.EndsMessage() {
				all = append(all, strings.Join(frames, "|"))
				frames = nil
			}
		}
		o.Wrote(octets)
	}
	return all
}

func data(frames ...string) *message.Message {
	m := new(message.Message)
	for _, f := range frames {
		m.Frames = append(m.Frames, []byte(f))
	}
	return m
}

// names are the IDs of ends, joined.
func names(ends []*pipe.End) string {
	var all []string
	for _, e := range ends {
		if e == nil {
			all = append(all, "-")
		} else {
			all = append(all, string(e.ID))
		}
	}
	return strings.Join(all, " ")
}

func (b *bench) want(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %s, want %s", what, got, want)
	}
}
