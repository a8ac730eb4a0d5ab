package engine

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"zeromux/internal/pipe"
)

// This file is the stream driver: one goroutine for each direction, blocking in
// Read and Write of any net.Conn. It is the simplest of the drivers, and the one
// for connections that are no descriptors.

// farewell is how long a connection whose socket has said everything waits for
// the peer to hang up, and as often again as the peer's system has not got it
// all. Closing earlier could make our system throw away what the peer has not
// read yet, if it still sends.
const farewell = time.Second

// drive starts both goroutines; the session hears of the end once both are
// through.
func (c *connection) drive() {
	c.carried.Store(2)
	go c.write()
	go c.read()
}

// through counts a direction off and tells the session after the second.
func (c *connection) through() {
	if c.carried.Add(-1) == 0 {
		c.session.lost(c)
	}
}

// read is the receiving goroutine.
func (c *connection) read() {
	defer c.through()
	err := c.readAll()
	c.abort(err)
	c.inMu.Lock()
	c.in.rest()
	c.inMu.Unlock()
}

func (c *connection) readAll() error {
	select {
	case <-c.dead: // a peer that is not served
		return c.cause
	default:
	}
	// What came along with the handshake is handled like anything else.
	if err := c.receive(0); err != nil {
		return err
	}
	for {
		if c.mute.Load() {
			_ = c.net.SetReadDeadline(time.Now().Add(farewell)) // on failure Read fails as well
		}
		n, err := c.net.Read(c.in.space())
		if n > 0 {
			if err := c.receive(n); err != nil {
				return err
			}
		}
		if err != nil && !c.listenOn(err) {
			return err
		}
	}
}

// listenOn reports whether a farewell that has lasted its time goes on.
func (c *connection) listenOn(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && unsent(c.net) &&
		c.net.SetReadDeadline(time.Now().Add(farewell)) == nil
}

// receive handles n octets, and waits while the mark is reached.
func (c *connection) receive(n int) error {
	waiting, err := c.handle(n)
	if err != nil || !waiting {
		return err
	}
	c.heart.pause()
	defer c.heart.resume()
	defer c.goOn()
	for err == nil && waiting {
		select {
		case <-c.room:
			waiting, err = c.handle(heldBack)
		case <-c.dead:
			return c.cause
		}
	}
	return err
}

// heldBack stands for no new octets, but those that the mark held back.
const heldBack = -1

// handle gives n octets to the receiving half, and reports whether it waits for
// room.
func (c *connection) handle(n int) (waiting bool, err error) {
	c.inMu.Lock()
	defer c.inMu.Unlock()
	if n == heldBack {
		err = c.in.resume()
	} else {
		err = c.in.received(n)
	}
	if c.in.heard() {
		c.heart.heard() // a frame has come: the peer is not silent
	}
	return c.in.waiting(), err
}

// goOn lets a farewell that passed while nothing was read begin anew: what lies
// in the system is still to be read.
func (c *connection) goOn() {
	if c.parting.Load() {
		_ = c.net.SetReadDeadline(time.Now().Add(farewell)) // on failure reading ends now
	}
}

// write is the sending goroutine.
func (c *connection) write() {
	defer c.through()
	var control []byte
	var list [][]byte
	looked := false // once more, before going to sleep
	for {
		if c.out.between() {
			if control = c.takeControl(control); control != nil {
				if _, err := c.net.Write(control); err != nil {
					c.writeFailed()
					return
				}
			}
		}
		var st pipe.Status
		list, st = c.out.next(list[:0])
		switch st {
		case pipe.OK:
			n, err := writeList(c.net, list)
			c.out.written(n)
			if err != nil {
				c.writeFailed()
				return
			}
			looked = false
		case pipe.Empty:
			if !looked {
				// A sender that is about to go on costs less than being woken.
				looked = true
				runtime.Gosched()
				continue
			}
			looked = false
			select {
			case <-c.kick:
			case <-c.dead:
				return
			}
		default:
			c.farewell()
			return
		}
	}
}

// writeList writes all of list.
func writeList(w io.Writer, list [][]byte) (int, error) {
	if len(list) == 1 {
		return w.Write(list[0])
	}
	buffers := net.Buffers(list)
	n, err := buffers.WriteTo(w)
	return int(n), err
}

// writeFailed ends the sending direction only: what the peer sent before it went
// is still read, until it is silent for as long as a farewell. With tcp the system
// ends the reading by itself.
func (c *connection) writeFailed() {
	if _, tcp := c.net.(*net.TCPConn); tcp {
		return
	}
	c.mute.Store(true)
	_ = c.net.SetReadDeadline(time.Now().Add(farewell)) // for the Read that waits; on failure it does not wait
}

// farewell ends a connection over which everything has been said.
func (c *connection) farewell() {
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		c.abort(errKicked)
		return
	}
	c.parting.Store(true)
	_ = c.net.SetReadDeadline(time.Now().Add(farewell)) // on failure the peer's own end of stream ends it
}
