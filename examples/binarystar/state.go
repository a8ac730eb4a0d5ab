package main

import "errors"

// A state is what a server says of itself, and an event at the other one.
type state string

const (
	asPrimary state = "primary" // has started, and looks for its peer
	asBackup  state = "backup"  // the same
	active    state = "active"  // serves
	passive   state = "passive" // stands by
)

var (
	errBothActive  = errors.New("both servers are active: clients have been told different things")
	errBothPassive = errors.New("both servers are passive: somebody has set them up wrongly")
)

// heard is the state that follows when the peer tells its own.
func (s state) heard(peer state) (state, error) {
	switch {
	case s == asPrimary && peer == asBackup, // the normal beginning
		s == passive && (peer == asPrimary || peer == asBackup): // it has crashed and come back
		return active, nil
	case s == asPrimary && peer == active, // while we were away
		s == asBackup && peer == active:
		return passive, nil
	case s == active && peer == active:
		return s, errBothActive
	case s == passive && peer == passive:
		return s, errBothPassive
	}
	return s, nil
}

// asked is the state that follows when a client asks, and whether it gets a reply.
// Silent says that the peer has not been heard of for a while.
func (s state) asked(silent bool) (next state, serve bool) {
	switch {
	case s == active:
		return active, true
	case silent && (s == passive || s == asPrimary): // a backup that has never seen its primary does not begin
		return active, true
	}
	return s, false
}
