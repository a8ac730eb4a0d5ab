package zmq

import (
	"sync"

	"zeromux/internal/pipe"
)

// A recvLock is the lock of a socket's receiving side. Who has it can be sure that
// nobody receives: it ends the lease of a goroutine that does so without it.
type recvLock struct {
	mu    sync.Mutex
	lease *pipe.Lease // guarded by mu
}

// Lock locks.
func (l *recvLock) Lock() {
	l.mu.Lock()
	if l.lease != nil {
		l.lease.End()
		l.lease = nil
	}
}

// Unlock unlocks.
func (l *recvLock) Unlock() { l.mu.Unlock() }

// lend gives the next messages of e, the only pipe that anything comes from, to the
// goroutine that has just received into x. recvMu is held, and x has no lease.
func (s *Socket) lend(x *extra, e *pipe.End) {
	if x.lease == nil {
		x.lease = new(pipe.Lease)
	}
	if e.Lease(x.lease) {
		x.leased, s.recvMu.lease = s, x.lease
	}
}

// settle gives back what a lease of s holds, which ended when recvMu was locked.
func (x *extra) settle(s *Socket) {
	if x.leased == s {
		x.lease.Drop()
		x.leased = nil
	}
}

// forget gives back what a lease holds that another socket made and will end.
func (x *extra) forget() {
	x.lease.Drop()
	x.lease, x.leased = nil, nil
}
