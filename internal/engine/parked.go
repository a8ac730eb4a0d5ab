//go:build unix

package engine

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"zeromux/internal/pipe"
)

// This file is the runtime driver: one goroutine for each connection, which waits
// in the poller of the Go runtime until something can be read, and holds no
// buffer meanwhile; an application may do so in its place (direct.go). What is to
// be written, and is not written by who brings it, has a goroutine until all has gone.

// parked is the driver of one connection.
type parked struct {
	gate
	flusher
	own net.Conn // as it was given; c.net may change
	raw syscall.RawConn
	mover

	direct bool // applications may read
	turn   turn // who reads; all below is the reader's

	try func(fd uintptr) bool // reads once; a field, so that it is made once
	n   int                   // what try has read
	err error
	// stirred says that the read deadline may be set, which it is to make a reader
	// look at something else.
	stirred atomic.Bool
	stir    func() // a field, as try is
	waiting bool   // for room: something is held back
	clock   *time.Timer

	// Of who writes: what put is to write, and what came of it.
	put    func(fd uintptr) bool
	list   [][]byte
	wait   bool // until the system takes something
	wrote  int
	putErr error
}

func newParked(c *connection, raw syscall.RawConn, direct bool) *parked {
	p := &parked{gate: newGate(c), own: c.net, raw: raw, direct: direct}
	p.flusher.c, p.to = c, p
	p.try, p.put, p.stir = p.readOnce, p.writeOnce, p.interrupt
	p.turn.state, p.turn.wake = inBackground, make(chan struct{}, 1)
	return p
}

func (p *parked) start() {
	go p.read()
	p.flush(false) // what waited for the connection
}

func (p *parked) close() {
	if d := p.shut(); d != nil {
		d.close()
		return
	}
	close(p.dead)
	_ = p.own.Close() // nothing could be done about an error
	p.turn.hurry()
}

// read is the receiving goroutine.
func (p *parked) read() {
	err := p.readAll()
	if err == errMoved {
		return
	}
	p.abort(err)
	p.rest()
	p.stopWriting()
	if p.through() {
		p.session.lost(p.connection)
	}
}

func (p *parked) readAll() error {
	if p.isClosed() {
		return p.cause
	}
	if _, err := p.receive(0); err != nil { // what came along with the handshake
		return err
	}
	for {
		if p.wanted.Load() && p.move() {
			return errMoved
		}
		switch err := p.await(); {
		case err == errStirred:
			continue
		case err != nil:
			return err
		}
		if _, err := p.receive(p.n); err != nil {
			return err
		}
		if !p.session.end.Awaited() && p.turn.giveWay() {
			if p.clock == nil {
				p.clock = time.NewTimer(tick)
			}
			p.turn.takeOver(p.clock)
			if p.isClosed() {
				return p.cause
			}
			if p.waiting {
				p.waiting = false
				if _, err := p.receive(heldBack); err != nil {
					return err
				}
			}
		}
	}
}

// errStirred says that there may be something else to do.
var errStirred = errors.New("stirred")

// await reads once, as soon as there is something.
func (p *parked) await() error {
	err := p.raw.Read(p.try)
	switch {
	case err == nil:
		return p.err
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.calm(time.Time{})
		return errStirred
	}
	return err
}

// interrupt makes whoever reads look at what else there is.
func (p *parked) interrupt() {
	p.stirred.Store(true)
	_ = p.own.SetReadDeadline(longAgo) // on failure nobody is waiting
}

// calm lets readers wait again: until a time, or for ever.
func (p *parked) calm(until time.Time) {
	p.stirred.Store(!until.IsZero())
	_ = p.own.SetReadDeadline(until) // on failure reading fails as well
}

// lead reads for an application that waits for w to be signalled, until then or
// until a time, zero for ever. It reports false when somebody else reads, or
// nothing more comes; then the application waits by itself.
func (p *parked) lead(ctx context.Context, w *pipe.Waiter, until time.Time) (ok bool, err error) {
	if !p.direct || p.wanted.Load() || !p.turn.lead() {
		return false, nil
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, p.stir)()
	}
	w.WokenBy(&p.stir)
	ok, err = p.leadOn(ctx, w, until)
	w.WokenBy(nil)
	p.turn.leave(!ok)
	return ok, err
}

// leadOn is the reading of lead. Whoever wants it to look up signals first and
// calls stir then; so the deadline is set before the signal is looked for.
func (p *parked) leadOn(ctx context.Context, w *pipe.Waiter, until time.Time) (ok bool, err error) {
	for {
		if p.stirred.Load() || !until.IsZero() {
			p.calm(until)
		}
		switch {
		case p.wanted.Load():
			return false, nil
		case w.Signalled():
			return true, nil
		case ctx.Err() != nil:
			return true, ctx.Err()
		case !until.IsZero() && !time.Now().Before(until):
			return true, os.ErrDeadlineExceeded
		}
		n := heldBack
		var err error
		if !p.waiting {
			err = p.raw.Read(p.try)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.stirred.Store(true)
				continue
			}
			if err == nil {
				n, err = p.n, p.err
			}
		}
		if err == nil {
			p.waiting, err = p.handle(n)
		}
		if err != nil {
			p.abort(err)
			return false, nil
		}
		if p.waiting && !w.Signalled() {
			return false, nil // there is a message, for somebody else
		}
	}
}

// attend has the background read, if applications may and none does.
func (p *parked) attend() {
	if p.direct {
		p.turn.attend()
	}
}

// readOnce reads what is there; false means that nothing is.
func (p *parked) readOnce(fd uintptr) bool {
	p.n, p.err = readFD(int(fd), p.in.space())
	if p.err == errAgain {
		p.in.idle()
		return false
	}
	return true
}

// write is the flusher's sink.
func (p *parked) write(list [][]byte, wait bool) (int, error) {
	p.list, p.wait = list, wait
	p.wrote = 0
	err := p.raw.Write(p.put)
	if err == nil {
		err = p.putErr
	}
	p.list = nil
	return p.wrote, err
}

// writeOnce writes what the system takes; false means that it is to be waited for. The
// scheduler is told of a sender that writes by itself, for it waits for an answer next,
// and would wait longer if nobody were awake.
func (p *parked) writeOnce(fd uintptr) bool {
	p.wrote, p.putErr = writeFD(int(fd), p.list, !p.wait)
	return p.putErr != errAgain || !p.wait
}

func (p *parked) halfClose() error {
	return p.own.(interface{ CloseWrite() error }).CloseWrite()
}

// rested goes on with a move that somebody who wrote was in the way of.
func (p *parked) rested() { p.interrupt() }

// over tells the session. An application may be calling, so that what follows has a
// goroutine of its own.
func (p *parked) over() { go p.session.lost(p.connection) }

// handOver starts a goroutine that writes until nothing is left, and waits for the
// system as often as it has to.
func (p *parked) handOver() { go p.run() }

// lookout leaves the waiting to that goroutine: who was about to write may be an
// application.
func (p *parked) lookout() { p.unblock() }
