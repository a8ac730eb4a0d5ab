//go:build unix

package iomux_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// BenchmarkDispatch is the price of one Wait that hands out one ready descriptor among n
// that are registered, the others idle: flat with epoll, a line with poll and select.
func BenchmarkDispatch(b *testing.B) {
	for _, name := range iomux.Available() {
		for _, n := range []int{10, 100, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				if name == iomux.Select && n >= unix.FD_SETSIZE {
					b.Skipf("select has no descriptors from %d up", unix.FD_SETSIZE)
				}
				m := crowd(b, name, n)
				ready := make([]iomux.Event, 64)
				b.ReportAllocs()
				for b.Loop() {
					if got, err := m.Wait(ready, 0); got != 1 || err != nil {
						b.Fatal(got, err)
					}
				}
			})
		}
	}
}

// BenchmarkChange is the price of taking a descriptor out and in again among a thousand.
func BenchmarkChange(b *testing.B) {
	for _, name := range iomux.Available() {
		b.Run(string(name), func(b *testing.B) {
			m := crowd(b, name, 900)
			one, _ := ends(b, unix.Pipe)
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Add(one.fd, 1, iomux.Read); err != nil {
					b.Fatal(err)
				}
				if err := m.Remove(one.fd); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWake is the price of a Wake and of the Wait that it ends, in one goroutine.
func BenchmarkWake(b *testing.B) {
	for _, name := range iomux.Available() {
		b.Run(string(name), func(b *testing.B) {
			m := crowd(b, name, 1)
			ready := make([]iomux.Event, 64)
			for b.Loop() {
				if err := m.Wake(); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Wait(ready, -1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// crowd makes a Mux with n descriptors, of which one is ready.
func crowd(b *testing.B, name iomux.Backend, n int) iomux.Mux {
	b.Helper()
	m, err := iomux.New(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	busy, other := ends(b, unix.Pipe)
	other.write("x")
	idle, _ := ends(b, unix.Pipe)
	for i := range n {
		fd := busy.fd
		if i > 0 {
			fd = idle.dup(-1).fd
		}
		if err := m.Add(fd, uint64(i), iomux.Read); err != nil {
			b.Fatal(err)
		}
	}
	return m
}
