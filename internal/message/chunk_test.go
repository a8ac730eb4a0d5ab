package message

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAChunkComesBackWhenTheLastReferenceGoes(t *testing.T) {
	for _, size := range []int{SmallChunk, LargeChunk} {
		var p Pool
		c := p.Chunk(size)
		if len(c.B) != size || !c.Sole() || c.Lent() {
			t.Fatalf("a new chunk has %d octets, is sole: %v", len(c.B), c.Sole())
		}
		c.Retain()
		c.Release()
		if other := p.Chunk(size); other == c {
			t.Error("a chunk that is held was given out again")
		}
		c.Release()
		if again := p.Chunk(size); again != c || !again.Sole() {
			t.Error("the chunk that was released last is not used first")
		}
	}
}

// A block has exactly the size that was asked for, whatever class it comes from.
func TestBlocksOfEverySize(t *testing.T) {
	var p Pool
	for _, size := range []int{
		0, 1, LargeFrame, 32<<10 - 1, 32 << 10, 32<<10 + 64, 32<<10 + 65, 64 << 10, 64<<10 + 9,
		64<<10 + 65, 1 << 20, 16<<20 + 64, 16<<20 + 65,
	} {
		for range 2 { // new, then used before
			c := p.Block(size)
			if len(c.B) != size || !c.Sole() {
				t.Errorf("a block of %d has %d octets, is sole: %v", size, len(c.B), c.Sole())
			}
			if most := max(2*size+blockSlack, 32<<10+blockSlack); cap(c.B) > most {
				t.Errorf("a block of %d takes %d octets", size, cap(c.B))
			}
			for i := range c.B[:min(size, 100)] {
				c.B[i] = 1
			}
			c.Release()
		}
	}
}

// A block that is used again has its full size, though it was used for less.
func TestABlockForgetsHowMuchOfItWasUsed(t *testing.T) {
	var p Pool
	p.Block(LargeFrame).Release()
	if c := p.Block(30 << 10); len(c.B) != 30<<10 {
		t.Errorf("it has %d octets", len(c.B))
	}
}

func TestPoison(t *testing.T) {
	p := Pool{Poison: true}
	for _, c := range []*Chunk{p.Chunk(SmallChunk), p.Chunk(LargeChunk), p.Block(LargeFrame)} {
		b := c.B[:cap(c.B)]
		copy(b, "still in use")
		c.Retain()
		c.Release()
		if !bytes.HasPrefix(b, []byte("still in use")) {
			t.Error("a chunk that is held was poisoned")
		}
		c.Release()
		if bytes.Count(b, []byte{0xDB}) != len(b) {
			t.Error("a released chunk can still be read")
		}
	}
}

func TestReleasingTooOftenPanics(t *testing.T) {
	var p Pool
	c := p.Chunk(SmallChunk)
	c.Release()
	defer func() {
		if recover() == nil {
			t.Error("it does not")
		}
	}()
	c.Release()
}

// A class keeps a bounded number of octets for good, or one block if that is more.
func TestWhatOneClassKeepsIsBounded(t *testing.T) {
	for _, size := range []int{SmallChunk, LargeChunk, 1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20} {
		var p Pool
		take := p.Block
		if size <= LargeChunk {
			take = p.Chunk
		}
		var all []*Chunk
		for range 3*freeOctets/size + 3 {
			all = append(all, take(size))
		}
		home := all[0].home
		for _, c := range all {
			c.Release()
		}
		most := max(freeOctets, cap(all[0].B))
		if kept := len(home.free) * cap(all[0].B); kept == 0 || kept > most {
			t.Errorf("of blocks of %d octets %d octets are kept, want %d at most", size, kept, most)
		}
	}
}

// Blocks are taken and released a few at a time, as a connection does that carries
// large messages.
func BenchmarkBlock(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20, 16 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			var p Pool
			var held [3]*Chunk
			b.ReportAllocs()
			for i := range b.N {
				at := &held[i%len(held)]
				if *at != nil {
					(*at).Release()
				}
				*at = p.Block(size)
			}
		})
	}
}

// An owner is told once, when the last reference of any kind has gone.
func TestAnOwnerIsToldOnce(t *testing.T) {
	told := 0
	o := NewOwner(func() { told++ })
	a, b := o.Wrap([]byte("a")), o.Wrap([]byte("b"))
	b.Retain()
	if !a.Lent() || string(a.B) != "a" {
		t.Errorf("the chunk is %q, lent: %v", a.B, a.Lent())
	}
	o.Release()
	b.Release()
	a.Release()
	if told != 0 {
		t.Error("the owner was told while memory of his was held")
	}
	if a.B != nil {
		t.Error("lent memory can be reached after its release")
	}
	b.Release()
	if told != 1 {
		t.Errorf("the owner was told %d times", told)
	}
}

// References may be taken and given back by many at once.
func TestManyHoldersAtOnce(t *testing.T) {
	p := Pool{Poison: true}
	var told atomic.Int32
	var all sync.WaitGroup
	for range 200 {
		c := p.Chunk(SmallChunk)
		o := NewOwner(func() { told.Add(1) })
		lent := o.Wrap(make([]byte, 10))
		o.Release()
		for range 4 {
			c.Retain()
			lent.Retain()
			all.Go(func() {
				_ = c.B[0]
				_ = lent.B[0]
				c.Release()
				lent.Release()
			})
		}
		c.Release()
		lent.Release()
	}
	all.Wait()
	if told.Load() != 200 {
		t.Errorf("%d owners of 200 were told", told.Load())
	}
}
