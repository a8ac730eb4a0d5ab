package pipe

import (
	"fmt"
	"testing"

	"zeromux/internal/message"
)

func benchPipe() (from, to *End, hub *Hub) {
	from, to = New(Config{Pool: new(message.Pool)})
	hub = new(Hub)
	from.Join(hub)
	to.Carry(new(teller))
	return from, to, hub
}

// A message is written and read, 64 at a time as between two busy goroutines.
func BenchmarkWriteRead(b *testing.B) {
	for _, sizes := range [][]int{{16}, {256}, {4 << 10}, {64 << 10}, {0, 16}, {5, 0, 256}} {
		b.Run(fmt.Sprint(sizes), func(b *testing.B) {
			from, to, hub := benchPipe()
			var m, got message.Message
			octets := 0
			for _, size := range sizes {
				m.Frames = append(m.Frames, make([]byte, size))
				octets += size
			}
			b.ReportAllocs()
			b.SetBytes(int64(octets))
			waiting := 0
			for b.Loop() {
				from.Write(&m)
				if waiting++; waiting < 64 {
					continue
				}
				hub.Later()
				for ; waiting > 0; waiting-- {
					to.Read(&got)
				}
			}
		})
	}
}

// A message goes to ten pipes, encoded once.
func BenchmarkFanOut(b *testing.B) {
	for _, size := range []int{16, 256, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			pool, hub := new(message.Pool), new(Hub)
			var from, to [10]*End
			for i := range from {
				from[i], to[i] = New(Config{Pool: pool})
				from[i].Join(hub)
				to[i].Carry(new(teller))
			}
			m := message.Message{Frames: [][]byte{make([]byte, size)}}
			var got message.Message
			var c Encoding
			b.ReportAllocs()
			b.SetBytes(int64(size * len(from)))
			waiting := 0
			for b.Loop() {
				c.Encode(&m, pool)
				for _, e := range from {
					e.WriteEncoded(&c)
				}
				c.Release()
				if waiting++; waiting < 64 {
					continue
				}
				hub.Later()
				for ; waiting > 0; waiting-- {
					for _, e := range to {
						e.Read(&got)
					}
				}
			}
		})
	}
}

// A session takes what was written and writes it.
func BenchmarkOutgoing(b *testing.B) {
	for _, size := range []int{16, 256, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			from, to, hub := benchPipe()
			o := NewOutgoing(to)
			m := message.Message{Frames: [][]byte{make([]byte, size)}}
			var list [][]byte
			b.ReportAllocs()
			b.SetBytes(int64(size))
			waiting := 0
			for b.Loop() {
				from.Write(&m)
				if waiting++; waiting < 64 {
					continue
				}
				waiting = 0
				hub.Later()
				for o.Take() == OK {
					list = o.Buffers(list[:0], 256<<10, 100)
					n := 0
					for _, p := range list {
						n += len(p)
					}
					o.Wrote(n)
				}
			}
		})
	}
}
