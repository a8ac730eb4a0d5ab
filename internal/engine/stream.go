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

// stream is the driver of one connection.
type stream struct {
	gate
	kick   chan struct{} // something waits to be written
	secure *leaving      // nil: the connection is none of TLS
}

func newStream(c *connection) *stream {
	return &stream{newGate(c), make(chan struct{}, 1), newLeaving(c.net)}
}

func (c *stream) start() {
	go c.write()
	go c.read()
}

func (c *stream) flush(bool) { push(c.kick) }

func (c *stream) close() {
	close(c.dead)
	if c.secure != nil {
		_ = c.net.SetDeadline(longAgo) // both directions end, and the last one closes
		return
	}
	_ = c.net.Close() // nothing could be done about an error
}

// end is where either goroutine ends.
func (c *stream) end() {
	if c.through() {
		if c.secure != nil {
			c.secure.hangUp()
		}
		c.session.lost(c.connection)
	}
}

// read is the receiving goroutine.
func (c *stream) read() {
	defer c.end()
	err := c.readAll()
	c.abort(err)
	c.rest()
}

func (c *stream) readAll() error {
	if c.isClosed() {
		return c.cause
	}
	// What came along with the handshake is handled like anything else.
	if err := c.receive(0); err != nil {
		return err
	}
	for {
		if c.mute.Load() {
			_ = c.bound() // on failure Read fails as well
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

// bound has the peer read for no longer than a farewell. What close has set stays.
func (c *stream) bound() error {
	err := c.net.SetReadDeadline(time.Now().Add(farewell))
	if c.secure != nil && c.isClosed() {
		err = c.net.SetReadDeadline(longAgo)
	}
	return err
}

// listenOn reports whether a farewell that has lasted its time goes on.
func (c *stream) listenOn(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && !c.isClosed() && unsent(c.net) && c.bound() == nil
}

// receive handles n octets, and waits while the mark is reached.
func (c *stream) receive(n int) error {
	waited, err := c.gate.receive(n)
	if waited {
		c.goOn()
	}
	return err
}

// goOn lets a farewell that passed while nothing was read begin anew: what lies
// in the system is still to be read.
func (c *stream) goOn() {
	if c.parting.Load() {
		_ = c.bound() // on failure reading ends now
	}
}

// write is the sending goroutine.
func (c *stream) write() {
	defer c.end()
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
			if most := c.writeMost; most > 0 {
				list = atMost(list, most)
			}
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
func (c *stream) writeFailed() {
	if _, tcp := c.net.(*net.TCPConn); tcp {
		return
	}
	if c.secure != nil {
		c.secure.cut = true
	}
	c.mute.Store(true)
	_ = c.bound() // for the Read that waits; on failure it does not wait
}

// farewell ends a connection over which everything has been said.
func (c *stream) farewell() {
	if c.sayGoodbye() != nil {
		c.abort(errKicked)
		return
	}
	c.parting.Store(true)
	_ = c.bound() // on failure the peer's own end of stream ends it
}

// sayGoodbye tells the peer that nothing more comes.
func (c *stream) sayGoodbye() error {
	if c.secure != nil {
		return c.secure.sayGoodbye(c.takeTime)
	}
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// takeTime lets a write go on for as long as it takes. What close has set stays.
func (c *stream) takeTime() {
	_ = c.net.SetWriteDeadline(time.Time{}) // on failure writing has ended
	if c.isClosed() {
		_ = c.net.SetWriteDeadline(longAgo)
	}
}
