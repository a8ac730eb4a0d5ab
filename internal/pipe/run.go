package pipe

import (
	"math"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

const (
	// runMost is the largest frame that takes part in a run, in octets: of larger
	// ones too few fit the memory that is claimed for one.
	runMost = message.Small
	// longWindow is the window of a run of frames that are not short.
	longWindow = 4 * window
)

// A run is the fastest way into a queue: messages of a small frame, or of some short
// ones, one behind another in the open chunk, as long as nothing else happens. Until settle the
// rest of the queue does not know of them.
type run struct {
	b    []byte // what was free of the open chunk, right behind the last span
	at   int    // octets of b that are used
	left int    // how many more messages there may be
	most int    // what left was in the beginning
}

// add appends a message of one short frame and reports whether it could. q.mu is
// held.
func (r *run) add(body []byte) bool {
	at := r.at + 2
	end := at + len(body)
	if r.left == 0 || len(body) > math.MaxUint8 || end > len(r.b) {
		return false
	}
	r.b[at-2], r.b[at-1] = 0, byte(len(body))
	copy(r.b[at:end], body)
	r.at = end
	r.left--
	return true
}

// addLong is add of a frame that is not short.
func (r *run) addLong(body []byte) bool {
	end := r.at + zmtp.MaxHeader + len(body)
	if r.left == 0 || len(body) <= math.MaxUint8 || end > len(r.b) {
		return false
	}
	zmtp.AppendHeader(r.b[r.at:r.at], 0, len(body))
	copy(r.b[r.at+zmtp.MaxHeader:end], body)
	r.at = end
	r.left--
	return true
}

// addShort is add of a message of several frames, all of them short.
func (r *run) addShort(frames [][]byte) bool {
	at := r.at
	if r.left == 0 {
		return false
	}
	for _, f := range frames {
		end := at + 2 + len(f)
		if len(f) > math.MaxUint8 || end > len(r.b) {
			return false // what was written of it lies behind the run
		}
		r.b[at], r.b[at+1] = byte(zmtp.FlagMore), byte(len(f))
		copy(r.b[at+2:end], f)
		at = end
	}
	r.b[at-2-len(frames[len(frames)-1])] = 0
	r.at = at
	r.left--
	return true
}

// startRun lets a run follow the message of size octets that was just appended, if
// others like it would be part of one, and it ends where the open chunk is free. The reader knows that something waits, so that it need not
// be told of what the run brings. q.mu is held.
func (q *queue) startRun(size int) {
	if size > runMost || q.newest || q.idle || q.open == nil {
		return
	}
	s := &q.spans[len(q.spans)-1]
	if s.chunk != q.open || int(s.end) != q.fill {
		return
	}
	left := math.MaxInt
	if q.marks.mark > 0 {
		left = max(q.marks.mark-q.n-q.inflight, 0)
	}
	most := window
	if size > math.MaxUint8 {
		most = longWindow
	}
	b := q.open.B[q.fill:min(q.fill+most, len(q.open.B))]
	if q.n >= busyFrom {
		claim(b)
	}
	q.run = run{b: b, left: left, most: left}
}

// settle ends a run: what it brought becomes part of the last span. Everything
// that looks at the queue or changes it does so first. q.mu is held.
func (q *queue) settle() {
	k := q.run.most - q.run.left
	if k > 0 {
		s := &q.spans[len(q.spans)-1]
		q.fill += q.run.at
		s.end = uint32(q.fill)
		s.n += int32(k)
		q.n += k
	}
	q.run = run{}
}
