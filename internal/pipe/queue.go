package pipe

import (
	"math"
	"sync"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// Status says what became of a Write or a Read.
type Status uint8

const (
	// OK: the message was taken, or is there.
	OK Status = iota
	// Full: the high-water mark is reached; the writer is told when there is room.
	Full
	// Empty: nothing waits; the reader is told when something does.
	Empty
	// Closed: the other side reads no more, or all that it wrote has been read.
	Closed
)

// A queue is one direction of a pipe. Its writer appends encoded frames, its
// reader takes all that waits in one go; both are told across what they wait
// for: the reader that there is something, the writer that there is room.
//
// n counts what waits, inflight what the reader has taken and not yet
// acknowledged. Both count against the mark, so that messages in a reader's
// hands are not free.
type queue struct {
	mu  sync.Mutex // guards all but pool, reader and writer; spans, n and fill are true after settle
	run run        // short messages behind what the rest of the queue knows of

	spans []Span         // whole messages, oldest first
	open  *message.Chunk // the chunk that is being filled; the queue's own reference
	fill  int            // octets of open that are used

	n        int
	inflight int
	marks    marks

	idle   bool // the reader found nothing: the next writer tells it
	told   bool // the reader was told, and has not come since
	full   bool // the writer found no room: the reader tells it
	ended  bool // the writer is gone
	gone   bool // the reader is gone
	mid    bool // a message is being appended that has frames already
	newest bool // a queue of one message, the newest

	messages uint64 // ever written, but for those that wait
	octets   uint64 // of their frames, encoded

	books *books // what few queues have to remember; nil: nothing

	// These do not change.
	pool   *message.Pool
	reader *End // told when something waits
	writer *End // told when there is room
}

// The two sides of a queue.
const (
	writers = iota
	readers
)

// A Tally is a number of messages and of the octets of their frames, encoded, and
// how many of these messages made way for newer ones.
type Tally struct{ Messages, Octets, Conflated uint64 }

// books are what few queues have to remember of what went through them.
type books struct {
	taken     [2]Tally // how much either side has taken into its own books
	conflated uint64   // messages ever written that a newer one replaced
}

// book returns the queue's books, and begins them if need be. q.mu is held.
func (q *queue) book() *books {
	if q.books == nil {
		q.books = new(books)
	}
	return q.books
}

// marks is the high-water mark of one direction, in messages, and the two
// shares that it is made of: an in-process queue is as long as the sender's and
// the receiver's together, and endless when either is. A share of -1 does not
// take part.
type marks struct {
	send, recv int
	mark       int // the sum; 0: none
}

func (m *marks) set(send, recv int) {
	m.send, m.recv = send, recv
	switch {
	case send == 0 || recv == 0:
		m.mark = 0
	default:
		send, recv = max(send, 0), max(recv, 0)
		m.mark = send + min(recv, math.MaxInt-send)
	}
}

// reached reports whether k messages are as many as the mark allows.
func (m *marks) reached(k int) bool { return m.mark > 0 && k >= m.mark }

// low reports whether k messages are few enough for a writer that met the mark
// to go on: half of it. libzmq: the low-water mark.
func (m *marks) low(k int) bool { return m.mark == 0 || k <= m.mark/2 }

// step is how many messages a reader uses up between acknowledgements: few
// enough for a writer to stay close behind it, many enough to cost nothing.
func (m *marks) step() int {
	if m.mark == 0 {
		return math.MaxInt
	}
	return max(m.mark/8, 1)
}

// lock takes mu for all but the shortest of writes.
func (q *queue) lock() {
	q.mu.Lock()
	q.settle()
}

// lockBusy is lock for the side that comes once for many messages. The other
// side holds mu for some nanoseconds of every message: going to sleep over that,
// and being woken, would cost more than a hundred of them.
func (q *queue) lockBusy() {
	for range 100 {
		if q.mu.TryLock() {
			q.settle()
			return
		}
	}
	q.lock()
}

// take moves all that waits to the reader, or about most octets of it, and hands the
// reader's empty list to the queue. It also acknowledges what the reader has used up
// before.
func (q *queue) take(spent []Span, used, most int) (spans []Span, step int, st Status) {
	q.lockBusy()
	q.told = false
	room := q.acknowledge(used)
	step = q.marks.step()
	switch {
	case len(q.spans) > 0:
		k := some(q.spans, most)
		rest := append(spent[:0], q.spans[k:]...)
		clear(q.spans[k:])
		spans = q.spans[:k]
		n := q.n
		for i := range rest {
			n -= rest[i].Messages()
		}
		q.enter(n, spans)
		q.spans, q.n = rest, q.n-n
		q.inflight += n
	case q.ended, q.gone:
		spans, st = spent[:0], Closed
	default:
		spans, st = spent[:0], Empty
		q.idle = true
		q.rest()
	}
	q.mu.Unlock()
	if room {
		q.writer.writable()
	}
	return spans, step, st
}

// used acknowledges k messages that the reader took and is done with.
func (q *queue) used(k int) {
	q.lockBusy()
	room := q.acknowledge(k)
	q.mu.Unlock()
	if room {
		q.writer.writable()
	}
}

// acknowledge counts k messages off and reports whether the writer must be told
// of room. q.mu is held.
func (q *queue) acknowledge(k int) bool {
	q.inflight -= k
	if q.full && q.marks.low(q.n+q.inflight) {
		q.full = false
		return true
	}
	return false
}

// rest gives the chunk back that a queue keeps open while there is traffic: an
// idle pipe owns no memory. q.mu is held, nothing waits.
func (q *queue) rest() {
	if q.open != nil {
		q.open.Release()
		q.open, q.fill = nil, 0
	}
}

// wakeReader reports whether the reader must be told that something waits, and
// takes note that it is. q.mu is held.
func (q *queue) wakeReader() bool {
	idle := q.idle
	q.idle = false
	q.told = q.told || idle
	return idle
}

// room is how many more messages the mark allows; none means that the writer
// is told when there is room again.
func (q *queue) room() int {
	q.lock()
	defer q.mu.Unlock()
	if q.marks.mark == 0 || q.newest || q.gone {
		return math.MaxInt
	}
	k := q.n + q.inflight
	if q.full || k >= q.marks.mark {
		q.full = true
		return 0
	}
	return q.marks.mark - k
}

// mark is the high-water mark, in messages; zero is none.
func (q *queue) mark() int {
	q.lock()
	defer q.mu.Unlock()
	return q.marks.mark
}

// setMarks changes the shares of the mark; a share of -1 stays as it is. Room
// that this makes is announced.
func (q *queue) setMarks(send, recv int) {
	q.lock()
	if send < 0 {
		send = q.marks.send
	}
	if recv < 0 {
		recv = q.marks.recv
	}
	q.marks.set(send, recv)
	room := q.full && !q.marks.reached(q.n+q.inflight)
	if room {
		q.full = false
	}
	q.mu.Unlock()
	if room {
		q.writer.writable()
	}
}

// end says that nothing more will be written. The reader gets what waits, then
// Closed.
func (q *queue) end() (wake bool) {
	q.lock()
	defer q.mu.Unlock()
	if q.ended {
		return false
	}
	q.ended = true
	return q.wakeReader()
}

// leave says that nothing more will be read: what waits is let go, and the
// writer is told by Closed. It reports whether nobody has said so before.
func (q *queue) leave() (first bool) {
	q.lock()
	if q.gone {
		q.mu.Unlock()
		return false
	}
	q.gone = true
	q.count()
	spans := q.spans
	q.spans, q.n, q.inflight = nil, 0, 0
	q.rest()
	tell := q.full
	q.full = false
	q.mu.Unlock()
	ReleaseAll(spans)
	if tell {
		q.writer.writable()
	}
	return true
}

// count enters what waits into the totals, before it stops waiting. q.mu is held.
func (q *queue) count() { q.enter(q.n, q.spans) }

// enter enters n messages in spans into the totals: adding up spans costs less than
// counting each message. q.mu is held.
func (q *queue) enter(n int, spans []Span) {
	if !counting {
		return
	}
	q.messages += uint64(n)
	q.octets += octetsOf(spans)
}

// discount takes n messages in spans out of the totals: they wait. q.mu is held.
func (q *queue) discount(n int, spans []Span) {
	if !counting {
		return
	}
	q.messages -= uint64(n)
	q.octets -= octetsOf(spans)
}

func octetsOf(spans []Span) (octets uint64) {
	for i := range spans {
		octets += uint64(spans[i].Len())
	}
	return octets
}

// add enters a message of one frame into the totals that does not go through the queue.
func (q *queue) add(body []byte) {
	if !counting {
		return
	}
	q.lock()
	q.messages++
	q.octets += uint64(zmtp.HeaderSize(len(body)) + len(body))
	q.mu.Unlock()
}

// skip leaves a message of one frame, which waits, out of the totals. q.mu is held.
func (q *queue) skip(body []byte) {
	if !counting {
		return
	}
	b := q.book()
	for side := range b.taken {
		b.taken[side].Messages++
		b.taken[side].Octets += uint64(zmtp.HeaderSize(len(body)) + len(body))
	}
}

// totals are the messages and octets ever written that a side has not taken into
// its books; with take it has from then on.
func (q *queue) totals(side int, take bool) Tally {
	q.lock()
	defer q.mu.Unlock()
	all := Tally{Messages: q.messages + uint64(q.n), Octets: q.octets + octetsOf(q.spans)}
	left := all
	if b := q.books; b != nil {
		all.Conflated = b.conflated
		left = Tally{
			all.Messages - b.taken[side].Messages, all.Octets - b.taken[side].Octets,
			all.Conflated - b.taken[side].Conflated,
		}
	}
	if take {
		q.book().taken[side] = all
	}
	return left
}

// depth is the number of messages that wait or are in the reader's hands.
func (q *queue) depth() int {
	q.lock()
	defer q.mu.Unlock()
	return q.n + q.inflight
}
