package routing

import "zeromux/internal/pipe"

// Roster is every pipe that may be written to, in the order of joining, for the
// patterns that write to all of them. It lies in the same place of an End as a
// LoadBalance; a pattern has one or the other.
//
// Everything runs under sendMu. Use NewRoster.
type Roster struct{ ring ring }

// NewRoster returns an empty roster.
func NewRoster() Roster { return Roster{ring{}} }

// Add puts e on the roster.
func (r *Roster) Add(e *pipe.End) { r.ring.join(e) }

// Remove takes e off the roster, if it is on it.
func (r *Roster) Remove(e *pipe.End) { r.ring.leave(e) }

// All calls f for every pipe, which must not change the roster.
func (r *Roster) All(f func(*pipe.End)) {
	e := r.ring.at
	for range r.ring.size {
		f(e)
		e = e.SendRing.Next
	}
}

// Len is the number of pipes.
func (r *Roster) Len() int { return r.ring.size }
