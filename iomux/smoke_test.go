//go:build unix

package iomux

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSmoke(t *testing.T) {
	for _, b := range Available() {
		t.Run(string(b), func(t *testing.T) {
			m, err := New(b)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			var p [2]int
			unix.Pipe(p[:])
			if err := m.Add(p[0], 7, Read); err != nil {
				t.Fatal(err)
			}
			ev := make([]Event, 4)
			if n, err := m.Wait(ev, 0); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			go unix.Write(p[1], []byte("x"))
			if n, err := m.Wait(ev, -1); n != 1 || err != nil || ev[0].Token != 7 || !ev[0].Readable {
				t.Fatal(n, err, ev[0])
			}
			go func() { m.Modify(p[0], 8, 0); m.Wake() }()
			for {
				n, err := m.Wait(ev, time.Hour)
				if n == 0 && err == nil {
					break
				}
			}
			if err := m.Remove(p[0]); err != nil {
				t.Fatal(err)
			}
			t.Log(m.Remove(p[0]), m.Add(99, 1, Read), m.Add(5000, 1, Read))
		})
	}
}
