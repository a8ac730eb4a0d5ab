package main

import (
	"sync/atomic"
	"time"
)

// A counter is what one of many sockets has done, and whether it counts yet.
type counter struct {
	n     atomic.Int64
	ready atomic.Bool
	_     [48]byte // alone in its line of the cache
}

// many calls play for each of the peers on a goroutine of its own, waits until
// all are ready and for the warm-up, and measures what they do in the window.
func (p *peer) many(play func(*counter) error) error {
	all := make([]counter, p.peers)
	failed := make(chan error, p.peers)
	for i := range all {
		go func() { failed <- play(&all[i]) }()
	}
	pause := func(d time.Duration) error {
		select {
		case err := <-failed:
			return err
		case <-time.After(d):
			return nil
		}
	}
	for !ready(all) {
		if err := pause(time.Millisecond); err != nil {
			return err
		}
	}
	if err := pause(p.warmup); err != nil {
		return err
	}

	say(event{Event: "start"})
	allocs0 := allocs()
	cpu0, n0, t0 := cpu(), done(all), time.Now()
	n1 := n0
	for n1 == n0 { // one window, unless it was too short for anything at all
		if err := pause(p.window); err != nil {
			return err
		}
		n1 = done(all)
	}
	took, cpu1 := time.Since(t0), cpu()
	say(event{Event: "end", Messages: n1 - n0, Ns: int64(took), CPUNs: cpu1 - cpu0, Allocs: allocs() - allocs0})
	return <-failed // the other side's figures are read while messages still flow
}

func ready(all []counter) bool {
	for i := range all {
		if !all[i].ready.Load() {
			return false
		}
	}
	return true
}

func done(all []counter) (sum int64) {
	for i := range all {
		sum += all[i].n.Load()
	}
	return sum
}
