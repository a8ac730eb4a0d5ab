package zmq

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// How many wait at a turnstile before others are told to come later.
const (
	maxWaitingOfSource = 32
	maxWaiting         = 1024
)

// A turnstile lets so many through at a time to what is slow. Those who wait are taken
// from one source after another, so that whoever comes in a crowd waits for the crowd,
// and whoever comes alone does not. When all the room there is to wait is taken, one of
// the largest crowd makes room for one of a smaller.
type turnstile struct {
	mu      sync.Mutex // guards all below; a leaf
	free    int        // places inside
	waiting int
	queues  map[string][]*turn // by source; none is empty
	sources []string           // those of queues, in the order in which they are next
}

// A turn is one who waits.
type turn struct {
	come chan struct{} // closed when it is inside, or out
	out  bool          // it made room for another; set before come is closed
}

// errCrowd is for those for whom there is no room to wait.
var errCrowd = fmt.Errorf("%w: too many passwords are to be compared", ErrTryLater)

func newTurnstile(places int) *turnstile {
	return &turnstile{free: places, queues: make(map[string][]*turn)}
}

// enter waits for a place until ctx ends. Without an error, leave must follow. The
// error wraps ErrTryLater: too many wait, or ctx has ended.
func (t *turnstile) enter(ctx context.Context, source string) error {
	t.mu.Lock()
	if t.free > 0 { // and then nobody waits
		t.free--
		t.mu.Unlock()
		return nil
	}
	queue, known := t.queues[source]
	if len(queue) >= maxWaitingOfSource || t.waiting >= maxWaiting && !t.makeRoom(len(queue)) {
		t.mu.Unlock()
		return errCrowd
	}
	mine := &turn{come: make(chan struct{})}
	if !known {
		t.sources = append(t.sources, source)
	}
	t.queues[source] = append(queue, mine)
	t.waiting++
	t.mu.Unlock()

	select {
	case <-mine.come:
		if mine.out {
			return errCrowd
		}
		return nil
	case <-ctx.Done():
	}
	if !t.withdraw(source, mine) && !mine.out { // its turn has come all the same
		t.leave()
	}
	return fmt.Errorf("%w: other passwords are being compared: %w", ErrTryLater, ctx.Err())
}

// makeRoom turns the last one of the longest queue away for the sake of one whose queue
// has length others, and reports whether it has: that must be the shorter one even then.
// The lock is held.
func (t *turnstile) makeRoom(length int) bool {
	longest, most := "", length+1
	for source, queue := range t.queues {
		if len(queue) > most {
			longest, most = source, len(queue)
		}
	}
	if most == length+1 {
		return false
	}
	last := t.queues[longest][most-1]
	t.remove(longest, most-1)
	last.out = true
	close(last.come)
	return true
}

// leave gives a place to the next one.
func (t *turnstile) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.sources) == 0 {
		t.free++
		return
	}
	source := t.sources[0]
	next := t.queues[source][0]
	t.sources = append(t.sources[1:], source) // unless it was the only one
	t.remove(source, 0)
	close(next.come)
}

// withdraw takes one out who does not want to wait any more, and reports whether it was
// still waiting.
func (t *turnstile) withdraw(source string, one *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, waiting := range t.queues[source] {
		if waiting == one {
			t.remove(source, i)
			return true
		}
	}
	return false
}

// remove takes one out of a queue, and the source from those that are next when it has
// no other. The lock is held.
func (t *turnstile) remove(source string, i int) {
	t.waiting--
	queue := t.queues[source]
	if len(queue) > 1 {
		t.queues[source] = slices.Delete(queue, i, i+1)
		return
	}
	delete(t.queues, source)
	i = slices.Index(t.sources, source)
	t.sources = slices.Delete(t.sources, i, i+1)
}

// source is where a peer comes from, as far as it cannot choose that: its IPv4 address,
// the network of its IPv6 address, its user for ipc. Whatever else is one source.
func (p *Applicant) source() string {
	if isIPC(p.Address) {
		host, rest, _ := strings.Cut(p.Address, ":")
		uid, _, _ := strings.Cut(rest, ":")
		return host + ":" + uid
	}
	addr, err := netip.ParseAddr(p.Address)
	if err != nil {
		return "" // of others it is not known what they may choose
	}
	const network = 64 // bits; the rest of an IPv6 address is for its owner to choose
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		if prefix, err := addr.Prefix(network); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
