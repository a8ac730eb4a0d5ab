package engine

import (
	"net"
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
	// rest gives memory back; the next call of space takes it again.
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
	net     net.Conn
	peer    *message.Peer
	out     outbound

	inMu  sync.Mutex // guards in: the reader has it but while it waits
	in    inbound
	plain *zmtpIn // in, when a consumer that makes room may go on with it; or nil

	kick chan struct{} // something waits to be written
	room chan struct{} // reading may go on
	dead chan struct{} // closed when the connection is given up

	once  sync.Once
	cause error // why it was given up; set before dead is closed

	controlMu sync.Mutex // guards control
	control   []byte     // encoded commands of our own, written between messages
	heart     heartbeat
	beats     bool // the peer knows of heartbeats

	carried atomic.Int32 // drivers' goroutines that still run
	parting atomic.Bool  // everything has been said: the peer is read for a farewell
	mute    atomic.Bool  // writing has failed: the peer is read for a farewell
}

// roomy is called when the pipe has room again, by whoever made it, under what
// locks he may have. It goes on with what was read and held back, as far as that
// is plain messages, and leaves everything else to the reader: a consumer that
// is ahead of its peer need not wait for a goroutine to wake up.
func (c *connection) roomy() {
	if c.plain != nil && c.inMu.TryLock() {
		again := c.plain.readOn()
		c.inMu.Unlock()
		if again {
			return
		}
	}
	push(c.room)
}

// push signals without waiting.
func push(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// abort gives the connection up: both directions end soon.
func (c *connection) abort(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.dead)
		_ = c.net.Close() // nothing could be done about an error
	})
}

// send queues a command of our own.
func (c *connection) send(body []byte) {
	c.controlMu.Lock()
	if len(c.control) < maxControl {
		c.control = zmtp.AppendFrame(c.control, zmtp.FlagCommand, body)
	}
	c.controlMu.Unlock()
	push(c.kick)
}

// maxControl bounds the answers that wait for a peer that asks but does not
// read, in octets.
const maxControl = 4 << 10

// takeControl returns the commands that wait, written over b.
func (c *connection) takeControl(b []byte) []byte {
	c.controlMu.Lock()
	defer c.controlMu.Unlock()
	if len(c.control) == 0 {
		return nil
	}
	b = append(b[:0], c.control...)
	c.control = c.control[:0]
	return b
}

// command answers a command of the peer that is not a subscription. What is
// unknown or malformed is ignored, as libzmq does.
func (c *connection) command(body []byte) {
	if !c.beats {
		return
	}
	c.heart.heard()
	if ttl, context, err := zmtp.ParsePing(body); err == nil {
		c.send(zmtp.AppendPong(nil, context))
		c.heart.pinged(time.Duration(ttl) * 100 * time.Millisecond)
	}
}
