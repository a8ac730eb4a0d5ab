package pipe

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync/atomic"
	"testing"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// A rig is a pipe under test: a socket's end, near, and the other one, far, which
// is a session's or another socket's. It knows every chunk that it has seen, so
// that it can tell in the end whether each came home.
type rig struct {
	testing.TB
	pool      message.Pool
	hub       Hub
	near, far *End

	teller // who has the session's end

	chunks map[*message.Chunk]bool
	given  map[*message.Chunk]bool // those that a reader gave away for good
	owners []*owned
	serial uint32 // of bodies, so that no two are alike
}

// A teller is a session that counts what it is told.
type teller struct{ readable, writable atomic.Int32 }

func (t *teller) OutReady(bool) { t.readable.Add(1) }
func (t *teller) InRoom()       { t.writable.Add(1) }

// owned is memory that was lent to the pipe.
type owned struct {
	owner    *message.Owner
	released int
}

// newRig makes a pipe whose far end is a session's.
func newRig(tb testing.TB, c Config) *rig {
	r := &rig{TB: tb, chunks: make(map[*message.Chunk]bool), given: make(map[*message.Chunk]bool)}
	r.pool.Poison = true
	c.Pool = &r.pool
	r.near, r.far = New(c)
	r.near.Join(&r.hub)
	r.far.Carry(&r.teller)
	return r
}

// body returns octets that nobody else has, size of them.
func (r *rig) body(size int) []byte {
	r.serial++
	b := make([]byte, size)
	fillBody(b, r.serial)
	return b
}

// fillBody writes the octets that belong to a serial number.
func fillBody(b []byte, serial uint32) {
	for i := 0; i < len(b); i += 4 {
		var word [4]byte
		binary.BigEndian.PutUint32(word[:], serial*2654435761+uint32(i))
		copy(b[i:], word[:])
	}
}

// data returns a message of frames of these sizes.
func (r *rig) data(sizes ...int) *message.Message {
	m := new(message.Message)
	for _, size := range sizes {
		m.Frames = append(m.Frames, r.body(size))
	}
	return m
}

// lent makes m one whose memory is lent.
func (r *rig) lent(m *message.Message) *message.Message {
	o := new(owned)
	o.owner = message.NewOwner(func() { o.released++ })
	m.Owned = o.owner
	r.owners = append(r.owners, o)
	return m
}

// write writes m and tells who must hear of it.
func (r *rig) write(e *End, m *message.Message) Status {
	st := e.Write(m)
	r.tell()
	if m.Owned != nil {
		m.Owned.Release()
	}
	return st
}

func (r *rig) tell() {
	later := r.hub.Later()
	later.Now()
	if later.Many() {
		r.hub.Reuse(later)
	}
	r.look()
}

// look takes note of every chunk that the pipe holds.
func (r *rig) look() {
	for _, q := range []*queue{r.near.in, r.near.out} {
		for i := range q.spans {
			r.chunks[q.spans[i].chunk] = true
		}
		r.chunks[q.open] = true
	}
}

// done checks that every chunk has come home, once, and that every owner knows.
func (r *rig) done() {
	r.Helper()
	delete(r.chunks, nil)
	for c := range r.chunks {
		if c.Lent() || r.given[c] {
			continue // the owner is asked below; the collector has the others
		}
		c.Retain()
		if !c.Sole() {
			r.Errorf("a chunk of %d octets was not released", len(c.B))
		}
	}
	for i, o := range r.owners {
		if o.released != 1 {
			r.Errorf("owner %d was told %d times that its memory is free", i, o.released)
		}
	}
}

// same reports whether two messages have the same kind and frames.
func same(a, b *message.Message) bool {
	return a.Kind == b.Kind && slices.EqualFunc(a.Frames, b.Frames, bytes.Equal)
}

// copyOf returns m with memory of its own.
func copyOf(m *message.Message) *message.Message {
	c := &message.Message{Kind: m.Kind}
	for _, f := range m.Frames {
		c.Frames = append(c.Frames, bytes.Clone(f))
	}
	return c
}

// parse returns the whole messages and commands at the beginning of a stream, and
// how many octets they are.
func parse(stream []byte) (whole []*message.Message, size int) {
	m := new(message.Message)
	for at := 0; ; {
		h, n, err := zmtp.ParseHeader(stream[at:])
		if err != nil || h.Size > int64(len(stream)-at-n) {
			return whole, size
		}
		body := stream[at+n : at+n+int(h.Size)]
		at += n + int(h.Size)
		m.Frames = append(m.Frames, body)
		if h.Flags&zmtp.FlagCommand != 0 {
			m.Kind, m.Frames[0] = subscription(body)
		} else if h.Flags&zmtp.FlagMore != 0 {
			continue
		}
		whole, size, m = append(whole, m), at, new(message.Message)
	}
}

// encoded returns m as it is on the wire.
func encoded(m *message.Message) []byte {
	var b []byte
	switch m.Kind {
	case message.Subscribe:
		return zmtp.AppendFrame(b, zmtp.FlagCommand, append([]byte(subscribeName), m.Frames[0]...))
	case message.Cancel:
		return zmtp.AppendFrame(b, zmtp.FlagCommand, append([]byte(cancelName), m.Frames[0]...))
	}
	for i, f := range m.Frames {
		flags := zmtp.FlagMore
		if i == len(m.Frames)-1 {
			flags = 0
		}
		b = zmtp.AppendFrame(b, flags, f)
	}
	return b
}
