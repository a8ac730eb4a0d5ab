package engine

import (
	"bytes"
	"slices"
	"sync/atomic"

	"zeromux/internal/message"
)

// alike lets the peers of one endpoint share what they have in common: thousands
// of clients say the same of themselves, but for a routing id.
type alike struct{ last atomic.Pointer[message.Peer] }

// alikeMost is the most that the metadata of a peer may be, in octets, to be kept
// for the next one, which may come long after it has gone.
const alikeMost = 2 << 10

// share gives p the memory of the last peer for whatever is the same of both. Nobody
// has p yet.
func (a *alike) share(p *message.Peer) {
	if last := a.last.Load(); last != nil {
		p.Address = sameText(p.Address, last.Address)
		p.SocketType = sameText(p.SocketType, last.SocketType)
		p.UserID = sameText(p.UserID, last.UserID)
		p.Properties = sameList(p.Properties, last.Properties)
	}
	size := len(p.RoutingID) // of a peer of 1.0 or 2.0 it may be of any size
	for _, property := range p.Properties {
		size += len(property.Name) + len(property.Value)
	}
	switch {
	case size > alikeMost:
	case p.TLS != nil: // its certificates are not kept
		kept := *p
		kept.TLS = nil
		a.last.Store(&kept)
	default:
		a.last.Store(p)
	}
}

// sameText returns other if it is the same.
func sameText(s, other string) string {
	if s == other {
		return other
	}
	return s
}

// sameList returns other if it is the same, and otherwise l, with what other has at
// the same place where that is the same.
func sameList(l, other []message.Property) []message.Property {
	same := func(a, b message.Property) bool { return a.Name == b.Name && bytes.Equal(a.Value, b.Value) }
	if slices.EqualFunc(l, other, same) {
		return other
	}
	for i := range min(len(l), len(other)) {
		l[i].Name = sameText(l[i].Name, other[i].Name)
		if bytes.Equal(l[i].Value, other[i].Value) {
			l[i].Value = other[i].Value
		}
	}
	return l
}
