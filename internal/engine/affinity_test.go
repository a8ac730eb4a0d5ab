//go:build unix

package engine

import (
	"errors"
	"math/bits"
	"testing"
)

// TestAConnectionIsInALoopThatItsAffinityNames gives connections to three loops.
func TestAConnectionIsInALoopThatItsAffinityNames(t *testing.T) {
	for name, affinity := range map[string]uint64{
		"the first":                        1,
		"the third":                        4,
		"the second or the third":          6,
		"the second, and one there is not": 1<<63 | 2,
		"any":                              7,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			defer s.close(0)
			s.env.Multiplexer, s.env.Loops = "", 3
			s.cfg.Affinity = affinity
			counts := map[*loop]int{}
			const n = 4
			for range n {
				session, peer := s.meet("tcp", "PUSH")
				defer func() { _ = peer.Close(); ended(t, session) }()
				d, ok := session.current.Load().driver.(*looped)
				if !ok {
					t.Fatalf("the driver is a %T", session.current.Load().driver)
				}
				counts[d.loop]++
			}
			s.env.loops.mu.Lock()
			defer s.env.loops.mu.Unlock()
			for i, l := range s.env.loops.list {
				if got := counts[l]; (got > 0) != (affinity>>i&1 == 1) {
					t.Errorf("loop %d has %d of %d connections", i, got, n)
				}
			}
			if made := len(counts); made != min(n, bits.OnesCount64(affinity&7)) {
				t.Errorf("%d loops are in use", made)
			}
		})
	}
}

func TestAffinityNeedsLoops(t *testing.T) {
	for name, fits := range map[string]bool{"": true, "poll": true, Stream: false, Runtime: false} {
		if err := CheckAffinity(name); (err == nil) != fits || !fits && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
