//go:build unix

package engine

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// looped is the driver of a connection in a loop. The loop's goroutine reads it; it
// has none of its own, and no buffer while nothing comes.
type looped struct {
	*connection
	*flusher
	loop  *loop
	token uint64

	fd     int
	fdMu   sync.Mutex // guards fd against being closed while it is looked at
	closed bool

	wants uint8 // what was posted; guarded by loop.mu

	// The loop's own.
	interest iomux.Interest
	started  bool // something may be read
	stopped  bool // nothing is read any more
}

// What may be posted to a loop.
const (
	wantStart uint8 = 1 << iota
	wantRoom        // reading may go on
	wantWrite       // the system took no more
	wantClose       // the connection is given up
)

// newLooped gives a connection to a loop. On an error it is where it was.
func newLooped(c *connection, raw syscall.RawConn, l *loop) (*looped, error) {
	fd, err := leaveNet(raw)
	if err != nil {
		return nil, err
	}
	d := &struct { // one object
		looped
		flusher
	}{}
	d.looped = looped{connection: c, flusher: &d.flusher, loop: l, fd: fd}
	d.flusher.c, d.flusher.to = c, &d.looped
	if err := d.looped.enter(); err != nil {
		return nil, err
	}
	d.looped.depart()
	return &d.looped, nil
}

// enter gives the descriptor to the loop, which does not look at it yet. On an error
// it is closed.
func (d *looped) enter() error {
	err := d.loop.join(d)
	if err == nil {
		if err = d.loop.mux.Add(d.fd, d.token, 0); err == nil {
			return nil
		}
		d.loop.part(d)
	}
	_ = unix.Close(d.fd) // nothing was done with it
	return err
}

// turnBack takes back what enter did, before the loop was told anything.
func (d *looped) turnBack() {
	_ = d.loop.mux.Remove(d.fd) // it is there
	d.loop.part(d)
	_ = unix.Close(d.fd) // nothing was done with it
}

// depart lets package net forget the connection.
func (d *looped) depart() {
	own := d.net // only this changes it
	left := departedFrom(own)
	d.netMu.Lock()
	d.net = left
	d.netMu.Unlock()
	_ = own.Close() // the other descriptor of the same
}

func (d *looped) start() {
	d.loop.post(d, wantStart)
	d.flush(false)
}

func (d *looped) resume() { d.loop.post(d, wantRoom) }

func (d *looped) close() { d.loop.post(d, wantClose) }

func (d *looped) lookout() { d.loop.post(d, wantWrite) }

func (d *looped) handOver() { d.loop.writer.add(d) }

func (d *looped) write(list [][]byte, _ bool) (int, error) { return writeFD(d.fd, list, false) }

func (d *looped) halfClose() error { return unix.Shutdown(d.fd, unix.SHUT_WR) }

func (d *looped) unsent() bool {
	d.fdMu.Lock()
	defer d.fdMu.Unlock()
	return !d.closed && unsentFD(d.fd)
}

func (d *looped) rested() {}

// over is called when both directions have ended: nobody uses the descriptor.
func (d *looped) over() {
	d.fdMu.Lock()
	d.closed = true
	_ = unix.Close(d.fd) // nothing could be done about an error
	d.fdMu.Unlock()
	go d.session.lost(d.connection)
}

// asked does what was posted. On the loop.
func (d *looped) asked() {
	d.loop.mu.Lock()
	wants, dead := d.wants, d.loop.dead
	d.wants = 0
	d.loop.mu.Unlock()
	if d.stopped {
		return
	}
	if wants&wantClose != 0 {
		d.end()
		return
	}
	d.started = d.started || wants&wantStart != 0
	if dead != nil {
		if d.started {
			d.abort(dead)
			d.end()
		}
		return
	}
	if wants&wantStart != 0 && !d.handled(0) { // what came along with the handshake
		return
	}
	if !d.started {
		wants &^= wantRoom // it is of what came earlier: nothing waits for it
	}
	if wants == 0 {
		return
	}
	if wants&wantRoom != 0 && d.held.Load() && !d.handled(heldBack) {
		return
	}
	interest := d.interest
	if wants&(wantStart|wantRoom) != 0 {
		interest |= iomux.Read
		if d.held.Load() {
			interest &^= iomux.Read
		}
	}
	if wants&wantWrite != 0 {
		interest |= iomux.Write
	}
	d.watch(interest)
}

// watch changes what the loop waits for.
func (d *looped) watch(interest iomux.Interest) bool {
	if interest == d.interest {
		return true
	}
	if err := d.loop.mux.Modify(d.fd, d.token, interest); err != nil {
		d.abort(err)
		d.end()
		return false
	}
	d.interest = interest
	return true
}

// happened deals with what the loop was told. On the loop.
func (d *looped) happened(e iomux.Event) {
	if e.Invalid {
		d.abort(unix.EBADF)
		d.end()
		return
	}
	if d.interest&iomux.Write != 0 && (e.Writable || e.Error || e.Hangup) {
		if !d.watch(d.interest &^ iomux.Write) {
			return
		}
		d.unblock()
	}
	if d.interest&iomux.Read != 0 && (e.Readable || e.Error || e.Hangup) {
		d.read()
		if e.Last || e.Hangup || e.Error {
			d.loop.again = true // the end is there already, and nothing will tell of it anew
		}
	}
}

// read reads what is there, as far as one connection may at a time.
func (d *looped) read() {
	for budget := d.loop.budget; budget > 0; {
		borrower := borrowerOf(d.in)
		if borrower != nil {
			d.loop.lend(borrower)
		}
		space := d.in.space()
		n, err := readFD(d.fd, space)
		if err == errAgain {
			n, err = 0, nil
		}
		if err != nil {
			d.abort(err)
			d.end()
			return
		}
		// At the mark, or at the end, the receiving half is in other hands.
		mine := n == 0 || d.handled(n) && !d.held.Load()
		short := n < len(space)
		if borrower != nil {
			d.loop.lent(borrower, mine)
		}
		if short && mine {
			d.in.idle()
		}
		if short || !mine {
			return
		}
		budget -= n
	}
	d.loop.again = true
}

// handled handles n octets, and stops reading at the mark. It reports false when
// the connection has ended.
func (d *looped) handled(n int) bool {
	waiting, err := d.handle(n)
	if err != nil {
		d.abort(err)
		d.end()
		return false
	}
	if waiting == d.held.Load() {
		return true
	}
	d.held.Store(waiting)
	if waiting {
		d.heart.pause()
		return d.watch(d.interest &^ iomux.Read)
	}
	d.heart.resume()
	return true
}

// end ends reading, of a connection that was given up. On the loop.
func (d *looped) end() {
	if d.stopped {
		return
	}
	d.stopped = true
	_ = d.loop.mux.Remove(d.fd) // it is there
	d.loop.part(d)
	d.rest()
	if d.stopWriting() {
		d.cutOff()
	}
	if d.through() {
		d.over()
	}
}

// cutOff makes writing fail, of who has much to write to a peer that takes it all.
func (d *looped) cutOff() {
	d.fdMu.Lock()
	defer d.fdMu.Unlock()
	if !d.closed {
		_ = unix.Shutdown(d.fd, unix.SHUT_RDWR) // it fails when the peer has gone
	}
}
