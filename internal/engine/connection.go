package engine

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// inbound is the receiving half of a connection beneath every driver. It
// belongs to whoever reads the connection.
type inbound interface {
	// space returns where the next octets go; never empty.
	space() []byte
	// received takes note of n octets in the space and hands on what is whole.
	// An error ends the connection.
	received(n int) error
	// waiting reports that the high-water mark is reached: nothing may be read
	// until resume, which is called when the pipe has room again.
	waiting() bool
	resume() error
	// heard reports whether a frame has come whole since it was last asked, or
	// since the last command that was handed on, which is heard of by itself.
	heard() bool
	// idle says that nothing more is there to be read now: memory that holds
	// nothing goes back, and the next call of space takes it again.
	idle()
	// rest gives all memory back, whatever it holds.
	rest()
}

// outbound is the sending half. It belongs to whoever writes the connection.
type outbound interface {
	// next appends the octets that are to be written next. Empty means that
	// nothing waits, and that the driver is kicked when something does; Closed
	// that everything has gone that ever will.
	next(b [][]byte) ([][]byte, pipe.Status)
	// written takes note that the system has accepted n octets of them.
	written(n int)
	// between reports whether what was written so far ends with a whole message.
	between() bool
}

// A connection is one established connection of a session, in the hands of a
// driver.
type connection struct {
	session *Session
	netMu   sync.Mutex // guards net, which changes when the connection moves: see conn
	net     net.Conn
	peer    *message.Peer
	driver  driver
	out     outbound
	sealer  *sealer // of what we say; nil: frames travel as they are. Belongs to who writes

	inMu sync.Mutex // guards in: the reader has it but while it waits
	in   inbound

	once  sync.Once
	cause error // why it was given up; set before the driver is told to close

	controlMu sync.Mutex // guards control
	control   []byte     // encoded commands of our own, written between messages
	heart     *heartbeat // nil: nobody has asked for it. Made before the driver starts, or by who reads
	beats     bool       // the peer knows of heartbeats
	writeMost int32      // octets of one write; zero: no bound

	carried atomic.Int32 // directions that the driver has not ended
	parting atomic.Bool  // everything has been said: the peer is read for a farewell
	mute    atomic.Bool  // writing has failed: the peer is read for a farewell
	fresh   atomic.Bool  // something has come since the last write
	held    atomic.Bool  // the mark is reached: nothing is read
	leave   atomic.Pointer[Timer]
}

// farewell is how long a connection whose socket has said everything waits for
// the peer to hang up, and as often again as the peer's system has not got it
// all. Closing earlier could make our system throw away what the peer has not
// read yet, if it still sends.
const farewell = time.Second

// conn is the connection as package net knows it, and one that only tells its ends
// when its descriptor is in a loop. Who neither carries the connection nor made it
// has no other way to it.
func (c *connection) conn() net.Conn {
	c.netMu.Lock()
	defer c.netMu.Unlock()
	return c.net
}

// through counts a direction off, and reports whether it was the second: then the
// session is to be told.
func (c *connection) through() bool { return c.carried.Add(-1) == 0 }

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
		c.fresh.Store(true)
	}
	if c.in.heard() {
		c.heart.heard() // a frame has come: the peer is not silent
	}
	return c.in.waiting(), err
}

// waitFarewell gives the connection up after a farewell. It begins anew while
// nothing is read, while the peer's system has not got everything and, when writing
// has failed, while the peer still speaks.
func (c *connection) waitFarewell() {
	t := c.session.env.Wheel.After(farewell, func() {
		if c.held.Load() || c.parting.Load() && c.driver.unsent() || c.mute.Load() && c.fresh.Swap(false) {
			c.waitFarewell()
			return
		}
		c.session.start(func() { c.abort(os.ErrDeadlineExceeded) })
	})
	c.leave.Store(t)
	if c.carried.Load() == 0 { // then Session.lost may have looked for a timer before
		t.Stop()
	}
}

// rest gives the memory of the receiving half back for good.
func (c *connection) rest() {
	c.inMu.Lock()
	c.in.rest()
	c.inMu.Unlock()
}

// roomy is called when the pipe has room again, by whoever made it, under what
// locks he may have. It goes on with what was read and held back, as far as that
// is plain messages, and leaves everything else to the reader: a consumer that
// is ahead of its peer need not wait for a goroutine to wake up.
func (c *connection) roomy() {
	if z := c.plain(); z != nil && c.inMu.TryLock() {
		again := z.readOn()
		c.inMu.Unlock()
		if again {
			return
		}
	}
	c.driver.resume()
}

// plain returns the receiving half when a consumer that makes room may go on with
// it, or nil. The pattern of a publisher acts on what arrives, under locks that a
// consumer holds.
func (c *connection) plain() *zmtpIn {
	if c.session.cfg.Publisher {
		return nil
	}
	switch in := c.in.(type) {
	case *zmtpIn:
		return in
	case *sealedIn:
		return in.z
	}
	return nil
}

// abort gives the connection up: both directions end soon.
func (c *connection) abort(cause error) {
	c.once.Do(func() {
		c.cause = cause
		c.driver.close()
	})
}

// send queues a command of our own.
func (c *connection) send(body []byte) {
	c.controlMu.Lock()
	if len(c.control) < maxControl {
		c.control = zmtp.AppendFrame(c.control, zmtp.FlagCommand, body)
	}
	c.controlMu.Unlock()
	c.driver.flush(false)
}

// maxControl bounds the answers that wait for a peer that asks but does not
// read, in octets.
const maxControl = 4 << 10

// takeControl returns the commands that wait, as the peer reads them, written over b.
func (c *connection) takeControl(b []byte) []byte {
	c.controlMu.Lock()
	if len(c.control) == 0 {
		c.controlMu.Unlock()
		return nil
	}
	b = append(b[:0], c.control...)
	c.control = c.control[:0]
	c.controlMu.Unlock()
	if c.sealer == nil {
		return b
	}
	b, err := c.sealer.commands(nil, b)
	if err != nil {
		c.abort(err)
		return nil
	}
	return b
}

// roundTrip is that of the heartbeats that we began ourselves. One that a PING of the
// peer began, whoever reads may be making this moment; it times nothing.
func (c *connection) roundTrip() (last, smoothed time.Duration) {
	if !c.beats || c.session.cfg.HeartbeatInterval <= 0 {
		return 0, 0
	}
	return c.heart.roundTrip()
}

// command answers a command of the peer that is not a subscription. What is
// unknown or malformed is ignored, as libzmq does.
func (c *connection) command(body []byte) {
	if !c.beats {
		return
	}
	c.heart.heard()
	ttl, context, err := zmtp.ParsePing(body)
	if err != nil {
		if _, err := zmtp.ParsePong(body); err == nil {
			c.heart.ponged()
		}
		return
	}
	c.send(zmtp.AppendPong(nil, context))
	if ttl > 0 {
		if c.heart == nil {
			c.heart = newHeartbeat(c)
			c.heart.paused = c.held.Load()
		}
		c.heart.pinged(time.Duration(ttl) * 100 * time.Millisecond)
	}
}
