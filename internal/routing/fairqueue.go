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
func NewFairQueue() FairQueue { return FairQueue{ring{recv: true}} }

// Add lets e take part: it is new, or something waits in it again.
func (f *FairQueue) Add(e *pipe.End) { f.ring.join(e) }

// Remove takes e out, with whatever waits in it.
func (f *FairQueue) Remove(e *pipe.End) { f.ring.leave(e) }

// Recv takes the next message and returns the pipe that it came from, or nil
// when nothing waits. A pipe whose peer is gone is read to its end.
// Subscriptions are no messages here and thrown away.
func (f *FairQueue) Recv(m *message.Message) *pipe.End {
	for f.ring.at != nil {
		e := f.ring.at
		if e.Read(m) != pipe.OK {
			f.ring.leave(e)
			continue
		}
		f.Done()
		if m.Kind == message.Data {
			return e
		}
	}
	return nil
}

// Turn returns the pipe whose turn it is, or nil. It is for a pattern that has
// more to tell of a pipe than its messages, or reads by itself, and says Done or
// Remove.
func (f *FairQueue) Turn() *pipe.End { return f.ring.at }

// Done ends the turn of the pipe that has it.
func (f *FairQueue) Done() { f.ring.step() }

// Ready reports whether a message waits.
func (f *FairQueue) Ready() bool {
	for f.ring.at != nil {
		if f.ring.at.CanRead() == pipe.OK {
			return true
		}
		f.ring.leave(f.ring.at)
	}
	return false
}

// All makes a call for every pipe that is thought to hold messages, which must not
// change the rotation.
func (f *FairQueue) All(call func(*pipe.End)) {
	e := f.ring.at
	for range f.ring.size {
		call(e)
		e = e.RecvRing.Next
	}
}

// Len is the number of pipes that are thought to hold messages.
func (f *FairQueue) Len() int { return f.ring.size }
