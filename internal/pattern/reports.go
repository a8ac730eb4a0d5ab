package pattern

import (
	"encoding/binary"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// reports is a queue of messages that a pattern made itself, or had to take off
// a pipe before anybody wanted them. Memory is used again; in steady state a
// message costs none. The zero value is empty.
type reports struct {
	octets  []byte // each frame behind its length
	entries []report
	head    int // entries before it are taken
	from    int // octets before it are taken
}

// A report is one message of the queue.
type report struct {
	origin *pipe.End     // the pipe that it is about
	peer   *message.Peer // the connection that it came over; nil: the peer has gone
	kind   message.Kind  // Subscribe or Cancel, or Data for what an application sent
	parted bool          // the peer did not ask for it, but went
	frames int
}

// roomyQueue is the size, in octets and in messages, from which the memory of a
// queue that has become empty is not kept.
const roomyQueue = 64 << 10

// add appends a message without frames.
func (q *reports) add(r report) {
	r.frames = 0
	q.entries = append(q.entries, r)
}

// frame appends a frame, of two parts, to the message that was added last.
func (q *reports) frame(prefix, body []byte) {
	q.octets = binary.AppendUvarint(q.octets, uint64(len(prefix)+len(body)))
	q.octets = append(append(q.octets, prefix...), body...)
	q.entries[len(q.entries)-1].frames++
}

// take moves the oldest message to m. Its frames are valid until the next call.
func (q *reports) take(m *message.Message) (report, bool) {
	q.compact()
	if q.head == len(q.entries) {
		return report{}, false
	}
	r := q.entries[q.head]
	q.entries[q.head] = report{}
	q.head++
	m.Empty()
	m.Kind, m.Peer = message.Data, r.peer
	for range r.frames {
		size, n := binary.Uvarint(q.octets[q.from:])
		from := q.from + n
		q.from = from + int(size)
		m.Frames = append(m.Frames, q.octets[from:q.from])
	}
	return r, true
}

// compact gives back the room of what was taken.
func (q *reports) compact() {
	switch {
	case q.head == len(q.entries):
		if cap(q.octets) > roomyQueue || cap(q.entries) > roomyQueue {
			*q = reports{}
		}
		q.octets, q.entries, q.head, q.from = q.octets[:0], q.entries[:0], 0, 0
	case q.head > len(q.entries)/2 && q.head > 64:
		q.entries = append(q.entries[:0], q.entries[q.head:]...)
		q.octets = append(q.octets[:0], q.octets[q.from:]...)
		q.head, q.from = 0, 0
	}
}

func (q *reports) len() int { return len(q.entries) - q.head }
