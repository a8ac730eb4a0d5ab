//go:build unix

package engine

import (
	"errors"
	"sync"
	"sync/atomic"

	"zeromux/iomux"
)

// This file is the way from direct mode into a loop. It is for one connection of a
// socket that gets others: no application reads it any more, so that it may as well
// share what they have. The way back does not exist.
//
// The background moves the connection, once it reads and nobody writes. From then on
// parked stands for looped in the eyes of the connection.

// mover is the part of parked that moves it.
type mover struct {
	wanted atomic.Bool // the connection is to move

	mu    sync.Mutex // a leaf; guards what follows, which is set once each
	moved atomic.Pointer[looped]
	ended bool // closed before it moved
}

// errMoved says that reading goes on elsewhere.
var errMoved = errors.New("moved into a loop")

// share has the connection moved. It only signals.
func (p *parked) share() {
	if !p.direct || p.moved.Load() != nil {
		return
	}
	p.wanted.Store(true)
	p.turn.hurry()
	p.interrupt()
}

// shut says that the connection is given up, and returns where it has moved.
func (m *mover) shut() *looped {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	return m.moved.Load()
}

// move moves the connection, and reports whether it could. The caller is who reads.
func (p *parked) move() bool {
	if !p.claim() {
		return false // rested tells when it is worth another try
	}
	p.wanted.Store(false) // whoever asks from now on wants another try
	d := p.settle()
	if d == nil {
		if !p.leave() {
			p.handOver()
		}
		return false
	}
	if p.clock != nil {
		p.clock.Stop()
	}
	d.loop.post(d, wantStart)
	if !p.leave() {
		d.handOver()
	}
	return true
}

// settle makes the driver that goes on, unless the connection is given up, or the
// system has not what it takes. The caller is who reads and who writes.
func (p *parked) settle() *looped {
	env := p.session.env
	l, err := env.loops.pick(env.Pool, iomux.Backend(env.Multiplexer), env.Loops, p.session.cfg.Affinity)
	if err != nil {
		return nil
	}
	fd, err := leaveNet(p.raw)
	if err != nil {
		return nil
	}
	d := &looped{connection: p.connection, flusher: &p.flusher, loop: l, fd: fd}
	if d.enter() != nil {
		return nil
	}
	p.mover.mu.Lock()
	ended := p.mover.ended
	if !ended {
		p.moved.Store(d)
	}
	p.mover.mu.Unlock()
	if ended {
		d.turnBack()
		return nil
	}
	p.to = d
	d.depart()
	return d
}

// resume is the driver's.
func (p *parked) resume() {
	if d := p.moved.Load(); d != nil {
		d.resume()
		return
	}
	p.gate.resume()
}

// unsent is the driver's.
func (p *parked) unsent() bool {
	if p.moved.Load() == nil && p.gate.unsent() {
		return true
	}
	if d := p.moved.Load(); d != nil { // perhaps only now
		return d.unsent()
	}
	return false
}
