package engine

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"zeromux/internal/pipe"
)

// errAgain is what a sink answers when the system takes no more at the moment.
var errAgain = errors.New("try again")

// A sink is where a flusher writes.
type sink interface {
	// write writes what the system takes at once of list, which is never empty.
	// errAgain means that it took nothing. With wait it waits until it does; only
	// a sink whose handOver calls run need know how.
	write(list [][]byte, wait bool) (int, error)
	// lookout sees to it that unblock is called when more can be written, or the
	// connection has been given up. It does not wait.
	lookout()
	// handOver has somebody else go on with writing, and does not wait.
	handOver()
	// halfClose says that nothing more will be written.
	halfClose() error
	// rested is called when nobody writes any more, after claim had found somebody.
	rested()
	// over is called when both directions have ended.
	over()
}

// writing is who writes a connection.
type writing uint8

const (
	resting writing = iota // nobody: nothing waits
	busy                   // somebody does, and owns everything of the sending side
	blocked                // nobody until the system takes more
	over                   // nobody any more
)

// A flusher is the sending side of a connection that is a descriptor. Nothing of it
// waits for work: who brings it writes at once when the connection is quiet, or has
// somebody else write until nothing is left.
type flusher struct {
	c  *connection
	to sink // belongs to whoever writes

	last    time.Time // when the last write ended
	control []byte    // our commands that are being written
	said    int       // octets of control that are

	mu    sync.Mutex // a leaf; guards what follows
	state writing
	again bool // asked for while it was busy
	asked bool // by claim, while somebody was writing
	ended bool // nothing is read any more
}

const (
	// quietFor is how long nothing must have been written for the next message to
	// be written by its sender.
	quietFor = 2 * time.Microsecond
	// inlineMost is the most octets that a sender writes itself.
	inlineMost = 64 << 10
	// listMost is how many pieces are written at once.
	listMost = 32
)

// flush writes what waits, or has it written.
func (f *flusher) flush(alone bool) {
	if !f.take(resting) {
		return
	}
	if !alone || !f.quiet() {
		f.to.handOver()
		return
	}
	f.turn(inlineMost)
}

// turn writes once, at most so many octets, and hands the rest over.
func (f *flusher) turn(most int) {
	switch f.work(most) {
	case wroteAll:
		if !f.leave() {
			f.to.handOver()
		}
	case wroteSome:
		f.to.handOver()
	case wroteNone:
		f.block()
	}
}

// unblock goes on where the system took no more.
func (f *flusher) unblock() {
	if f.take(blocked) {
		f.to.handOver()
	}
}

// quiet reports whether the peer has spoken since the last write, so that this is
// an answer, or nothing was written for a while: then there is nothing that a
// message could wait for.
func (f *flusher) quiet() bool {
	return f.c.fresh.Swap(false) || time.Since(f.last) >= quietFor
}

// run writes until nothing is left. It waits where the sink does.
func (f *flusher) run() {
	looked := false // once more, before leaving
	for f.work(0) == wroteAll {
		if looked && f.leave() {
			return
		}
		if !looked {
			runtime.Gosched() // a sender that is about to go on costs less than a new goroutine
		}
		looked = !looked
	}
}

// wrote is how far work has come.
type wrote uint8

const (
	wroteAll  wrote = iota // nothing is left
	wroteSome              // there is more
	wroteNone              // there is more, but the system takes none
	wroteLast              // nothing will ever be written again
)

// pieces is a list for one write.
type pieces [listMost][]byte

var lists = sync.Pool{New: func() any { return new(pieces) }}

// work writes what waits. With most it writes once, and not at all if that were
// more than so many octets; without it may wait. The state is busy.
func (f *flusher) work(most int) wrote {
	scratch := lists.Get().(*pieces)
	w := f.write(scratch, most)
	clear(scratch[:])
	lists.Put(scratch)
	f.last = time.Now()
	return w
}

func (f *flusher) write(scratch *pieces, most int) wrote {
	out := f.c.out
	for done := false; ; done = true {
		if w := f.commands(scratch, most == 0); w != wroteAll {
			return w
		}
		list, st := out.next(scratch[:0])
		if st == pipe.Empty {
			return wroteAll
		}
		if st != pipe.OK {
			f.farewell()
			return wroteLast
		}
		if most := f.c.writeMost; most > 0 {
			list = atMost(list, most)
		}
		size := sizeOf(list)
		if most > 0 && (done || size > most) {
			return wroteSome
		}
		n, err := f.to.write(list, most == 0)
		out.written(n)
		switch {
		case err == errAgain, err == nil && n < size && most > 0:
			return wroteNone
		case err != nil:
			f.failed()
			return wroteLast
		}
	}
}

func sizeOf(list [][]byte) (n int) {
	for _, b := range list {
		n += len(b)
	}
	return n
}

// commands writes those of our own, where a message has ended.
func (f *flusher) commands(scratch *pieces, wait bool) wrote {
	for {
		if f.said == len(f.control) {
			f.control, f.said = f.control[:0], 0
			if !f.c.out.between() {
				return wroteAll
			}
			control := f.c.takeControl(f.control)
			if control == nil {
				return wroteAll
			}
			f.control = control
		}
		n, err := f.to.write(append(scratch[:0], f.control[f.said:]), wait)
		f.said += n
		switch {
		case err == errAgain:
			return wroteNone
		case err != nil:
			f.failed()
			return wroteLast
		}
	}
}

// take makes the caller the one who writes, if the state is from. If somebody
// writes already he will look again.
func (f *flusher) take(from writing) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != from {
		f.again = f.state == busy
		return false
	}
	f.state, f.again = busy, false
	return true
}

// claim is take of a connection that nobody writes. If somebody does the sink is told
// when he has done.
func (f *flusher) claim() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != resting {
		f.asked = f.state != over
		return false
	}
	f.state, f.again = busy, false
	return true
}

// leave gives up writing, unless something has come meanwhile.
func (f *flusher) leave() bool {
	f.mu.Lock()
	switch {
	case f.ended:
		f.state = over
	case f.again:
		f.again = false
		f.mu.Unlock()
		return false
	default:
		f.state = resting
	}
	ended, asked, to := f.ended, f.asked, f.to
	f.asked = false
	f.mu.Unlock()
	switch {
	case ended:
		f.endWriting()
	case asked:
		to.rested()
	}
	return true
}

// block gives up writing until the system takes more.
func (f *flusher) block() {
	f.mu.Lock()
	f.state = blocked
	ended := f.ended
	if ended {
		f.state = over
	}
	f.mu.Unlock()
	if ended {
		f.endWriting()
		return
	}
	f.to.lookout()
}

// finish ends the sending side: the state is busy.
func (f *flusher) finish() {
	f.mu.Lock()
	f.state = over
	f.mu.Unlock()
	f.endWriting()
}

// stopWriting is called when the reading side has ended, after the connection was given
// up. It reports whether somebody is still writing, who will notice by himself.
func (f *flusher) stopWriting() (writes bool) {
	f.mu.Lock()
	f.ended = true
	writes = f.state == busy
	free := f.state == resting || f.state == blocked
	if free {
		f.state = over
	}
	f.mu.Unlock()
	if free {
		f.endWriting()
	}
	return writes
}

// endWriting counts the sending side off.
func (f *flusher) endWriting() {
	if f.c.through() {
		f.to.over()
	}
}

// failed ends the sending side only: what the peer sent before it went is still
// read, until it is silent for as long as a farewell. With tcp the system ends the
// reading by itself.
func (f *flusher) failed() {
	if remote := f.c.conn().RemoteAddr(); remote == nil || remote.Network() != "tcp" {
		f.c.mute.Store(true)
		f.c.waitFarewell()
	}
	f.finish()
}

// farewell ends a connection over which everything has been said.
func (f *flusher) farewell() {
	if f.to.halfClose() == nil {
		f.c.parting.Store(true)
		f.c.waitFarewell()
	} else {
		f.c.abort(errKicked)
	}
	f.finish()
}
