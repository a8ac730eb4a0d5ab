package message

import (
	"bytes"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	// SmallChunk is the size of the first block that a quiet queue or
	// connection fills, in octets.
	SmallChunk = 4 << 10
	// LargeChunk is the size of the blocks that carry a busy one. 64 KiB was
	// the best of 8 to 256 KiB.
	LargeChunk = 64 << 10
	// LargeFrame is the frame size, in octets, from which a body gets a block
	// of its own and is queued by reference.
	LargeFrame = 16 << 10

	// blockSlack is what a block holds beyond a power of two: the longest
	// frame header and a little, so that a body of exactly 64 KiB does not
	// take a block of 128.
	blockSlack = 64
	// maxClassBits is the size class of the largest recycled block, 16 MiB.
	// Longer ones are left to the collector.
	maxClassBits = 24
	minClassBits = 15 // 32 KiB: the first power of two above LargeFrame

	// freeOctets bounds what one size class keeps for good; one block is kept in
	// any case.
	freeOctets = 8 << 20
)

// A Chunk is a block of memory counted by reference. Whoever fills it holds
// one reference, so does every span that lies in it and every message that was
// received out of it without copying. When the last is released the chunk goes
// back to the free list it came from.
//
// A holder that never releases is no mistake: the chunk is ordinary garbage
// then. That is how memory is given away for good.
type Chunk struct {
	// B is the whole block.
	B []byte

	refs   atomic.Int32
	home   *freeList // nil: not recycled
	owner  *Owner    // memory of an application, told when the last reference goes
	poison bool      // fill with rubbish when it is recycled
}

// Retain adds a reference.
func (c *Chunk) Retain() { c.refs.Add(1) }

// Release takes a reference back. The holder must not touch B after it.
func (c *Chunk) Release() {
	switch n := c.refs.Add(-1); {
	case n > 0:
	case n < 0:
		panic("message: chunk released more often than retained")
	case c.owner != nil:
		c.B = nil
		c.owner.Release()
	case c.home != nil:
		c.home.put(c)
	}
}

// Sole reports whether the caller's reference is the only one. It is stable
// only for a caller that alone can hand out further references.
func (c *Chunk) Sole() bool { return c.refs.Load() == 1 }

// Lent reports whether the memory belongs to an application.
func (c *Chunk) Lent() bool { return c.owner != nil }

// An Owner is memory that an application lent: its function is called once,
// when the last reference is released.
type Owner struct {
	refs    atomic.Int32
	release func()
}

// NewOwner returns an Owner with one reference, the caller's.
func NewOwner(release func()) *Owner {
	o := &Owner{release: release}
	o.refs.Store(1)
	return o
}

// Retain adds a reference.
func (o *Owner) Retain() { o.refs.Add(1) }

// Release takes a reference back and tells the application when it was the last.
func (o *Owner) Release() {
	if o.refs.Add(-1) == 0 {
		o.release()
	}
}

// Wrap makes a chunk of memory that o lent. The chunk holds one reference on o.
func (o *Owner) Wrap(b []byte) *Chunk {
	o.Retain()
	c := &Chunk{B: b, owner: o}
	c.refs.Store(1)
	return c
}

// A Pool recycles chunks through one free list for each size. The lists are
// last-in first-out, so that the block which is still in the processor's cache
// is used first, and bounded. The zero value is ready.
type Pool struct {
	// Poison fills blocks with rubbish when they are recycled, so that a use
	// after release shows. For tests.
	Poison bool

	small  freeList
	large  freeList
	blocks [maxClassBits - minClassBits + 1]freeList
}

// Chunk returns a chunk of SmallChunk or LargeChunk octets with one reference.
func (p *Pool) Chunk(size int) *Chunk {
	if size <= SmallChunk {
		return p.small.get(SmallChunk, p.Poison)
	}
	return p.large.get(LargeChunk, p.Poison)
}

// Block returns a chunk with one reference whose B has exactly size octets, for
// one large frame.
func (p *Pool) Block(size int) *Chunk {
	class := 0
	if size > blockSlack {
		class = max(bits.Len(uint(size-blockSlack-1))-minClassBits, 0)
	}
	if class >= len(p.blocks) {
		c := &Chunk{B: make([]byte, size)}
		c.refs.Store(1)
		return c
	}
	c := p.blocks[class].get(1<<(class+minClassBits)+blockSlack, p.Poison)
	c.B = c.B[:size]
	return c
}

// rubbish is what poisoned memory is filled with.
var rubbish = bytes.Repeat([]byte{0xDB}, SmallChunk)

// freeList keeps the released chunks of one size: a bounded number for good, and
// those beyond until the collector has passed over them twice, so that a deep
// queue of large messages runs in memory that it has used before.
type freeList struct {
	more sync.Pool

	mu   sync.Mutex // guards free
	free []*Chunk
}

func (l *freeList) get(size int, poison bool) *Chunk {
	l.mu.Lock()
	if n := len(l.free); n > 0 {
		c := l.free[n-1]
		l.free[n-1] = nil
		l.free = l.free[:n-1]
		l.mu.Unlock()
		c.refs.Store(1)
		return c
	}
	l.mu.Unlock()
	if c, ok := l.more.Get().(*Chunk); ok {
		c.refs.Store(1)
		return c
	}
	c := &Chunk{B: make([]byte, size), home: l, poison: poison}
	c.refs.Store(1)
	return c
}

func (l *freeList) put(c *Chunk) {
	c.B = c.B[:cap(c.B)]
	if c.poison {
		for b := c.B; len(b) > 0; {
			b = b[copy(b, rubbish):]
		}
	}
	l.mu.Lock()
	if len(l.free) < max(freeOctets/len(c.B), 1) {
		l.free = append(l.free, c)
		c = nil
	}
	l.mu.Unlock()
	if c != nil {
		l.more.Put(c)
	}
}
