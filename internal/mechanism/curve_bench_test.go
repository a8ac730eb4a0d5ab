package mechanism

import (
	"fmt"
	"testing"
)

var benchSizes = []int{0, 64, 256, 1 << 10, 8 << 10, 64 << 10}

func BenchmarkSeal(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			client, _ := connected(b)
			body, dst := make([]byte, size), make([]byte, 0, size+messageSize)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Seal(dst, 0, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			client, server := connected(b)
			body := sealed(b, client, 0, string(make([]byte, size)))
			dst := make([]byte, 0, size+1)
			traffic := &server.(*curveServer).sealedTraffic
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				traffic.heard = 0
				if _, _, err := server.Open(dst, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandshake is both sides, one after the other: eight multiplications.
func BenchmarkHandshake(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		connected(b)
	}
}

// BenchmarkHello is what a stranger can make a server do.
func BenchmarkHello(b *testing.B) {
	hello := newHandClient().hello()
	b.ReportAllocs()
	for b.Loop() {
		server := NewCurveServer(Config{}, serverKeys)
		if err := server.Handle(hello); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSealAndOpenTakeNoMemory(t *testing.T) {
	for _, size := range benchSizes {
		if raceEnabled && size >= smallPlain {
			continue // pools forget on purpose then
		}
		client, server := connected(t)
		traffic := &server.(*curveServer).sealedTraffic
		body := make([]byte, size)
		dst, out := make([]byte, 0, size+messageSize), make([]byte, 0, size+1)
		allocated := testing.AllocsPerRun(100, func() {
			b, err := client.Seal(dst, 0, body)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := server.Open(out, b); err != nil {
				t.Fatal(err)
			}
		})
		if allocated >= 1 || traffic.heard == 0 {
			t.Errorf("%d octets: %v allocations", size, allocated)
		}
	}
}
