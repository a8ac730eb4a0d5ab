package routing

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// FairQueue takes one message from each pipe in turn. A pipe that is empty
// leaves the rotation and comes back, at its end, when a message has arrived.
//
// Everything runs under recvMu. Use NewFairQueue.
type FairQueue struct{ ring ring }

// NewFairQueue returns an empty rotation.
func NewFairQueue() FairQueue { return FairQueue{ring{place: recvPlace}} }

// Add lets e take part: it is new, or something waits in it again.
func (f *FairQueue) Add(e *pipe.End) { f.ring.join(e) }

// Remove takes e out, with whatever waits in it.
func (f *FairQueue) Remove(e *pipe.End) { f.ring.leave(e) }

// Recv takes the next message and returns the pipe that it came from, or nil
// when nothing waits. A pipe whose peer is gone is read to its end.
func (f *FairQueue) Recv(m *message.Message) *pipe.End {
	for f.ring.at != nil {
		e := f.ring.at
		if e.Read(m) == pipe.OK {
			if f.ring.size > 1 {
				f.ring.step()
			}
			return e
		}
		f.ring.leave(e)
	}
	return nil
}

// Len is the number of pipes that are thought to hold messages.
func (f *FairQueue) Len() int { return f.ring.size }
